//! Which rows there are, and rows of other families.

use std::net::SocketAddr;

use plumb_testkit::ss::dump::{done, dump, error, message};
use plumb_testkit::temp::TempDir;

use super::begins;
use crate::called::{Told, run, ss};

#[test]
fn idle_bound_sockets_are_listed_since_6_8() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

    let idle = socket(AddressFamily::INET, SocketType::STREAM, None).expect("sockets are left");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    bind(&idle, &any).expect("loopback has free ports");
    let bound: SocketAddr = getsockname(&idle)
        .ok()
        .and_then(|bound| bound.try_into().ok())
        .expect("it was bound");
    let port = format!("{}", bound.port());
    let shown = |release: &str, line: &str| {
        let told = run(ss()
            .args(line.split(' '))
            .args(["sport", "=", &port, "--compat", release]));
        told.stdout
    };
    for line in ["-Htn", "-Htan", "-Htn state connected"] {
        begins("6.8", line, |release| {
            let shown = shown(release, line);
            let address = format!(" 127.0.0.1:{port} ");
            assert!(shown.is_empty() || shown.starts_with("UNCONN") && shown.contains(&address));
            !shown.is_empty()
        });
    }
    for line in ["-HtnB", "-Htn state bound-inactive"] {
        let shown = shown("6.8", line);
        assert!(
            shown.starts_with("0      0 "),
            "one state needs no column: {shown}"
        );
        assert!(shown.contains(&port), "{shown}");
    }
}

/// Runs on a recorded answer about UNIX sockets.
fn unix_listing(release: &str, recording: &[u8], line: &str) -> Told {
    let dir = TempDir::new("unix").expect("there is a temporary directory");
    std::fs::write(dir.path().join("unix"), recording).expect("the folder is ours");
    run(ss()
        .args(line.split(' '))
        .args(["--compat", release])
        .env("PLUMB_DIAG_DIR", dir.path()))
}

#[test]
fn inodes_of_unix_sockets_lose_their_sign_in_6_6() {
    let mut payload = vec![1, 1, 10, 0];
    payload.extend(u32::MAX.to_ne_bytes());
    payload.extend([0; 8]);
    let recording = [message(20, &payload), done()].concat();
    begins("6.6", "unsigned inode", |release| {
        let shown = unix_listing(release, &recording, "-xlH").stdout;
        assert_eq!(
            shown.contains(" -1 "),
            !shown.contains(" 4294967295 "),
            "{shown}"
        );
        shown.contains(" 4294967295 ")
    });
}

#[test]
fn refused_dumps_are_silent_since_7_0() {
    let recording = dump(&[]);
    let told = unix_listing("6.1", &recording, "-x");
    assert_eq!(told.stderr, "");
    begins("7.0", "silence", |release| {
        let told = unix_listing(release, &error(1), "-x");
        assert_eq!(told.status, 0);
        let silent = told.stderr.is_empty();
        assert!(silent || told.stderr == "RTNETLINK answers: Operation not permitted\n");
        silent
    });
}

#[test]
fn rows_of_proc_net_packet_have_a_type_since_6_5() {
    let dir = TempDir::new("packet").expect("there is a temporary directory");
    let file = dir.path().join("packet");
    let rows = "sk RefCnt Type Proto Iface R Rmem User Inode\n\
                0 3 3 0003 0 1 0 0 777\n";
    std::fs::write(&file, rows).expect("the folder is ours");
    begins("6.5", "no raw rows among datagrams", |release| {
        let told = run(ss()
            .args(["-HaneA", "p_dgr", "--compat", release])
            .env("PROC_NET_PACKET", &file));
        !told.stdout.contains("*:") && !told.stdout.contains("[3]:")
    });
}

#[test]
fn details_of_netlink_rows_were_lost_without_processes() {
    let shows = |release: &str, line: &str| {
        let words = line.split(' ');
        let told = run(ss().args(words).args(["--compat", release]));
        assert!(
            told.stdout.contains(":kernel") || told.stdout.contains(":0"),
            "{}",
            told.stdout
        );
        told.stdout.contains("groups=0x")
    };
    begins("6.7", "lost", |release| !shows(release, "-f netlink -aen"));
    for release in ["6.1", "6.7", "6.8", "7.1"] {
        assert!(shows(release, "-f netlink -aenp"), "{release}");
    }
}

#[test]
fn names_of_processes_are_made_printable_since_7_0() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let dir = TempDir::new("names").expect("there is a temporary directory");
    let program = dir.path().join("a\u{1b}\n\u{e9}\"");
    std::os::unix::fs::symlink("/bin/cat", &program).expect("the folder is ours");
    let (ours, theirs) = UnixStream::pair().expect("sockets are left");
    let mut holder = std::process::Command::new(&program)
        .stdin(OwnedFd::from(theirs))
        .spawn()
        .expect("cat starts");
    let pid = format!(",pid={},fd=0)", holder.id());
    begins("7.0", "names", |release| {
        let shown = run(ss().args(["-xpH", "--compat", release])).stdout;
        let raw = shown.contains(&format!("(\"a\u{1b}\n\u{e9}\"\"{pid}"));
        let printable = shown.contains(&format!("(\"a..??\"\"{pid}"));
        assert!(raw != printable, "{shown:?}");
        printable
    });
    drop(ours);
    holder.wait().expect("cat ends with its input");
}
