//! Reads the owners of all sockets, or of the first N, a few times, and prints what each reading took
//! on the processor, loading the program included.
//!
//! `cargo run --release -p plumb-bpf --example owners -- [RUNS [WANTED]]`; beside a farm of sockets
//! (`plumb-farm`) this is where figures on the cost of owners come from.

use std::time::Instant;

use plumb_bpf::owners::{self, Wanted};

fn main() {
    let numbers = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let numbers: Vec<usize> = numbers.map(|number| number.unwrap_or(1)).collect();
    let runs = numbers.first().copied().unwrap_or(5);
    let wanted = numbers.get(1).map(|&count| first_inodes(count));
    for _ in 0..runs {
        let wanted = wanted.as_deref().map_or(Wanted::All, Wanted::Inodes);
        let start = (Instant::now(), processor_ms());
        let mut sum = 0_u64;
        let mut each = |file: &owners::SocketFile| sum = sum.wrapping_add(file.inode);
        match owners::read(wanted, &mut each) {
            Ok(summary) => {
                let elapsed = start.0.elapsed().as_secs_f64() * 1e3;
                let processor = processor_ms() - start.1;
                println!("{processor:7.2} ms of processor, {elapsed:7.2} ms in all, {summary:?}");
            }
            Err(unavailable) => println!("{unavailable}; {:?}", unavailable.allow),
        }
    }
}

fn processor_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// The inodes of the first sockets that are told.
fn first_inodes(count: usize) -> Vec<u64> {
    let mut inodes = Vec::new();
    let mut each = |file: &owners::SocketFile| {
        if inodes.len() < count {
            inodes.push(file.inode);
        }
    };
    match owners::read(Wanted::All, &mut each) {
        Ok(_) => {}
        Err(unavailable) => println!("{unavailable}"),
    }
    inodes
}
