//! The command line and the forms of the output, on this machine as it is.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs `plumb stats` with these words.
pub fn stats(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.arg("stats").args(words).env_remove("COLUMNS");
    command.output().expect("plumb is built")
}

/// Gives the one JSON document of standard output.
pub fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output is one document")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_document_has_numbers_with_their_meaning() {
    let output = stats(&["--all", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let document = document(&output);
    assert_eq!(document["schema"], "plumb.stats/1");
    assert_eq!(document["complete"], true, "{}", document["reasons"]);
    let counters = document["counters"].as_array().expect("rows");
    assert!(counters.len() > 400, "{}", counters.len());
    let row = counters
        .iter()
        .find(|row| row["group"] == "TcpExt" && row["name"] == "ListenOverflows")
        .expect("every kernel counts it");
    assert!(row["value"].is_u64() && row["delta"].is_null());
    assert_eq!(row["verdict"], "bad");
    assert_eq!(row["source"], "/proc/net/netstat");
    for key in ["meaning", "when_bad", "counted_in", "hint"] {
        assert!(row[key].is_string(), "{key}: {row}");
    }
}

#[test]
fn names_groups_and_patterns_choose_whatever_their_case() {
    for (word, expected) in [
        ("tcpext.listenoverflows", "TcpExt.ListenOverflows"),
        ("LISTENOVERFLOWS", "TcpExt.ListenOverflows"),
        ("TcpExtListenOverflows", "TcpExt.ListenOverflows"),
        ("TCPReqQ*Drop", "TcpExt.TCPReqQFullDrop"),
        ("softnet", "softnet.cpu0.processed"),
        ("interface.lo", "interface.lo.rx_bytes"),
    ] {
        let output = stats(&[word, "--all", "-o", "csv", "-c", "counter"]);
        assert_eq!(output.status.code(), Some(0), "{word}");
        let text = text(&output.stdout);
        assert!(text.lines().any(|line| line == expected), "{word}: {text}");
        assert!(!text.contains("Udp."), "{word}: {text}");
    }
}

#[test]
fn a_counter_asked_for_by_its_name_is_shown_although_it_is_0() {
    // Nobody signs segments in a test, so none is signed wrongly.
    let output = stats(&[
        "TcpExt.TCPMD5Failure",
        "-o",
        "csv",
        "-c",
        "counter,value",
        "-H",
    ]);
    assert_eq!(text(&output.stdout), "TcpExt.TCPMD5Failure,0\n");
    let output = stats(&["TcpExt.TCPMD5*"]);
    assert!(text(&output.stdout).contains("All of them are 0; --all shows them."));
    let output = stats(&["snmp6", "--all", "-o", "csv", "-c", "counter"]);
    assert!(text(&output.stdout).contains("Ip6.InReceives"));
}

#[test]
fn a_name_that_is_none_is_refused_with_those_that_may_be_meant() {
    let output = stats(&["ListenOverflws"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("did you mean TcpExt.ListenOverflows"),
        "{said}"
    );
    assert!(output.stdout.is_empty());
    for words in [&["--every", "soon"][..], &["--syn", "--bad"], &["--frob"]] {
        assert_eq!(stats(words).status.code(), Some(2), "{words:?}");
    }
    let column = stats(&["-c", "nonsense"]);
    assert_eq!(column.status.code(), Some(2));
    let netns = stats(&["--netns", "no-such-namespace-of-ours"]);
    assert_eq!(netns.status.code(), Some(2));
}

#[test]
fn an_explanation_says_what_where_when_and_what_to_try() {
    let output = stats(&["--explain", "listenoverflows"]);
    let text = text(&output.stdout);
    for part in [
        "TcpExt.ListenOverflows",
        "means",
        "bad",
        "try",
        "counted in",
        "sockets",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_narrow_terminal_loses_columns_and_no_line_is_wider() {
    for words in [
        &["--all"][..],
        &["--explain", "Listen*"],
        &["--syn", "--for", "1ms"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
        command.arg("stats").args(words).env("COLUMNS", "40");
        let output = command.output().expect("plumb is built");
        let text = text(&output.stdout);
        assert!(text.lines().count() > 5);
        let long = |line: &&str| line.chars().count() > 40;
        let wide: Vec<&str> = text.lines().filter(long).collect();
        assert!(wide.is_empty(), "{words:?}: {wide:?}");
    }
}

#[test]
fn intervals_follow_each_other_as_long_as_asked() {
    let output = stats(&["--every", "40ms", "--for", "120ms", "-o", "ndjson", "Ip"]);
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<Value> = output
        .stdout
        .split(|&b| b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("each line is one object"))
        .collect();
    let ends: Vec<&Value> = lines
        .iter()
        .filter(|line| !line["schema"].is_null())
        .collect();
    assert!((2..=4).contains(&ends.len()), "{}", ends.len());
    for end in ends {
        assert_eq!(end["since"], "sample");
        let interval = end["interval_s"].as_f64().expect("a number");
        assert!((0.03..30.0).contains(&interval), "{interval}");
    }
    let row = lines.iter().find(|line| line["name"] == "InReceives");
    assert!(row.is_none_or(|row| row["delta"].is_u64()), "{row:?}");
}

#[test]
fn questions_are_answered_now_and_since_the_beginning() {
    for (word, id) in [("--syn", "syns_sent"), ("--retrans", "segments_sent_again")] {
        let document = document(&stats(&[word, "--for", "1ms", "--json"]));
        let answers = document["answers"].as_array().expect("rows");
        let answer = answers.iter().find(|row| row["id"] == id).expect("a line");
        assert!(
            answer["now"].is_u64() && answer["total"].is_u64(),
            "{answer}"
        );
    }
}
