//! What needs namespaces: streaming, terminals, every namespace at once.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use plumb_testkit::frozen::ProcTree;
use plumb_testkit::sandbox;

use crate::name_server::NameServer;

const ROW: &str = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0\n";

pub fn netstat(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.arg0("netstat").args(words).env("LC_ALL", "C");
    command
}

/// Shows a tree whose `net/tcp` is a pipe, so that a test decides when rows come.
fn frozen_pipe() -> (ProcTree, std::path::PathBuf) {
    let tree = ProcTree::new().expect("the sandbox has room");
    tree.file("net/tcp6", "header\n")
        .expect("the sandbox has room");
    let pipe = tree.path().join("net/tcp");
    let made = Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo is there");
    assert!(made.success());
    rustix::mount::mount_bind(tree.path(), "/proc").expect("root can mount here");
    (tree, pipe)
}

/// Gives up `/proc` again, so that the sandbox can end in order.
pub fn thaw() {
    rustix::mount::unmount("/proc", rustix::mount::UnmountFlags::DETACH).expect("it was mounted");
}

#[test]
fn the_first_row_appears_before_the_last_is_read() {
    sandbox::run(|| {
        let (_tree, pipe) = frozen_pipe();
        let mut child = netstat(&["-ant"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (seen, go_on) = std::sync::mpsc::channel();
        let writer = std::thread::spawn(move || {
            let mut rows = File::create(&pipe).expect("the program reads it");
            rows.write_all(b"header\n").expect("the program reads");
            // More than any buffer on the way holds, and no end of the file.
            rows.write_all(ROW.repeat(4_000).as_bytes())
                .expect("the program reads");
            go_on.recv().expect("the first row is seen");
            rows.write_all(ROW.as_bytes()).expect("the program reads");
        });
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        for _ in 0..3 {
            line.clear();
            output.read_line(&mut line).expect("a line comes");
        }
        assert!(
            line.starts_with("tcp        0      0 127.0.0.1:8080"),
            "{line}"
        );
        seen.send(()).expect("the writer waits");
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("the program ends");
        assert_eq!(rest.lines().count(), 4_000);
        writer.join().expect("all rows were taken");
        assert!(child.wait().expect("it ends").success());
        thaw();
    });
}

#[test]
fn memory_does_not_grow_with_the_number_of_sockets() {
    sandbox::run(|| {
        const ROWS: usize = 400_000;
        let (_tree, pipe) = frozen_pipe();
        // 32 MiB of address space hold the program and its libraries, but not 60 MB of rows.
        let script = "ulimit -v 32768; exec \"$0\" netstat -ant";
        let child = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_plumb")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let writer = std::thread::spawn(move || {
            let mut rows = File::create(&pipe).expect("the program reads it");
            rows.write_all(b"header\n").expect("the program reads");
            let block = ROW.repeat(1_000);
            for _ in 0..ROWS / 1_000 {
                rows.write_all(block.as_bytes()).expect("the program reads");
            }
        });
        let lines = count_lines(child);
        writer.join().expect("all rows were taken");
        assert_eq!(lines, ROWS + 2);
        thaw();
    });
}

fn count_lines(mut child: Child) -> usize {
    let mut output = child.stdout.take().expect("it is piped");
    let mut buffer = vec![0; 1 << 20];
    let mut lines = 0;
    loop {
        let got = output.read(&mut buffer).expect("a pipe can be read");
        if got == 0 {
            break;
        }
        lines += buffer[..got].split(|&b| b == b'\n').count() - 1;
    }
    assert!(child.wait().expect("it ends").success());
    lines
}

/// Runs the program on a terminal of its own; gives what the terminal got.
fn on_a_terminal(mut command: Command) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it is ours");
    let name = ptsname(&master, Vec::new()).expect("it has a name");
    let slave = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().expect("a plain path"))
        .expect("it is ours");
    let mut child = command.stdout(slave).spawn().expect("the program starts");
    // The command holds the terminal's other end; without it the last read would never end.
    drop(command);
    let mut text = Vec::new();
    // A terminal whose last user left gives EIO, which is its end of file.
    let _ = File::from(master).read_to_end(&mut text);
    assert!(child.wait().expect("it ends").success());
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_terminal_gets_names_without_their_escapes_and_a_pipe_gets_them_raw() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is up");
        let fd = OwnedFd::from(listener);
        let mut evil = Command::new("sleep")
            .arg0("\x1b[31mevil\n")
            .arg("60")
            .stdin(fd)
            .spawn()
            .expect("sleep is there");
        wait_for_name(&evil, b"\x1b[31mevil");
        let shown = on_a_terminal(netstat(&["-tlnp"]));
        let piped = netstat(&["-tlnp"])
            .output()
            .expect("the program starts")
            .stdout;
        evil.kill().expect("it is our child");
        evil.wait().expect("it is our child");
        assert!(!shown.contains('\x1b'), "{shown:?}");
        assert!(shown.contains("\\x1b[31mevil\\"), "{shown:?}");
        assert!(String::from_utf8_lossy(&piped).contains("/\x1b[31mevil\n"));
    });
}

