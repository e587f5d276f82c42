//! An answer that could not be written is no success.

use std::fs::File;
use std::process::Command;

#[test]
fn an_answer_that_cannot_be_written_is_said_and_is_no_success() {
    for line in [
        "ls",
        "ls -o json",
        "ls -o csv",
        "stats",
        "stats --bad",
        "stats --syn --for 10ms",
        "if --totals",
        "bind 127.0.0.1:0",
        "ports --once",
        "diagnose --for 10ms",
        "diagnose --for 10ms --json",
        "doctor",
        "mem",
        "top --every 10ms",
        "path --route 127.0.0.1",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(line.split(' '))
            .stdout(File::create("/dev/full").expect("a device"))
            .output()
            .expect("plumb runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{line}: {text}");
        let said = "the answer cannot be written: No space left on device\n";
        assert!(text.contains(said), "{line}: {text}");
    }
}
