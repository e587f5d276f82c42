//! Outputs that go away, disks that are full, files that cannot be read: ended as the original ends.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use plumb_testkit::ss::dump::{Row, done};
use plumb_testkit::temp::TempDir;

use crate::called::{Told, run, ss};

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .expect("every Linux has it")
        .into()
}

/// The forms of the output, each of which ends the same way.
const FORMS: [&[&str]; 5] = [
    &["-ta"],
    &["-ta", "--stream"],
    &["-ta", "--json"],
    &["-ta", "--ndjson"],
    &["-h"],
];

#[test]
fn a_full_disk_is_no_failure() {
    for words in FORMS {
        let output = ss().args(words).stdout(full()).output();
        let told = Told::from(output.expect("the program starts"));
        assert_eq!((told.stderr.as_str(), told.status), ("", 0), "{words:?}");
    }
    let told = run(ss().arg("-Y").stderr(full()));
    assert_eq!(told.status, 255);
}

#[test]
fn a_closed_output_is_no_failure() {
    for words in FORMS {
        let told = run(Command::new("sh")
            .args([
                "-c",
                "exec \"$0\" \"$@\" >&-",
                env!("CARGO_BIN_EXE_plumb"),
                "ss",
            ])
            .args(words));
        assert_eq!((told.stderr.as_str(), told.status), ("", 0), "{words:?}");
    }
    let told = run(Command::new("sh").args([
        "-c",
        "exec \"$0\" ss -tan <&- 2>&-",
        env!("CARGO_BIN_EXE_plumb"),
    ]));
    assert!(told.stdout.starts_with("State"), "{}", told.stdout);
    assert_eq!(told.status, 0);
}

/// A reader that stops reading ends the program by the signal, in silence.
#[test]
fn a_reader_that_leaves_ends_the_listing() {
    let dir = TempDir::new("robust").expect("there is a temporary directory");
    let file = dir.path().join("dump");
    let row = Row::plain().message();
    let mut dump = row.repeat(20_000);
    dump.extend(done());
    std::fs::write(&file, dump).expect("the folder is ours");
    for form in [&["-tan"][..], &["-tan", "--stream"], &["-tan", "--ndjson"]] {
        let mut child = ss()
            .args(form)
            .env("TCPDIAG_FILE", &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdout = child.stdout.take().expect("it is piped");
        let mut first = [0; 5];
        stdout.read_exact(&mut first).expect("there are rows");
        drop(stdout);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.signal(), Some(13), "SIGPIPE: {form:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn files_that_cannot_be_read_are_told_in_the_originals_words() {
    for (name, complaint) in [
        ("/", "Reading header from $TCPDIAG_FILE: Is a directory\n"),
        (
            "/nonexistent",
            "fopen($TCPDIAG_FILE): No such file or directory\n",
        ),
        ("/dev/null", "Unexpected EOF reading $TCPDIAG_FILE"),
    ] {
        let told = run(ss().arg("-tan").env("TCPDIAG_FILE", name));
        assert_eq!(
            (told.stderr.as_str(), told.status),
            (complaint, 0),
            "{name}"
        );
        assert_eq!(
            told.stdout.lines().count(),
            1,
            "the header: {}",
            told.stdout
        );
        let told = run(ss().args(["-tan", "--json"]).env("TCPDIAG_FILE", name));
        let document: serde_json::Value =
            serde_json::from_str(&told.stdout).expect("a document is JSON");
        assert_eq!(document["complete"], false);
        assert_eq!(document["reasons"][0], complaint.trim_end());
    }
    let told = run(ss().args(["-tan", "-F", "/nonexistent"]));
    let complaint = "fopen filter file: No such file or directory\n";
    assert_eq!((told.stderr.as_str(), told.status), (complaint, 255));
    // A folder can be opened; it has no lines.
    let told = run(ss().args(["-tan", "-F", "/"]));
    assert_eq!((told.stderr.as_str(), told.status), ("", 0));
    for name in ["/", "/dev/full"] {
        let told = run(ss().args(["-ta", "-D", name]));
        assert_eq!(
            (told.stderr.as_str(), told.stdout.as_str(), told.status),
            ("", "", 0)
        );
    }
}

/// What never ends is ended: a length that no message has cannot be skipped.
#[test]
fn zeros_without_end_are_no_dump() {
    let told = run(ss().arg("-tan").env("TCPDIAG_FILE", "/dev/zero"));
    assert_eq!(told.status, 0);
    assert_eq!(
        told.stderr,
        "ss: read $TCPDIAG_FILE: impossible length of a message: 0\n"
    );
}