/// Waits until the child is what its new name says; bounded.
fn wait_for_name(child: &Child, name: &[u8]) {
    let path = format!("/proc/{}/cmdline", child.id());
    for _ in 0..10_000 {
        if std::fs::read(&path).is_ok_and(|cmdline| cmdline.starts_with(name)) {
            return;
        }
        std::thread::yield_now();
    }
    panic!("the child never became {name:?}");
}

#[test]
fn every_namespace_of_the_host_is_shown_with_its_name() {
    sandbox::run(|| {
        let _here = TcpListener::bind("127.0.0.1:7101").expect("loopback is up");
        let _names = RunDirectory::new();
        ip(&["netns", "add", "blue"]);
        ip(&["-n", "blue", "link", "set", "lo", "up"]);
        let mut there = Command::new("ip")
            .args([
                "netns",
                "exec",
                "blue",
                env!("CARGO_BIN_EXE_plumb"),
                "-ltn",
                "-c",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("ip is there");
        // Its first line says that it runs in the other namespace by now.
        let mut line = String::new();
        BufReader::new(there.stdout.as_mut().expect("it is piped"))
            .read_line(&mut line)
            .expect("a line comes");
        let output = netstat(&["-i", "--all-netns"])
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut rows = text.lines();
        assert_eq!(rows.next(), Some("Kernel Interface table"));
        assert!(
            rows.next()
                .is_some_and(|row| row.starts_with("Netns            Iface"))
        );
        assert!(
            rows.clone()
                .any(|row| row.starts_with("net:[") && row.contains(" lo ")),
            "{text}"
        );
        assert!(
            rows.any(|row| row.starts_with("blue             lo ")),
            "{text}"
        );

        let output = netstat(&["-ltn", "--all-netns", "--json"])
            .output()
            .expect("the program starts");
        let parsed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
        let sockets = parsed["sockets"].as_array().expect("an array");
        let ours: Vec<_> = sockets
            .iter()
            .filter(|row| row["local"]["port"] == 7101)
            .collect();
        assert_eq!(
            ours.len(),
            1,
            "our listener is in one namespace only: {sockets:#?}"
        );
        assert!(
            ours[0]["netns"]["name"].is_null(),
            "and that one has no name"
        );
        let own = std::fs::metadata("/proc/self/ns/net").expect("every process has one");
        assert_eq!(
            ours[0]["netns"]["inode"],
            std::os::unix::fs::MetadataExt::ino(&own)
        );
        there.kill().expect("it is our child");
        there.wait().expect("it is our child");
        ip(&["netns", "del", "blue"]);
    });
}

#[test]
fn slow_name_servers_are_asked_side_by_side_and_the_rows_stay_the_same() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7103").expect("loopback is up");
        let peers: Vec<_> = (21..29)
            .map(|last| connect_from([127, 0, 0, last]))
            .collect();
        let server = NameServer::start(&std::env::temp_dir(), 2);
        let ours = netstat(&["-t", "--numeric-ports"])
            .output()
            .expect("the program starts");
        assert!(server.most_waiting() >= 2, "one question at a time");
        let original = Command::new("/usr/bin/netstat")
            .args(["-t", "--numeric-ports"])
            .env("LC_ALL", "C")
            .output()
            .expect("net-tools is installed");
        let text = String::from_utf8_lossy(&ours.stdout).into_owned();
        assert!(text.contains("peer-28.test:"), "{text}");
        assert_eq!(text, String::from_utf8_lossy(&original.stdout));
        let asked = server.asked();
        netstat(&["-tan"]).output().expect("the program starts");
        assert_eq!(server.asked(), asked, "-n asks nobody");
        drop((listener, peers));
    });
}

#[test]
fn names_of_other_namespaces_are_asked_for_at_home() {
    sandbox::run(|| {
        let _names = RunDirectory::new();
        ip(&["netns", "add", "blue"]);
        ip(&["-n", "blue", "link", "set", "lo", "up"]);
        let there = std::thread::spawn(|| {
            let blue = File::open("/run/netns/blue").expect("ip made it");
            rustix::thread::move_into_link_name_space(
                blue.as_fd(),
                Some(rustix::thread::LinkNameSpaceType::Network),
            )
            .expect("root may enter");
            let listener = TcpListener::bind("127.0.0.1:7103").expect("its loopback is up");
            (listener, connect_from([127, 0, 0, 33]))
        });
        let held = there.join().expect("the thread did its work");
        let server = NameServer::start(&std::env::temp_dir(), 1);
        let output = netstat(&["-t", "--numeric-ports", "--all-netns"])
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(server.asked() > 0, "the name server at home was asked");
        assert!(
            text.contains("blue ") && text.contains("peer-33.test:"),
            "{text}"
        );
        drop(held);
    });
}

