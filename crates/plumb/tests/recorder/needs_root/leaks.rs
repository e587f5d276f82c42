//! `plumb leaks` names the function that left sockets open, in programs that are known to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use plumb_testkit::leaking::{PROGRAMS, Program};
use plumb_testkit::sandbox;
use plumb_testkit::temp::TempDir;
use serde_json::{Value, json};

use super::super::plumb;
use super::json;
use super::vanish::wait;

/// Those whose stacks are told completely and that are quick to build; the stacks of all languages are
/// tested where they are followed.
const TRIED: [&str; 3] = ["C, -O2", "C++, -O2", "Rust, release, with line tables"];

fn tried() -> impl Iterator<Item = &'static Program> {
    PROGRAMS
        .iter()
        .filter(|program| TRIED.contains(&program.name))
}

/// The command that runs a program, as words.
fn words(program: &Program, folder: &TempDir) -> Vec<String> {
    let command = program
        .build(folder.path())
        .expect("this machine has the compilers");
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// The lines of the frames of a stack.
fn lines(stack: &Value) -> Vec<u64> {
    let frames = stack["frames"].as_array().into_iter().flatten();
    frames.filter_map(|frame| frame["line"].as_u64()).collect()
}

#[test]
fn the_function_that_opened_is_named_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener
            .local_addr()
            .expect("it is bound")
            .port()
            .to_string();
        assert_eq!(tried().count(), TRIED.len());
        for program in tried() {
            let folder = TempDir::new("leaks").expect("a folder");
            let run = words(program, &folder);
            let run: Vec<&str> = run
                .iter()
                .map(String::as_str)
                .chain(["connect", &port, "5"])
                .collect();
            let (output, leaks) = json(&[&["leaks", "--json", "--"], run.as_slice()].concat());
            assert_eq!(output.status.code(), Some(0), "{}: {leaks}", program.name);
            let group = &leaks["groups"][0];
            assert_eq!(group["count"], 5, "{}: {leaks}", program.name);
            assert_eq!(group["verdict"], "open-at-exit");
            assert_eq!(
                group["made_by"]["function"], program.functions.connect,
                "{}",
                program.name
            );
            assert!(
                !lines(&group["made_by"]).is_empty(),
                "{}: {group}",
                program.name
            );
            assert_eq!(
                (&leaks["complete"], &leaks["held_too_long"]),
                (&json!(true), &json!(5))
            );
            let over = plumb(&[&["leaks", "--fail-over", "4", "--"], run.as_slice()].concat());
            assert_eq!(over.status.code(), Some(1), "{}", program.name);

            let (_, connects) =
                json(&[&["connects", "--json", "--by-code", "--"], run.as_slice()].concat());
            let path = &connects["paths"][0];
            assert_eq!(
                (&path["attempts"], &path["failed"]),
                (&json!(5), &json!(0)),
                "{connects}"
            );
            assert_eq!(
                path["code"]["function"], program.functions.connect,
                "{}",
                program.name
            );
        }
    });
}

#[test]
fn the_function_that_accepted_is_named_needs_root() {
    sandbox::run(|| {
        let program = tried().next().expect("C is tried");
        let folder = TempDir::new("accepts").expect("a folder");
        let run = words(program, &folder);
        let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["leaks", "--json", "--"])
            .args(run)
            .args(["accept", "5151", "3"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("plumb runs");
        // What the command prints comes by standard error.
        let told = child.stderr.take().expect("it is piped");
        let told = BufReader::new(told).lines().map_while(Result::ok);
        assert_eq!(
            told.into_iter().find(|line| line == "listening").as_deref(),
            Some("listening")
        );
        let connect = || TcpStream::connect("127.0.0.1:5151").expect("it listens");
        let mut first = connect();
        first.write_all(b"never read").expect("there is room");
        let clients = [first, connect(), connect()];
        let output = child.wait_with_output().expect("it ends");
        let leaks: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let group = &leaks["groups"][0];
        assert_eq!(
            (&group["count"], &group["verdict"]),
            (&json!(3), &json!("open-at-exit")),
            "{leaks}"
        );
        assert_eq!(group["made_by"]["function"], program.functions.accept);
        assert_eq!(group["unread_bytes"], 10, "{group}");
        drop(clients);
    });
}

/// A connection whose peer is done, at a process that was there before plumb: told without any recorder.
#[test]
fn without_privileges_the_kernel_s_own_state_is_judged_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let to = listener.local_addr().expect("it is bound");
        drop(TcpStream::connect(to).expect("it listens"));
        let held = listener.accept().expect("it came").0;
        let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["leaks", "--json", "--older-than", "1us"])
            .uid(65_534)
            .output()
            .expect("plumb runs");
        let leaks: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(leaks["complete"], false);
        assert_eq!(leaks["groups"][0]["verdict"], "never-read-again", "{leaks}");
        assert_eq!(leaks["groups"][0]["made_by"], Value::Null);
        drop(held);
    });
}

