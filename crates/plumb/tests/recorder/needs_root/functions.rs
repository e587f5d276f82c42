//! `plumb top --by function` and `plumb mem --by function` name the functions that wrote, and miss no byte.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Stdio};

use plumb_testkit::sandbox;
use plumb_testkit::temp::TempDir;
use serde_json::Value;

use super::chosen::stopping;
use super::json;
use super::vanish::{programs, wait};

/// Connects, waits for a line, writes by two functions, tells so, and waits for the end of its input.
const WRITER: &str = r#"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static char bytes[4096];
__attribute__((noinline)) int log_ship(int fd) { int sum = 0; for (int i = 0; i < 60; i++) sum += write(fd, bytes, 4000); return sum + 1; }
__attribute__((noinline)) int metrics_push(int fd) { int sum = 0; for (int i = 0; i < 20; i++) sum += write(fd, bytes, 1000); return sum + 1; }
int main(int argc, char **argv) {
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), room = 1 << 20, sum;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (connect(fd, (void *)&to, sizeof(to))) return 1;
	while ((sum = getchar()) != EOF && sum != '\n');
	sum = log_ship(fd);
	sum += metrics_push(fd);
	puts("written"); fflush(stdout);
	while (getchar() != EOF);
	return sum != 260002;
}
"#;

/// Moves datagrams, bytes between UNIX sockets, and with splice() bytes that no call of recv() returns.
const MOVER: &str = r"
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
static char bytes[4096];
__attribute__((noinline)) int udp_ship(int fd) { int sum = 0; for (int i = 0; i < 50; i++) sum += send(fd, bytes, 700, 0); return sum + 1; }
__attribute__((noinline)) int unix_ship(int fd) { int sum = 0; for (int i = 0; i < 40; i++) sum += write(fd, bytes, 900); return sum + 1; }
__attribute__((noinline)) int unix_take(int fd) { int sum = 0; while (sum < 36000) sum += read(fd, bytes, sizeof(bytes)); return sum + 1; }
__attribute__((noinline)) int tcp_splice(int fd) {
	int ends[2], sum = 0, some;
	if (pipe(ends)) return 0;
	while ((some = splice(fd, 0, ends[1], 0, 4096, 0)) > 0) { sum += some; if (read(ends[0], bytes, sizeof(bytes)) != some) return 0; }
	return sum + 1;
}
int main(int argc, char **argv) {
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), pair[2], sum = 0;
	if (connect(tcp, (void *)&to, sizeof(to)) || connect(udp, (void *)&to, sizeof(to))) return 1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
	sum += udp_ship(udp);
	sum += unix_ship(pair[0]);
	sum += unix_take(pair[1]);
	sum += tcp_splice(tcp);
	return sum != 35000 + 2 * 36000 + 50000 + 4;
}
";

pub(super) fn build(folder: &TempDir, code: &str) -> String {
    let (source, program) = (folder.path().join("w.c"), folder.path().join("writer"));
    std::fs::write(&source, code).expect("it can be written");
    let built = Command::new("cc")
        .args(["-O2", "-g", "-o"])
        .args([&program, &source])
        .status();
    assert!(built.expect("there is a compiler").success());
    program.to_string_lossy().into_owned()
}

fn group<'v>(value: &'v Value, array: &str, function: &str) -> &'v Value {
    let groups = value[array].as_array().into_iter().flatten();
    let mut found = groups.filter(|group| group["code"]["function"] == function);
    let first = found.next();
    assert!(
        found.next().is_none(),
        "one code path is one group: {value}"
    );
    first.unwrap_or_else(|| panic!("no {function} in {value}"))
}

fn sum(value: &Value, array: &str, key: &str) -> u64 {
    let groups = value[array].as_array().into_iter().flatten();
    groups.filter_map(|group| group[key].as_u64()).sum()
}

#[test]
fn every_byte_of_a_command_is_some_function_s_needs_root() {
    sandbox::run(|| {
        let folder = TempDir::new("functions").expect("a folder");
        let program = build(&folder, WRITER);
        let listener = TcpListener::bind("127.0.0.1:7600").expect("the port is free here");
        let reader = std::thread::spawn(move || {
            let (mut served, _) = listener.accept().expect("it came");
            std::io::copy(&mut served, &mut std::io::sink()).expect("it can be read")
        });
        let words = ["top", "--by", "function", "--json", "--", &program, "7600"];
        let (output, top) = json(&words);
        assert_eq!(output.status.code(), Some(0), "{top}");
        assert_eq!(reader.join().expect("it reads"), 260_000);
        let (log, metrics) = (
            group(&top, "flows", "log_ship"),
            group(&top, "flows", "metrics_push"),
        );
        assert_eq!(
            (&log["sent_bytes"], &log["sends"]),
            (&240_000.into(), &60.into())
        );
        assert_eq!(
            (&metrics["sent_bytes"], &metrics["sends"]),
            (&20_000.into(), &20.into())
        );
        // So much as the kernel counted, and nothing that no call was seen for.
        assert_eq!(sum(&top, "flows", "sent_bytes"), 260_000, "{top}");
    });
}

