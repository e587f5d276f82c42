//! Owners by BPF on whatever kernel runs this: what is told is true, or the reason why nothing is.
//!
//! `PLUMB_NEED_BPF` names the programs that must run, so that a kernel that has all they need cannot
//! pass by a reason.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;

use plumb_bpf::owners::{self, SocketFile, Wanted};
use plumb_bpf::{Status, programs};

/// Names the programs without which a test must fail, between blanks.
const NEEDED: &str = "PLUMB_NEED_BPF";

/// Descriptor and inode of each socket this process holds, as /proc tells.
fn own_sockets() -> BTreeSet<(i32, u64)> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let sockets = entries.flatten().filter_map(|entry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        let is_socket = target.to_string_lossy().starts_with("socket:");
        let fd = entry.file_name().to_string_lossy().parse().ok()?;
        is_socket.then_some((fd, entry.path().metadata().ok()?.ino()))
    });
    sockets.collect()
}

/// Says whether a program must run on this kernel: here, where nothing is named, none must.
pub(crate) fn is_needed(name: &str) -> bool {
    let needed = std::env::var(NEEDED).unwrap_or_default();
    needed.split_whitespace().any(|word| word == name)
}

mod needs_root {
    use plumb_testkit::holding::{self, Way};
    use plumb_testkit::sandbox;

    use super::*;

    #[test]
    fn every_program_of_bpf_runs_or_says_why_not() {
        sandbox::run(|| {
            let programs = programs();
            for program in &programs {
                println!("{}: {:?}", program.name, program.status);
                match &program.status {
                    Status::Runs(_) => {}
                    Status::CannotRun(why) => {
                        assert!(!is_needed(program.name), "{}: {why}", program.name);
                        assert!(!why.why.is_empty());
                    }
                }
            }
            let names = std::env::var(NEEDED).unwrap_or_default();
            for name in names.split_whitespace() {
                assert!(
                    programs.iter().any(|program| program.name == name),
                    "{name}?"
                );
            }
        });
    }

    #[test]
    fn owners_by_bpf_are_those_of_proc() {
        sandbox::run(|| {
            let held: Vec<_> = (0..100)
                .map(|_| std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback is up"))
                .collect();
            let thread = holding::thread::own_table().expect("root may");
            let Way::OwnTable { tid, fd } = thread.way else {
                unreachable!("it was asked for this way");
            };
            let few: Vec<u64> = held
                .iter()
                .step_by(9)
                .map(|socket| holding::inode(socket).expect("it is open"))
                .collect();
            let mut told: Vec<SocketFile> = Vec::new();
            match owners::read(Wanted::All, &mut |file| told.push(*file)) {
                Ok(summary) => println!("{summary:?}"),
                Err(why) => {
                    assert!(!is_needed("owners/files"), "{why}");
                    println!("no owners by BPF: {why}");
                    return;
                }
            }
            told.retain(|file| file.tgid == 1);
            let ours = told.iter().filter(|file| file.tid == 1);
            let ours: BTreeSet<_> = ours.map(|file| (file.fd, file.inode)).collect();
            assert_eq!(ours, own_sockets());
            let theirs: Vec<_> = told.iter().filter(|file| file.tid != 1).collect();
            assert_eq!(theirs.len(), 1, "{theirs:?}");
            assert_eq!((theirs[0].tid, theirs[0].fd), (tid, fd));
            let mut told = BTreeSet::new();
            owners::read(Wanted::Inodes(&few), &mut |file| {
                assert!(told.insert(file.inode));
            })
            .expect("it ran a moment ago");
            assert_eq!(told, few.into_iter().collect());
        });
    }
}
