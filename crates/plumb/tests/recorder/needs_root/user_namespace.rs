//! In a user namespace, as containers without root have one, nothing can be recorded, whatever capabilities are held there:
//! the answer says so, and who could.

use std::process::{Command, Output, Stdio};

fn inside(words: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", env!("CARGO_BIN_EXE_plumb")]);
    command.args(words).stdin(Stdio::null());
    command.output().expect("unshare is installed")
}

/// What is said on standard error, as one line.
fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).replace('\n', " ")
}

#[test]
fn verbs_that_record_say_that_its_capabilities_do_not_count_needs_root() {
    let verbs: [&[&str]; 5] = [
        &["trace", "--for", "10ms"],
        &["trace", "--keep"],
        &["connects", "--for", "10ms"],
        &["top", "--by", "function", "--every", "10ms"],
        &["mem", "--by", "function"],
    ];
    for words in verbs {
        let output = inside(words);
        let text = complaint(&output);
        assert_eq!(output.status.code(), Some(3), "{words:?}: {text}");
        assert!(text.contains("of a user namespace do not count"), "{text}");
        assert!(text.contains("as root of the host"), "{text}");
    }
}

#[test]
fn verbs_that_need_no_recorder_tell_the_rest_needs_root() {
    for words in [&["leaks", "--for", "10ms"][..], &["top", "--every", "10ms"]] {
        let output = inside(words);
        let text = complaint(&output);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {text}");
        assert!(text.contains("as root of the host"), "{words:?}: {text}");
    }
}

#[test]
fn doctor_says_no_to_every_program_needs_root() {
    let output = inside(&["doctor", "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let rows = told["abilities"].as_array().expect("there are some");
    let name = |row: &&serde_json::Value| {
        let name = row["ability"].as_str().unwrap_or_default();
        name == "owners-bpf" || name.starts_with("bpf-")
    };
    let programs: Vec<_> = rows.iter().filter(name).collect();
    assert!(programs.len() > 10, "{told}");
    for row in programs {
        assert_eq!(row["verdict"], "no", "{row}");
    }
}