#[test]
fn datagrams_and_unix_bytes_are_some_function_s_and_spliced_ones_nobody_s_needs_root() {
    sandbox::run(|| {
        let folder = TempDir::new("functions").expect("a folder");
        let program = build(&folder, MOVER);
        let listener = TcpListener::bind("127.0.0.1:7602").expect("the port is free here");
        let datagrams = UdpSocket::bind("127.0.0.1:7602").expect("the port is free here");
        let server = std::thread::spawn(move || {
            let (mut served, _) = listener.accept().expect("it came");
            served.write_all(&vec![7; 50_000]).expect("it reads");
        });
        let words = ["top", "--by", "function", "--json", "--", &program, "7602"];
        let (output, top) = json(&words);
        server.join().expect("it was read");
        assert_eq!(output.status.code(), Some(0), "{top}");
        assert_eq!(top["complete"], true, "{top}");
        let moved = |function: &str| {
            let flow = group(&top, "flows", function);
            let number = |key: &str| flow[key].as_u64().unwrap_or_default();
            (number("sent_bytes"), number("received_bytes"))
        };
        assert_eq!(moved("udp_ship"), (35_000, 0), "{top}");
        assert_eq!(moved("unix_ship"), (36_000, 0), "{top}");
        assert_eq!(moved("unix_take"), (0, 36_000), "{top}");
        // The kernel's totals have what splice() took, and no call says whose it is.
        let mut flows = top["flows"].as_array().into_iter().flatten();
        let unseen = flows.find(|flow| flow["name"] == "(no call seen)");
        let unseen = unseen.unwrap_or_else(|| panic!("{top}"));
        assert_eq!(unseen["received_bytes"], 50_000, "{top}");
        assert_eq!(
            (&unseen["sent_bytes"], &unseen["code"]),
            (&0.into(), &Value::Null)
        );
        drop(datagrams);
    });
}

#[test]
fn what_waits_to_be_sent_is_split_by_who_wrote_it_needs_root() {
    sandbox::run(|| {
        let folder = TempDir::new("functions").expect("a folder");
        let program = build(&folder, WRITER);
        let listener = TcpListener::bind("127.0.0.1:7601").expect("the port is free here");
        let mut writer = Command::new(program)
            .arg("7601")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let served = listener.accept().expect("it came").0;
        let pid = writer.id().to_string();
        let words = [
            "mem", "--by", "function", "--for", "60s", "--json", "-p", &pid,
        ];
        let recording = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .expect("plumb runs");
        // States, connect, accept, uses, ends of queues, and three of processes; it is followed a moment later.
        wait("the programs", || programs(recording.id()).len() >= 11);
        let (_told, never) = stopping();
        assert!((0..100).all(|_| !never.by_now()));
        let mut go = writer.stdin.take().expect("it is piped");
        go.write_all(b"\n").expect("it reads");
        let mut line = String::new();
        let told = writer.stdout.take().expect("it is piped");
        BufReader::new(told).read_line(&mut line).expect("it tells");
        assert_eq!(line, "written\n");
        // An interrupt ends the watch, and the answer comes.
        let id = i32::try_from(recording.id()).ok();
        let id = id.and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it runs");
        let output = recording.wait_with_output().expect("it ends");
        let functions: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let queued = sum(&functions, "groups", "send_payload_bytes");
        // Nobody reads, so what the other end has no room for waits here: the newest bytes, which are the second's.
        assert!(queued > 20_000 && queued < 260_000, "{functions}");
        let told = group(&functions, "groups", "metrics_push");
        assert_eq!(told["send_payload_bytes"], 20_000, "{functions}");
        let log = group(&functions, "groups", "log_ship");
        assert_eq!(log["send_payload_bytes"], queued - 20_000, "{functions}");
        // Memory is payload and what goes with it, shared out.
        assert!(
            sum(&functions, "groups", "send_bytes") >= queued,
            "{functions}"
        );
        let groups = functions["groups"].as_array().cloned().unwrap_or_default();
        let of_nobody = groups.iter().filter(|group| group["code"].is_null());
        assert_eq!(of_nobody.count(), 0, "{functions}");
        drop((go, served));
        let _ = writer.kill();
        let _ = writer.wait();
    });
}
