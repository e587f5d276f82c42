//! What following and naming stacks costs, for programs in many languages.
//!
//! `cargo run --release -p plumb-bpf --example stacks [PROGRAM…]` stops each program in its second connect(), as the
//! tests do, and times what plumb makes of its stack: "first" is the first stack of the first process that runs
//! these files, "next" the same again. Programs this machine cannot build are listed.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use plumb_bpf::stacks::{RawStack, Symbolizer, Unwinder};
use plumb_testkit::leaking::{PROGRAMS, Program};
use plumb_testkit::stopped::{Call, Stopped};
use plumb_testkit::temp::TempDir;

/// How often what is fast is repeated.
const ROUNDS: u32 = 2_000;

/// What one program's stack costs.
struct Cost {
    frames: usize,
    bytes: usize,
    see: Duration,
    unwind: Duration,
    unwind_again: Duration,
    name: Duration,
    name_again: Duration,
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    println!(
        "frames  copied  see, first  unwind, first  unwind, next  name, first  name, next  program"
    );
    for program in PROGRAMS {
        if !wanted.is_empty()
            && !wanted
                .iter()
                .any(|name| program.name.starts_with(name.as_str()))
        {
            continue;
        }
        match measure(program) {
            Ok(cost) => print(program, &cost),
            Err(why) => println!("not run: {}: {why}", program.name),
        }
    }
}

fn print(program: &Program, cost: &Cost) {
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let us = |time: Duration| format!("{:.1} us", time.as_secs_f64() * 1e6);
    println!(
        "{:>6} {:>7} {:>11} {:>14} {:>13} {:>12} {:>11}  {}",
        cost.frames,
        cost.bytes,
        ms(cost.see),
        us(cost.unwind),
        us(cost.unwind_again),
        ms(cost.name),
        us(cost.name_again),
        program.name
    );
}

fn measure(program: &Program) -> Result<Cost, String> {
    let said = |error: std::io::Error| error.to_string();
    let folder = TempDir::new("stacks").map_err(said)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(said)?;
    let port = listener.local_addr().map_err(said)?.port();
    let mut command = program.build(folder.path()).map_err(|lacking| lacking.0)?;
    command.args(["connect", &port.to_string(), "2"]);
    let stopped = Stopped::at(&command, Call::Connect(port), 2).map_err(said)?;
    Ok(time(&RawStack {
        pid: stopped.tid,
        tgid: stopped.tgid,
        start_ticks: 0,
        ip: stopped.ip,
        sp: stopped.sp,
        bp: stopped.bp,
        lr: 0,
        bytes: &stopped.stack,
        script: &[],
        kernel_fp: &[],
    }))
}

fn time(raw: &RawStack<'_>) -> Cost {
    let mut unwinder = Unwinder::new();
    let mut symbolizer = Symbolizer::new();
    let see = once(|| unwinder.see(raw.tgid));
    let mut unwound = None;
    let unwind = once(|| unwound = Some(unwinder.unwind(raw)));
    let unwind_again = once(|| {
        for _ in 0..ROUNDS {
            std::hint::black_box(unwinder.unwind(raw));
        }
    }) / ROUNDS;
    let mut frames = 0;
    let mut name = |rounds: u32| {
        let unwound = unwound.as_ref();
        once(|| {
            for _ in 0..rounds {
                let stack = unwound.map(|unwound| symbolizer.symbolize(unwound));
                frames = stack.map_or(0, |stack| stack.frames.len());
            }
        }) / rounds
    };
    let (name_first, name_again) = (name(1), name(ROUNDS));
    Cost {
        frames,
        bytes: raw.bytes.len(),
        see,
        unwind,
        unwind_again,
        name: name_first,
        name_again,
    }
}

fn once(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}
