//! Every program tells the same, and what is told is what /proc tells.

mod needs_root {
    use std::collections::BTreeSet;
    use std::net::UdpSocket;

    use plumb_testkit::holding::{self, Way};
    use plumb_testkit::sandbox;

    use crate::load::Program;
    use crate::owners::choice::Choice;
    use crate::owners::tasks::Tables;
    use crate::owners::{FILES, SocketFile, TASKS, Wanted, stream};

    /// Lets one program tell of everything.
    fn told_by(program: &Program, wanted: Wanted<'_>) -> Vec<SocketFile> {
        let mut told = Vec::new();
        let mut each = |file: &SocketFile| told.push(*file);
        let mut choice = Choice::new(wanted, &mut each);
        if TASKS.iter().any(|tasks| tasks.name == program.name) {
            let tables = Tables::load(&[program], wanted);
            tables
                .and_then(|mut tables| tables.read(&mut choice))
                .expect("this kernel has all it needs");
        } else {
            stream::read_own(&[program], &mut choice).expect("this kernel has all it needs");
        }
        told
    }

    fn all_programs() -> impl Iterator<Item = &'static Program> {
        TASKS.into_iter().chain(FILES)
    }

    #[test]
    fn all_programs_tell_the_same() {
        sandbox::run(|| {
            let held: Vec<_> = (0..200)
                .map(|_| UdpSocket::bind("127.0.0.1:0").expect("loopback is up"))
                .collect();
            let wanted: Vec<u64> = held
                .iter()
                .step_by(3)
                .map(|socket| holding::inode(socket).expect("it is open"))
                .collect();
            for wanted in [Wanted::All, Wanted::Inodes(&wanted)] {
                let mut first = told_by(TASKS[0], wanted);
                // One of the pids this sandbox shows is its own; others come and go.
                first.retain(|file| file.tgid == 1);
                assert!(first.len() >= 67, "{}", first.len());
                for program in all_programs() {
                    let mut told = told_by(program, wanted);
                    told.retain(|file| file.tgid == 1);
                    assert_eq!(told, first, "{}", program.name);
                }
            }
        });
    }

    /// More sockets than the shared array holds, in one process and so in one call of the program.
    #[test]
    fn a_process_with_more_sockets_than_room_is_told_whole() {
        sandbox::run(|| {
            let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
            let room = limit.maximum.unwrap_or(u64::MAX).min(20_000);
            let limit = rustix::process::Rlimit {
                current: Some(room),
                maximum: limit.maximum,
            };
            rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)
                .expect("up to the hard limit it may be raised");
            assert!(
                room > 17_000,
                "the test needs a hard limit of more descriptors"
            );
            let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
            let copies: Vec<_> = (0..17_000)
                .map(|_| socket.try_clone().expect("the limit allows it"))
                .collect();
            let inode = holding::inode(&socket).expect("it is open");
            for program in all_programs() {
                for wanted in [Wanted::All, Wanted::Inodes(&[inode])] {
                    let told = told_by(program, wanted);
                    let of_it = told.iter().filter(|file| file.inode == inode);
                    let fds: BTreeSet<i32> = of_it.map(|file| file.fd).collect();
                    assert_eq!(fds.len(), copies.len() + 1, "{}", program.name);
                    assert_eq!(
                        told.iter().filter(|file| file.inode == inode).count(),
                        fds.len()
                    );
                }
            }
        });
    }

    #[test]
    fn a_thread_with_a_table_of_its_own_tells_what_its_process_does_not_have() {
        sandbox::run(|| {
            let before = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
            let held = holding::thread::own_table().expect("root may");
            let Way::OwnTable { tid, fd } = held.way else {
                unreachable!("it was asked for this way");
            };
            let both = holding::inode(&before).expect("it is open");
            for program in all_programs() {
                let told = told_by(program, Wanted::All);
                let of = |inode: u64| -> Vec<_> {
                    let files = told.iter().filter(|file| file.inode == inode);
                    files.map(|file| (file.tgid, file.tid, file.fd)).collect()
                };
                assert_eq!(of(held.inode), [(1, tid, fd)], "{}", program.name);
                // The thread's table is a copy: this is in both, and told once.
                assert_eq!(of(both).len(), 1, "{}", program.name);
            }
        });
    }
}