/// Connects to the port it is given three times, tells so, connects again for every line it reads, and at last
/// reads from the first connection.
const OLDER: &str = r#"
use Socket; $| = 1; my @kept;
sub dial { socket(my $s, AF_INET, SOCK_STREAM, 0); connect($s, sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die; push @kept, $s; }
dial() for 1..3; print "made\n"; while (<STDIN>) { dial(); print "made\n"; } sysread($kept[0], my $b, 1);
"#;

#[test]
fn of_older_sockets_the_waiting_thread_and_the_likely_maker_are_named_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7500").expect("the port is free here");
        let mut older = Command::new("perl")
            .args(["-e", OLDER, "7500"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("perl runs");
        let mut lines = BufReader::new(older.stdout.take().expect("it is piped")).lines();
        let mut made = || lines.next().expect("it lives").expect("it tells");
        assert_eq!(made(), "made");
        let pid = older.id().to_string();
        let words = [
            "leaks",
            "--json",
            "--older-than",
            "1ms",
            "--for",
            "3s",
            "-p",
            &pid,
        ];
        let recording = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .expect("plumb runs");
        // The rings that tell of its code are the last thing before the process is followed, which nobody tells: so
        // it connects for a while, and what was too early passes for older.
        let maps = format!("/proc/{}/maps", recording.id());
        let listens =
            || std::fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("[perf_event]"));
        wait("the rings", listens);
        let mut ask = older.stdin.take().expect("it is piped");
        let (_told, never) = super::chosen::stopping();
        // Fewer than the listener's queue takes.
        for _ in 0..100 {
            assert!(!never.by_now());
            ask.write_all(b"\n").expect("it reads");
            assert_eq!(made(), "made");
        }
        drop(ask);
        let output = recording.wait_with_output().expect("it ends");
        let leaks: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let groups = leaks["groups"].as_array().cloned().unwrap_or_default();
        let of = |key: &str| groups.iter().find(|group| !group[key].is_null());
        let older_group = of("likely_made_by").unwrap_or_else(|| panic!("{leaks}"));
        let count = |group: &Value| group["count"].as_u64().unwrap_or(0);
        assert!(count(older_group) >= 3, "{leaks}");
        assert_eq!(
            older_group["older_than_recorder"], older_group["count"],
            "{leaks}"
        );
        assert!(older_group["made_by"].is_null(), "{leaks}");
        let newer = of("made_by").unwrap_or_else(|| panic!("{leaks}"));
        assert_eq!(count(older_group) + count(newer), 103, "{leaks}");
        assert_eq!(
            older_group["likely_made_by"]["frames"],
            newer["made_by"]["frames"]
        );
        let waiting = older_group["waiting"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert_eq!(waiting.len(), 1, "{leaks}");
        assert_eq!(
            (
                &waiting[0]["call"],
                &waiting[0]["tid"],
                &waiting[0]["descriptors"]
            ),
            (&json!("read"), &json!(older.id()), &json!(1)),
            "{leaks}"
        );
        let text = plumb(&["leaks", "--older-than", "1ms", "--for", "200ms", "-p", &pid]);
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        let line = format!("thread {pid} of process {pid} waits in read() for ");
        assert!(
            text.contains(&line) && text.contains("at least: "),
            "{text}"
        );
        let _ = older.kill();
        let _ = older.wait();
        drop(listener);
    });
}

/// Three connections that a script keeps and never closes, and three that it closes; the interpreter closes the
/// former as it ends.
const KEEPS: &str = r#"
import socket, sys
server = ("127.0.0.1", int(sys.argv[1])); kept = []
def keep(): kept.append(socket.create_connection(server))
def borrow(): socket.create_connection(server).close()
for _ in range(3): keep(); borrow()
"#;