#[test]
fn every_round_of_the_group_listing_is_the_first_again() {
    sandbox::run(|| {
        let members = plumb_testkit::live::join_groups().expect("root can join here");
        let once = netstat(&["-gn"])
            .output()
            .expect("the program starts")
            .stdout;
        let mut child = netstat(&["-gnc"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut rounds = vec![0; once.len() * 2];
        child
            .stdout
            .as_mut()
            .expect("it is piped")
            .read_exact(&mut rounds)
            .expect("two rounds come");
        child.kill().expect("it is our child");
        let end = child.wait_with_output().expect("it is our child");
        assert_eq!(
            String::from_utf8_lossy(&rounds),
            String::from_utf8_lossy(&once.repeat(2))
        );
        assert_eq!(end.stderr, b"", "no bogus lines");
        drop(members);
    });
}

#[test]
fn a_directory_in_place_of_a_table_is_an_empty_table() {
    sandbox::run(|| {
        let tree = ProcTree::new().expect("the sandbox has room");
        tree.file("net/udp/none", "").expect("the sandbox has room");
        tree.file("net/udp6", "header\n")
            .expect("the sandbox has room");
        rustix::mount::mount_bind(tree.path(), "/proc").expect("root can mount here");
        let output = netstat(&["-anu"]).output().expect("the program starts");
        thaw();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    });
}

#[test]
fn processes_that_proc_hides_are_no_refusal() {
    sandbox::run(|| {
        let _listener = TcpListener::bind("127.0.0.1:7104").expect("loopback is up");
        let program = std::env::temp_dir().join("netstat");
        std::fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the sandbox has room");
        for hidepid in ["hidepid=0", "hidepid=1", "hidepid=2"] {
            let mounted = Command::new("mount")
                .args(["-t", "proc", "-o", hidepid, "proc", "/proc"])
                .status()
                .expect("mount is there");
            assert!(mounted.success());
            let as_nobody = |program: &std::path::Path| {
                let output = Command::new("setpriv")
                    .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
                    .arg(program)
                    .arg("-tlnp")
                    .env("LC_ALL", "C")
                    .output()
                    .expect("setpriv is there");
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                (
                    text(&output.stdout),
                    text(&output.stderr),
                    output.status.code(),
                )
            };
            let original = as_nobody("/usr/bin/netstat".as_ref());
            assert!(original.0.contains("127.0.0.1:7104"));
            assert_eq!(as_nobody(&program), original, "{hidepid}");
        }
    });
}

/// Connects to port 7103 from an address of its own.
fn connect_from(address: [u8; 4]) -> OwnedFd {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let fd = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&fd, &SocketAddr::from((address, 0))).expect("all of 127/8 is ours");
    connect(&fd, &SocketAddr::from(([127, 0, 0, 1], 7103))).expect("somebody listens");
    fd
}

/// A private `/run`, so that names of namespaces stay in the sandbox.
pub struct RunDirectory;

impl RunDirectory {
    pub fn new() -> Self {
        rustix::mount::mount(
            "tmpfs",
            "/run",
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            None,
        )
        .expect("root can mount here");
        Self
    }
}

pub fn ip(words: &[&str]) {
    let status = Command::new("ip")
        .args(words)
        .status()
        .expect("ip is there");
    assert!(status.success(), "ip {words:?}");
}

#[test]
fn json_knows_every_mode_and_says_why_something_is_unknown() {
    sandbox::run(|| {
        let _listener = TcpListener::bind("127.0.0.1:7102").expect("loopback is up");
        for (words, array) in [
            (&["-antp", "--json"][..], "sockets"),
            (&["-xap", "--json"], "sockets"),
            (&["-g", "--json"], "groups"),
            (&["-i", "--json"], "interfaces"),
            (&["-s", "--json"], "statistics"),
            (&["-6rn", "--json"], "routes"),
            (&["-m", "--json"], "memory"),
        ] {
            let output = netstat(words).output().expect("the program starts");
            let parsed: serde_json::Value =
                serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
                    panic!(
                        "{words:?}: {error}: {}",
                        String::from_utf8_lossy(&output.stdout)
                    )
                });
            assert_eq!(parsed["schema"], "plumb.netstat/1");
            assert!(parsed[array].is_array(), "{words:?} has {array}: {parsed}");
            assert_eq!(parsed["complete"], true, "{words:?}: {parsed}");
        }
        let output = netstat(&["-antpe", "--json"])
            .output()
            .expect("the program starts");
        let parsed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("valid");
        let row = &parsed["sockets"][0];
        assert_eq!(row["local"]["port"], 7102);
        assert_eq!(row["state"], "LISTEN");
        assert_eq!(row["process"]["pid"], std::process::id());
        assert!(row["inode"].is_u64() && row["cookie"].is_u64(), "{row}");
        let missing = netstat(&["-S", "--json"])
            .output()
            .expect("the program starts");
        let parsed: serde_json::Value = serde_json::from_slice(&missing.stdout).expect("valid");
        assert_eq!(missing.status.code(), Some(1));
        assert_eq!(parsed["complete"], false);
    });
}
