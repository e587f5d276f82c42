//! Recorded sock_diag answers, whole and damaged: rows are never lost without a word.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use plumb_testkit::temp::TempDir;

const DONE: u16 = 3;
const ERROR: u16 = 2;
const SOCK_DIAG: u16 = 20;
const INTERRUPTED: u16 = 0x10;

/// One netlink message with its header.
fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(16 + payload.len()).expect("a small message");
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(payload);
    bytes
}

/// A listener on 127.0.0.1, as `struct inet_diag_msg`.
fn listener(port: u16) -> Vec<u8> {
    let mut payload = vec![2, 10, 0, 0];
    payload.extend(port.to_be_bytes());
    payload.extend([0, 0, 127, 0, 0, 1]);
    payload.resize(72, 0);
    payload
}

fn done() -> Vec<u8> {
    message(DONE, 0, &0_i32.to_ne_bytes())
}

/// Runs `netstat -tln4` on a recording.
fn listing(recording: &[u8]) -> Output {
    let dir = TempDir::new("recording").expect("there is a temporary directory");
    std::fs::write(dir.path().join("tcp4"), recording).expect("it is ours");
    Command::new(env!("CARGO_BIN_EXE_plumb"))
        .arg0("netstat")
        .arg("-tln4")
        .env("PLUMB_DIAG_DIR", dir.path())
        .output()
        .expect("the program starts")
}

fn rows(output: &Output) -> usize {
    String::from_utf8_lossy(&output.stdout).lines().count() - 2
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_whole_dump_is_a_listing() {
    let dump = [message(SOCK_DIAG, 0, &listener(80)), done()].concat();
    let output = listing(&dump);
    assert_eq!((rows(&output), stderr(&output).as_str()), (1, ""));
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("127.0.0.1:80 "));
}

#[test]
fn an_interrupted_dump_says_so() {
    let dump = [message(SOCK_DIAG, INTERRUPTED, &listener(80)), done()].concat();
    let output = listing(&dump);
    assert_eq!(rows(&output), 1);
    assert_eq!(
        stderr(&output),
        "netstat: dump /proc/net/tcp: the table changed while it was read\n"
    );
}

#[test]
fn a_dump_that_breaks_off_keeps_its_rows_and_fails() {
    let no_memory = message(ERROR, 0, &(-12_i32).to_ne_bytes());
    let dump = [message(SOCK_DIAG, 0, &listener(80)), no_memory].concat();
    let output = listing(&dump);
    assert_eq!((rows(&output), output.status.code()), (1, Some(1)));
    assert_eq!(
        stderr(&output),
        "netstat: dump /proc/net/tcp: Cannot allocate memory, rows are missing\n"
    );
}

#[test]
fn a_truncated_dump_keeps_its_rows_and_fails() {
    let whole = [
        message(SOCK_DIAG, 0, &listener(80)),
        message(SOCK_DIAG, 0, &listener(81)),
    ]
    .concat();
    for len in [whole.len(), whole.len() - 1, 90] {
        let output = listing(&whole[..len]);
        assert_eq!(output.status.code(), Some(1), "{len} bytes");
        assert!(rows(&output) >= 1, "{len} bytes");
        assert!(
            stderr(&output).contains("rows are missing"),
            "{len} bytes: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_forced_source_that_is_not_there_is_an_error() {
    let dir = TempDir::new("recording").expect("there is a temporary directory");
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["netstat", "-tln4"])
        .env("PLUMB_DIAG_DIR", dir.path())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "netstat: dump /proc/net/tcp: No such file or directory\n"
    );
}
