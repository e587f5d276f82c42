//! `plumb ports`: words and forms, and in `needs_root` ranges that are really used up.

use std::process::{Command, Output};

mod needs_root;

fn ports(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plumb"))
        .arg("ports")
        .args(words)
        .env("COLUMNS", "100")
        .output()
        .expect("the binary was built")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for words in [
        &["--fail-over", "101"][..],
        &["--for", "0s"],
        &["--once", "--for", "1s"],
        &["--netns", "no-such-namespace"],
    ] {
        assert_eq!(ports(words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn every_form_names_the_range() {
    for form in ["table", "wide", "json", "ndjson", "csv"] {
        let output = ports(&["--once", "-o", form]);
        assert_eq!(output.status.code(), Some(0), "{form}");
        assert!(!output.stdout.is_empty(), "{form}");
    }
    let document = json(&ports(&["--for", "10ms", "--json"]));
    assert_eq!(document["schema"], "plumb.ports/1");
    assert!(
        document["range"]["ports"]
            .as_u64()
            .is_some_and(|ports| ports > 0)
    );
    assert!(
        document["interval_s"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    );
}
