//! --all-netns: sockets of namespaces with names and without, and those that cannot be entered.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use plumb_testkit::sandbox;
use rustix::mount::{MountFlags, mount};
use serde_json::Value;

use crate::called::{Told, plumb_ss, run, ss};

/// A process in a network namespace of its own that holds a listener there.
struct Inside(Child);

impl Drop for Inside {
    fn drop(&mut self) {
        // It ends with the sandbox at the latest.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Listens in another network namespace, which a file stands for; a process that waits holds the
/// listener and lives there.
fn listen_in(netns: &fs::File, address: &str) -> Inside {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::os::fd::{AsFd as _, OwnedFd};

    let own = fs::File::open("/proc/self/ns/net").expect("every process has one");
    let kind = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(netns.as_fd(), kind).expect("root may enter");
    let listener = TcpListener::bind(address).expect("the port is free");
    let child = Command::new("cat")
        .stdin(Stdio::piped())
        .stderr(OwnedFd::from(listener))
        .spawn()
        .expect("cat starts");
    move_into_link_name_space(own.as_fd(), kind).expect("root may return");
    Inside(child)
}

/// Makes a network namespace that a file below /run/netns names.
fn named(name: &str) -> fs::File {
    let path = format!("/run/netns/{name}");
    fs::write(&path, "").expect("the folder is ours");
    let made = Command::new("unshare")
        .args([&format!("--net={path}"), "ip", "link", "set", "lo", "up"])
        .status()
        .expect("unshare runs");
    assert!(made.success());
    fs::File::open(path).expect("it was made")
}

/// Our listener, one in the namespace `blue`, one in a namespace without a name.
struct World {
    _own: TcpListener,
    _inside: [Inside; 2],
    own: String,
    nameless: String,
}

impl World {
    fn new() -> Self {
        fs::create_dir_all("/run/netns").expect("root may make folders");
        mount("none", "/run/netns", "tmpfs", MountFlags::empty(), None).expect("tmpfs mounts");
        let own = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let blue = listen_in(&named("blue"), "127.0.0.1:7002");
        let file = named("gone");
        let nameless = listen_in(&file, "127.0.0.1:7003");
        drop(file);
        rustix::mount::unmount("/run/netns/gone", rustix::mount::UnmountFlags::DETACH)
            .expect("it was mounted");
        fs::remove_file("/run/netns/gone").expect("it was made");
        let label = |pid: &str| {
            let link = fs::read_link(format!("/proc/{pid}/ns/net")).expect("every process has one");
            link.to_string_lossy().into_owned()
        };
        Self {
            _own: own,
            own: label("self"),
            nameless: label(&nameless.0.id().to_string()),
            _inside: [blue, nameless],
        }
    }
}

/// The namespace and the port of each row.
fn rows(told: &Told) -> Vec<(String, String)> {
    let rows = told.stdout.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        (cells[0].to_owned(), cells[4].to_owned())
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    rows
}

fn row(netns: &str, address: &str) -> (String, String) {
    (netns.to_owned(), address.to_owned())
}

#[test]
fn own_named_and_nameless_namespaces_are_listed() {
    sandbox::run(|| {
        let world = World::new();
        let expected = [
            row(&world.own, "127.0.0.1:7001"),
            row("blue", "127.0.0.1:7002"),
            row(&world.nameless, "127.0.0.1:7003"),
        ];
        for form in ["-tln", "-tlnp", "-tlne", "-tlni"] {
            let told = run(plumb_ss().args([form, "-O", "--all-netns"]));
            assert_eq!(told.stderr, "", "{form}");
            assert!(told.stdout.starts_with("Netns "), "{}", told.stdout);
            assert_eq!(rows(&told), expected, "{form}\n{}", told.stdout);
        }
        // As ss, too, and as a stream.
        let told = run(ss().args(["-tln", "--all-netns", "--stream"]));
        assert_eq!(rows(&told), expected);
        let told = run(plumb_ss().args(["-tln", "--all-netns", "sport = 7002"]));
        assert_eq!(rows(&told), expected[1..2]);
        let told = run(plumb_ss().args(["-tlnp", "--all-netns", "process = cat"]));
        assert_eq!(rows(&told), expected[1..]);
    });
}

#[test]
fn rows_of_json_name_their_namespace() {
    sandbox::run(|| {
        let world = World::new();
        let told = run(plumb_ss().args(["-tln", "--all-netns", "--json"]));
        let document: Value = serde_json::from_str(&told.stdout).expect("a document is JSON");
        assert_eq!(document["complete"], true, "{document}");
        let rows = document["sockets"].as_array().expect("an array");
        let of = |port: u64| {
            let row = rows.iter().find(|row| row["local"]["port"] == port);
            row.expect("it is listed")["netns"].clone()
        };
        let label = |port| format!("net:[{}]", of(port)["inode"]);
        assert_eq!(rows.len(), 3);
        assert_eq!(label(7001), world.own);
        assert_eq!(of(7002)["name"], "blue");
        assert_eq!(
            (label(7003), &of(7003)["name"]),
            (world.nameless.clone(), &Value::Null)
        );
        let told = run(plumb_ss().args(["-tln", "--all-netns", "--ndjson"]));
        let lines = told.stdout.lines().filter(|line| {
            let line: Value = serde_json::from_str(line).expect("each line is JSON");
            line["netns"]["inode"].is_u64()
        });
        assert_eq!(lines.count(), 3);
    });
}

/// Runs without any privilege.
fn as_nobody(words: &[&str]) -> Told {
    let program = std::env::temp_dir().join("plumb");
    fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the folder is ours");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--clear-groups", "--"]);
    run(command.arg(&program).arg("ss").args(words))
}

#[test]
fn a_namespace_that_may_not_be_entered_is_named_with_the_reason() {
    sandbox::run(|| {
        let world = World::new();
        let told = as_nobody(&["-tln", "--all-netns"]);
        assert_eq!(told.status, 0);
        assert_eq!(rows(&told), [row(&world.own, "127.0.0.1:7001")]);
        let refused = "ss: enter network namespace blue: Operation not permitted\n";
        assert!(told.stderr.contains(refused), "{}", told.stderr);
        // What no name tells of cannot be counted, only who may not be looked at.
        let hidden = "ss: find network namespaces: ";
        assert!(told.stderr.starts_with(hidden), "{}", told.stderr);
        let told = as_nobody(&["-tln", "--all-netns", "--json"]);
        let document: Value = serde_json::from_str(&told.stdout).expect("a document is JSON");
        assert_eq!(document["complete"], false);
        assert_eq!(document["sockets"].as_array().map(Vec::len), Some(1));
        let reasons = document["reasons"].to_string();
        assert!(reasons.contains("enter network namespace blue: Operation not permitted"));
        assert!(reasons.contains(hidden), "{reasons}");
    });
}

/// A file below /run/netns may be nothing of the kind, and the listing goes on.
#[test]
fn what_is_no_namespace_is_told_and_passed_over() {
    sandbox::run(|| {
        let world = World::new();
        fs::write("/run/netns/paper", "").expect("the folder is ours");
        let told = run(plumb_ss().args(["-tln", "--all-netns"]));
        assert_eq!(rows(&told).len(), 3, "{}", told.stdout);
        assert!(
            told.stderr.is_empty() || told.stderr.contains("paper"),
            "{}",
            told.stderr
        );
        drop(world);
    });
}
