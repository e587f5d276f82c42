//! --stream and --ndjson: rows leave before the whole table was read.
//!
//! The table is a hand-made dump that comes through a named pipe: its second half is written only
//! after the rows of the first have arrived.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use plumb_testkit::ss::dump::{Row, attribute::MARK, done, words};
use plumb_testkit::temp::TempDir;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::called::{run, ss};

/// Sockets in each half: far more than fit a pipe or a buffer.
const HALF: u16 = 3000;
/// Nothing here takes longer unless it never comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// The messages of some sockets, told apart by their ports.
fn half(first_port: u16) -> Vec<u8> {
    let rows = (first_port..first_port + HALF).map(|port| Row {
        ports: (22, port),
        ..Row::plain().with(MARK, words(&[7]))
    });
    rows.flat_map(|row| row.message()).collect()
}

fn fifo(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("dump");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("the folder is ours");
    path
}

/// Hands on what a program prints, piece by piece.
fn pieces(mut stdout: ChildStdout) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(len @ 1..) = stdout.read(&mut piece) {
            if send.send(piece[..len].to_vec()).is_err() {
                return;
            }
        }
    });
    receive
}

/// Starts a listing of what comes through the pipe.
fn start(words: &[&str], fifo: &Path) -> (Child, Receiver<Vec<u8>>) {
    let mut child = ss()
        .args(words)
        .env("TCPDIAG_FILE", fifo)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = child.stdout.take().expect("it is piped");
    (child, pieces(stdout))
}

/// Feeds both halves and gives what was printed after each.
fn print_halves(line: &[&str]) -> (String, String) {
    let dir = TempDir::new("stream").expect("there is a temporary directory");
    let path = fifo(dir.path());
    let (mut child, printed) = start(line, &path);
    let mut dump = File::create(&path).expect("the program opens its end");
    dump.write_all(&half(1)).expect("the program reads");
    let last = format!(":{HALF}");
    let mut early = Vec::new();
    while !shows_port(&early, &last) {
        let piece = printed.recv_timeout(PATIENCE);
        early
            .extend(piece.expect("the rows of the first half leave while the second is unwritten"));
    }
    dump.write_all(&half(HALF + 1)).expect("the program reads");
    dump.write_all(&done()).expect("the program reads");
    drop(dump);
    let mut all = early.clone();
    all.extend(printed.iter().flatten());
    assert!(child.wait().expect("it ends").success());
    let text = |bytes| String::from_utf8(bytes).expect("all of it is text");
    (text(early), text(all))
}

/// Says whether whole lines end with, or hold as a JSON number, a port.
fn shows_port(printed: &[u8], port: &str) -> bool {
    let text = String::from_utf8_lossy(printed);
    let json = format!("\"port\"{port}}}");
    text.lines()
        .any(|line| line.ends_with(port) || line.contains(&json))
}

#[test]
fn rows_of_a_stream_leave_before_the_table_was_read() {
    let (early, all) = print_halves(&["-tn", "--stream"]);
    assert_eq!(early.lines().count(), usize::from(HALF) + 1);
    assert!(early.ends_with('\n'), "whole lines leave");
    assert_eq!(all.lines().count(), usize::from(HALF) * 2 + 1);
    let mut lines = all.lines();
    assert_eq!(
        lines.next(),
        Some("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process")
    );
    for (line, port) in lines.zip(1..) {
        assert_eq!(line, format!("ESTAB 0 0 10.0.0.1:22 10.0.0.2:{port}"));
    }
}

#[test]
fn lines_of_json_leave_before_the_table_was_read() {
    let (early, all) = print_halves(&["-tn", "--ndjson"]);
    let rows = |text: &str| {
        let lines = text.lines().map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON")
        });
        lines.filter(|line| line["protocol"] == "tcp").count()
    };
    assert_eq!(rows(&early), usize::from(HALF));
    assert_eq!(rows(&all), usize::from(HALF) * 2);
}

/// Everything a table shows is in a stream, without the blanks of the columns.
#[test]
fn a_stream_is_the_table_without_its_padding() {
    let dir = TempDir::new("stream").expect("there is a temporary directory");
    let file = dir.path().join("dump");
    std::fs::write(&file, [half(1), done()].concat()).expect("the folder is ours");
    for line in [
        "-tn",
        "-Htn",
        "-tneoO",
        "-tnHe --compat 7.1",
        "-tnQ --compat 6.9",
    ] {
        let show = |more: &[&str]| {
            let words = line.split(' ').chain(more.iter().copied());
            run(ss().args(words).env("TCPDIAG_FILE", &file)).stdout
        };
        let single = |text: &str| -> Vec<String> {
            let lines = text.lines();
            let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            words.collect()
        };
        let (table, stream) = (show(&[]), show(&["--stream"]));
        let lines: Vec<&str> = stream.lines().collect();
        assert!(!stream.contains("  ") && !stream.contains(" \n"), "{line}");
        // The head of the table glues its last two words together.
        let table = single(&table.replace("PortProcess", "Port Process"));
        let different = lines.iter().zip(&table).find(|(ours, other)| ours != other);
        assert_eq!((lines.len(), different), (table.len(), None), "{line}");
    }
}
