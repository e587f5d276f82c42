//! `plumb path` as a user meets it: words, forms and exit status here, chains of routers in `needs_root`.

use std::process::{Command, Output};

mod dscp;
mod needs_root;

fn path(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plumb"))
        .arg("path")
        .args(words)
        .env("COLUMNS", "100")
        .output()
        .expect("the binary was built")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for words in [
        &[][..],
        &[":80"],
        &["127.0.0.1:x"],
        &["--tcp", "127.0.0.1"],
        &["--tcp", "--udp", "127.0.0.1:1"],
        &["-6", "127.0.0.1"],
        &["-m", "0", "127.0.0.1"],
        &["--device", "no-such-interface", "127.0.0.1"],
        &["fe80::1"],
        &["ff02::1"],
        &["--source", "::1", "127.0.0.1"],
    ] {
        assert_eq!(path(words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn home_is_one_hop_away_in_every_form() {
    for form in ["table", "wide", "json", "ndjson", "csv"] {
        let output = path(&["--udp", "-c", "1", "127.0.0.1", "-o", form]);
        assert_eq!(output.status.code(), Some(0), "{form}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("127.0.0.1"));
    }
    let document = json(&path(&["--udp", "-c", "1", "127.0.0.1", "--json"]));
    assert_eq!(document["local"]["kind"], "local");
    assert_eq!(document["end"]["how"], "reached");
    assert_eq!(document["hops"].as_array().map(Vec::len), Some(1));
}

#[test]
fn no_address_is_this_host() {
    let document = json(&path(&["--udp", "-c", "1", "0.0.0.0", "--json"]));
    assert_eq!(document["destination"]["name"], "0.0.0.0");
    assert_eq!(document["destination"]["address"], "127.0.0.1");
    assert_eq!(document["hops"][0]["addresses"][0], "127.0.0.1");
}

#[test]
fn only_asking_sends_nothing() {
    let output = path(&["--route", "127.0.0.1", "--json"]);
    let document = json(&output);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(document["local"]["interface"], "lo");
    assert_eq!(document["method"], serde_json::Value::Null);
}
