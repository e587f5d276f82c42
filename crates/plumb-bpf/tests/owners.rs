//! The owners that the programs tell, compared with what this process knows of itself.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;

use plumb_bpf::owners::{self, SocketFile, Summary, Wanted};

/// Descriptor and inode of each socket this process holds, as /proc tells.
fn own_sockets() -> BTreeSet<(i32, u64)> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let mut sockets = BTreeSet::new();
    for entry in entries.flatten() {
        let Ok(target) = std::fs::read_link(entry.path()) else {
            continue;
        };
        if target.to_string_lossy().starts_with("socket:") {
            let inode = entry
                .path()
                .metadata()
                .expect("the descriptor is open")
                .ino();
            let fd = entry.file_name().to_string_lossy().parse();
            sockets.insert((fd.expect("names are numbers"), inode));
        }
    }
    sockets
}

fn told_of_us(wanted: Wanted<'_>) -> (Vec<SocketFile>, Summary) {
    let mut told = Vec::new();
    let us = std::process::id();
    let mut each = |file: &SocketFile| {
        if file.tgid == us {
            told.push(*file);
        }
    };
    let summary = owners::read(wanted, &mut each).expect("root may run the programs");
    (told, summary)
}

fn pairs(told: &[SocketFile]) -> BTreeSet<(i32, u64)> {
    told.iter().map(|file| (file.fd, file.inode)).collect()
}

mod needs_root {
    use std::net::{TcpListener, UdpSocket};
    use std::os::fd::AsRawFd as _;
    use std::path::Path;

    use plumb_bpf::owners::Source;
    use plumb_bpf::pin;
    use plumb_testkit::sandbox;
    use rustix::mount::{MountFlags, mount};
    use rustix::process::{Gid, Uid};

    use super::*;

    /// A group nobody here is in, and a user of it who is nobody else.
    const GROUP: u32 = 54_321;
    const NOBODY: u32 = 65_534;

    fn sockets(count: usize) -> Vec<UdpSocket> {
        (0..count)
            .map(|_| UdpSocket::bind("127.0.0.1:0").expect("loopback is up"))
            .collect()
    }

    #[test]
    fn every_socket_of_a_process_is_told_once_by_the_pids_its_namespace_shows() {
        sandbox::run(|| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is up");
            let held = sockets(300);
            let (told, summary) = told_of_us(Wanted::All);
            assert_eq!(
                std::process::id(),
                1,
                "the sandbox counts its own processes"
            );
            assert_eq!(summary.source, Source::Own);
            assert_eq!(pairs(&told), own_sockets());
            assert_eq!(pairs(&told).len(), told.len(), "nothing is told twice");
            let fd = listener.as_raw_fd();
            let listener = told.iter().find(|file| file.fd == fd);
            let listener = listener.expect("the listener is told");
            assert_eq!(
                (listener.family, listener.kind, listener.protocol),
                (2, 1, 6)
            );
            let netns = Path::new("/proc/self/ns/net")
                .metadata()
                .expect("/proc is mounted");
            assert_eq!(listener.netns, netns.ino());
            let name = std::fs::read("/proc/self/comm").expect("/proc is mounted");
            assert_eq!(listener.comm(), name.trim_ascii_end());
            assert_eq!(held.len(), 300);
        });
    }

    #[test]
    fn the_inodes_wanted_are_told_and_no_others() {
        sandbox::run(|| {
            let held = sockets(300);
            let all: Vec<(i32, u64)> = own_sockets().into_iter().collect();
            let wanted: Vec<u64> = all.iter().step_by(7).map(|&(_, inode)| inode).collect();
            let (told, summary) = told_of_us(Wanted::Inodes(&wanted));
            assert_eq!(told.len(), wanted.len());
            assert!(told.iter().all(|file| wanted.contains(&file.inode)));
            assert!(
                summary.descriptors.is_some_and(|count| count > 300),
                "{summary:?}"
            );
            assert_eq!(held.len(), 300);
        });
    }

    #[test]
    fn a_pinned_iterator_gives_its_group_everything_without_any_capability_and_others_nothing() {
        sandbox::run(|| {
            mount(
                "bpf",
                "/sys/fs/bpf",
                "bpf",
                MountFlags::empty(),
                Some(c"mode=0755"),
            )
            .expect("a sandbox can mount");
            let path = Path::new(pin::PATHS[0]);
            let held = sockets(3);
            // Twice: the second replaces the first.
            for _ in 0..2 {
                pin::install(path, Some(GROUP), pin::GROUP_MODE).expect("root can pin");
            }
            let told = as_user(GROUP, || {
                let (told, summary) = told_of_us(Wanted::All);
                assert_eq!(summary.source, Source::Pinned(path.to_owned()));
                told
            });
            assert_eq!(pairs(&told), own_sockets());
            let refused = as_user(NOBODY, owners::can_run).expect_err("not of the group");
            assert!(refused.why.contains("CAP_BPF"), "{refused}");
            assert_eq!(pin::remove(path), Ok(true));
            assert_eq!(pin::remove(path), Ok(false));
            assert!(
                !path.parent().is_some_and(Path::exists),
                "the folder is gone as well"
            );
            assert_eq!(held.len(), 3);
        });
    }

    #[test]
    fn a_folder_that_lets_only_root_through_is_refused_with_the_ways_out() {
        sandbox::run(|| {
            mount(
                "bpf",
                "/sys/fs/bpf",
                "bpf",
                MountFlags::empty(),
                Some(c"mode=0700"),
            )
            .expect("a sandbox can mount");
            let path = Path::new(pin::PATHS[0]);
            let refused = pin::install(path, Some(GROUP), pin::GROUP_MODE);
            let refused = refused.expect_err("the group cannot pass");
            assert!(
                refused.why.starts_with("/sys/fs/bpf lets only its owner"),
                "{refused}"
            );
            assert!(!path.exists());
        });
    }

    /// Runs something in a thread that has become a user without any capability.
    fn as_user<T: Send>(group: u32, run: impl FnOnce() -> T + Send) -> T {
        let become_user = move || {
            let gid = Gid::from_raw(group);
            let uid = Uid::from_raw(NOBODY);
            rustix::thread::set_thread_groups(&[]).expect("root may");
            rustix::thread::set_thread_res_gid(gid, gid, gid).expect("root may");
            rustix::thread::set_thread_res_uid(uid, uid, uid).expect("root may");
            run()
        };
        std::thread::scope(|scope| scope.spawn(become_user).join().expect("it does not panic"))
    }
}