#[test]
fn what_an_interpreter_closes_as_it_ends_was_never_closed_needs_python3_11_needs_root() {
    sandbox::run(|| {
        let server = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = server.local_addr().expect("it is bound").port().to_string();
        let words = ["leaks", "--json", "--", "python3.11", "-c", KEEPS, &port];
        let (output, leaks) = json(&words);
        assert_eq!(output.status.code(), Some(0), "{leaks}");
        let groups = leaks["groups"].as_array().cloned().unwrap_or_default();
        let kept: Vec<&Value> = groups
            .iter()
            .filter(|group| group["verdict"] == "open-at-exit" && group["count"] == 3)
            .collect();
        let [group] = kept[..] else {
            panic!("the three that were kept, and no others: {leaks}");
        };
        assert_eq!(group["made_by"]["function"], "keep", "{group}");
        assert!(!leaks["groups"].to_string().contains("borrow"), "{leaks}");
        // The interpreter's own close has no function of a script, which concerns nobody.
        let output = plumb(&["leaks", "--", "python3.11", "-c", KEEPS, &port]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("keep") && !text.contains("hint:"), "{text}");
    });
}

/// Sockets of UDP: four are kept, bound or connected, as many are closed.
const DATAGRAMS: &str = r"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#define APART __attribute__((noinline))
static volatile int last;
APART int keep_one(void) { last = socket(AF_INET, SOCK_DGRAM, 0); return last; }
APART int borrow_one(void) { int fd = socket(AF_INET, SOCK_DGRAM, 0); close(fd); return fd; }
int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	for (int i = 0; i < 4; i++) {
		int fd = keep_one();
		borrow_one();
		at.sin_port = htons(i % 2 ? 9 : 0);
		if (i % 2 ? connect(fd, (void *)&at, sizeof(at)) : bind(fd, (void *)&at, sizeof(at)))
			return 1;
	}
	return 0;
}
";

#[test]
fn datagram_sockets_that_nobody_closed_are_told_with_the_code_that_made_them_needs_root() {
    sandbox::run(|| {
        let folder = TempDir::new("datagrams").expect("a folder");
        let source = folder.path().join("datagrams.c");
        let program = folder.path().join("datagrams");
        std::fs::write(&source, DATAGRAMS).expect("there is room");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-g", "-o"]).arg(&program).arg(&source);
        assert!(cc.status().expect("a compiler").success());
        let program = program.to_string_lossy().into_owned();
        let (_, leaks) = json(&["leaks", "--json", "--", &program]);
        assert_eq!(leaks["complete"], true, "{leaks}");
        let groups = leaks["groups"].as_array().cloned().unwrap_or_default();
        let [group] = &groups[..] else {
            panic!("one function keeps any: {leaks}");
        };
        assert_eq!(
            (&group["count"], &group["verdict"]),
            (&json!(4), &json!("open-at-exit"))
        );
        assert_eq!(group["made_by"]["function"], "keep_one", "{group}");
        assert_eq!(group["unread_bytes"], Value::Null, "the kernel keeps none");
        // Those that were not connected have no peer.
        assert_eq!(group["peers"], json!([{"peer": "127.0.0.1:9", "count": 2}]));
        let over = plumb(&["leaks", "--fail-over", "3", "--", &program]);
        assert_eq!(over.status.code(), Some(1));
        let text = String::from_utf8_lossy(&over.stdout).into_owned();
        assert!(text.contains("4 of 4 sockets are held too long"), "{text}");
    });
}

/// As [`KEEPS`], of UDP.
const KEEPS_DATAGRAMS: &str = r"
import socket
kept = []
def made(): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def keep(): kept.append(made())
def borrow(): made().close()
for _ in range(3): keep(); borrow()
";

#[test]
fn datagram_sockets_that_an_interpreter_closes_as_it_ends_were_never_closed_needs_python3_11_needs_root()
 {
    sandbox::run(|| {
        let words = ["leaks", "--json", "--", "python3.11", "-c", KEEPS_DATAGRAMS];
        let (output, leaks) = json(&words);
        assert_eq!(output.status.code(), Some(0), "{leaks}");
        let groups = leaks["groups"].as_array().cloned().unwrap_or_default();
        let [group] = &groups[..] else {
            panic!("the three that were kept, and no others: {leaks}");
        };
        assert_eq!(group["count"], 3, "{group}");
        assert!(group.to_string().contains("\"keep\""), "{group}");
        assert!(!leaks["groups"].to_string().contains("borrow"), "{leaks}");
    });
}
