//! The forms of the output: table, wide, JSON, lines, CSV, groups; and what a column costs.

use std::process::{Command, Stdio};

use plumb_testkit::sandbox;
use serde_json::{Value, json};

use super::rows::Sockets;
use crate::called::{command, document, ls};

#[test]
fn nothing_wraps_at_any_width_and_ports_are_whole() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        for width in [20, 33, 40, 64, 80, 131, 300] {
            for form in [
                &["-t"][..],
                &["-a"],
                &["-t", "-e", "-m", "-i"],
                &["--group-by", "port"],
            ] {
                let output = command()
                    .args(form)
                    .env("COLUMNS", width.to_string())
                    .output();
                let text = output.expect("the program starts").stdout;
                let text = String::from_utf8_lossy(&text);
                for line in text.lines() {
                    assert!(line.chars().count() <= width, "{width} {form:?}: {line}");
                }
                assert!(text.contains("7003"), "{width} {form:?}: {text}");
            }
        }
    });
}

#[test]
fn wide_has_every_column_and_no_limit() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let output = command()
            .args(["-o", "wide", "-t"])
            .env("COLUMNS", "40")
            .output();
        let text =
            String::from_utf8_lossy(&output.expect("the program starts").stdout).into_owned();
        let head = text.lines().next().expect("there is a head");
        for column in ["Kind", "Other end", "All owners", "Cookie", "RTT", "Memory"] {
            assert!(head.contains(column), "{column}: {head}");
        }
    });
}

#[test]
fn csv_has_plain_numbers_with_their_units() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let told = ls(&["-o", "csv", "-c", "local,rtt,rmem,process", "process = cat"]);
        let mut lines = told.stdout.lines();
        assert_eq!(lines.next(), Some("local,rtt_us,rmem_bytes,process"));
        let row: Vec<&str> = lines.next().expect("one row").split(',').collect();
        assert!(row[1].parse::<u64>().is_ok_and(|rtt| rtt > 0), "{row:?}");
        assert_eq!(row[2], "0");
        assert_eq!(lines.next(), None);
    });
}

#[test]
fn lines_are_rows_and_the_envelope_without_them() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let told = ls(&["-o", "ndjson", "-t"]);
        let lines: Vec<Value> = told
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("each is JSON"))
            .collect();
        let (last, rows) = lines.split_last().expect("there are lines");
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| row["kind"] == "tcp"));
        assert_eq!(last["schema"], "plumb.ls/1");
        assert_eq!(last["complete"], true, "{last}");
        assert_eq!(last["totals"]["sockets"], 4);
    });
}

#[test]
fn chosen_columns_are_the_keys_of_json() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let row = document(&["-t", "-c", "kind,local"]);
        let row = row["sockets"][0].as_object().expect("a row").clone();
        let keys: Vec<&String> = row.keys().collect();
        assert_eq!(keys, ["kind", "local", "local_address", "local_port"]);
    });
}

#[test]
fn groups_count_states_and_queues() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let groups = document(&["-t", "--group-by", "process"])["groups"].clone();
        let groups = groups.as_array().expect("there are groups");
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0]["pid"], json!(std::process::id()));
        assert_eq!(groups[0]["sockets"], 3);
        assert_eq!(groups[0]["states"], json!({"ESTABLISHED": 1, "LISTEN": 2}));
        assert_eq!(groups[0]["recv_q_bytes"], 1000);
        assert_eq!(groups[1]["value"], "cat");
        assert_eq!(groups[1]["pid"], json!(sockets.cat.id()));
        let ports = document(&["-t", "--group-by", "port"])["groups"].clone();
        assert_eq!(
            (&ports[0]["value"], &ports[0]["sockets"]),
            (&json!("7001"), &json!(3))
        );
        for by in [
            "container",
            "unit",
            "peer",
            "state",
            "user",
            "netns",
            "kind",
        ] {
            let groups = document(&["-t", "--group-by", by])["groups"].clone();
            let all: u64 = groups
                .as_array()
                .expect("there are groups")
                .iter()
                .filter_map(|group| group["sockets"].as_u64())
                .sum();
            assert_eq!(all, 4, "{by}: {groups}");
        }
    });
}

#[test]
fn rows_are_sorted_by_what_is_asked_for() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let ports = |sort: &str| {
            let rows = document(&["-tl", "--sort", sort])["sockets"].clone();
            let rows = rows.as_array().expect("there are rows").clone();
            rows.iter()
                .map(|row| row["local_port"].as_u64())
                .collect::<Vec<_>>()
        };
        assert_eq!(ports("user,local"), [Some(7003), Some(7001)]);
        assert_eq!(ports("-user"), [Some(7001), Some(7003)]);
        assert_eq!(ports("uid"), [Some(7001), Some(7003)]);
        // What is not known stands last either way.
        let rows = document(&["--sort", "-rtt"])["sockets"].clone();
        assert!(
            rows[0]["rtt_us"].is_u64() && rows[4]["rtt_us"].is_null(),
            "{rows}"
        );
    });
}

#[test]
fn quiet_answers_by_its_exit_status() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        for (filter, status) in [
            (":7001", 0),
            (":7", 1),
            ("process = cat", 0),
            ("pid = 1000000", 1),
        ] {
            let told = ls(&["-q", filter]);
            assert_eq!(
                (told.status, told.stdout.as_str()),
                (status, ""),
                "{filter}: {}",
                told.stderr
            );
        }
    });
}

#[test]
fn nobody_is_looked_for_when_no_column_shows_it() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let trace = |words: &[&str]| {
            let output = Command::new("strace")
                .args(["-f", "-e", "trace=openat,openat2,readlinkat,readlink"])
                .arg(env!("CARGO_BIN_EXE_plumb"))
                .args(["ls", "--here"])
                .args(words)
                .output()
                .expect("strace is there");
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let asks_for_owners = |trace: &str| {
            trace.contains("\"fd\"") || trace.contains("/fd\"") || trace.contains("bpf(")
        };
        assert!(
            asks_for_owners(&trace(&["-t"])),
            "the test sees owners looked for"
        );
        assert!(!asks_for_owners(&trace(&[
            "-t",
            "-c",
            "kind,local,state,rtt",
            "sport = :7001"
        ])));
    });
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let mut child = command()
            .args(["-a", "--watch", "1ms"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    });
}
