//! The holders hold what they say, in the way they say, and by no other.

mod needs_root {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use plumb_testkit::holding::{self, Held, Way};
    use plumb_testkit::sandbox;

    /// Lists the sockets a folder of descriptors shows.
    fn sockets(folder: &str) -> BTreeSet<u64> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let target = fs::read_link(entry.path()).ok()?;
                let inode = target.to_str()?.strip_prefix("socket:[")?;
                inode.strip_suffix(']')?.parse().ok()
            })
            .collect()
    }

    /// Says whether the descriptors of a process, its leader's, hold a socket.
    fn holds(held: &Held, pid: u32) -> bool {
        sockets(&format!("/proc/{pid}/fd")).contains(&held.inode)
    }

    fn check(held: &Held) {
        let us = std::process::id();
        assert!(!holds(held, us), "{:?}: we have let go", held.way);
        match held.way {
            Way::OwnTable { tid, fd } => {
                let folder = format!("/proc/{us}/task/{tid}/fd");
                assert!(sockets(&folder).contains(&held.inode));
                let link = fs::read_link(format!("{folder}/{fd}")).expect("the thread lives");
                assert_eq!(link.to_str(), Some(&*format!("socket:[{}]", held.inode)));
            }
            Way::Ring { ring_fd, slot } => {
                let info = fs::read_to_string(format!("/proc/{us}/fdinfo/{ring_fd}"));
                let info = info.expect("the ring is open");
                let line = format!("{slot}: socket:[{}]", held.inode);
                assert!(info.lines().any(|row| row.trim() == line), "{info}");
            }
            Way::InFlight { carrier } => assert!(sockets("/proc/self/fd").contains(&carrier)),
            Way::Covered => {
                let folder = format!("/proc/{}", held.pid);
                assert_eq!(fs::read_dir(folder).expect("it is empty").count(), 0);
            }
            Way::Inherited | Way::Received => assert!(holds(held, held.pid)),
        }
    }

    #[test]
    fn every_socket_is_held_as_told_and_no_other_way() {
        sandbox::run(|| {
            let program = Path::new(env!("CARGO_BIN_EXE_plumb-holders"));
            let held = holding::every_way(program).expect("root may do all of it");
            let ways: BTreeSet<_> = held.iter().map(|held| held.way.word()).collect();
            assert_eq!(ways.len(), 6);
            held.iter().for_each(check);
            let listens = |port: u16| {
                let table = fs::read_to_string("/proc/net/tcp").expect("/proc is mounted");
                table.contains(&format!("0100007F:{port:04X} 00000000:0000 0A"))
            };
            let ports: Vec<u16> = held.iter().map(|held| held.port).collect();
            assert!(ports.iter().all(|&port| listens(port)));
            let covered = held.iter().find(|held| held.way == Way::Covered);
            let cover = format!(" /proc/{} ", covered.expect("it is one of them").pid);
            let mounts = || fs::read_to_string("/proc/mounts").expect("/proc is mounted");
            assert!(mounts().contains(&cover));
            drop(held);
            assert!(!mounts().contains(&cover));
        });
    }
}
