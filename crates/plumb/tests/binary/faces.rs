//! Which face answers to which name, and what a wrong word gets.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use plumb_testkit::temp::TempDir;

fn plumb(argv0: &str, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plumb"))
        .arg0(argv0)
        .args(words)
        .output()
        .expect("the program starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn three_ways_to_the_personality_print_the_same() {
    let direct = plumb("netstat", &["-g", "-n"]);
    assert_eq!(direct.status.code(), Some(0));
    assert!(direct.stdout.starts_with(b"IPv6/IPv4 Group Memberships\n"));
    assert_eq!(plumb("/usr/bin/netstat", &["-gn"]).stdout, direct.stdout);
    assert_eq!(plumb("plumb", &["netstat", "-gn"]).stdout, direct.stdout);
    assert_eq!(plumb("plumb", &["-gn"]).stdout, direct.stdout);
}

#[test]
fn complaints_begin_with_the_name_that_was_typed() {
    for (argv0, words, name) in [
        ("netstat", &["-Q"][..], "netstat"),
        ("/sbin/netstat", &["-Q"], "/sbin/netstat"),
        ("plumb", &["netstat", "-Q"], "netstat"),
        ("plumb", &["-Q"], "plumb"),
    ] {
        let output = plumb(argv0, words);
        assert_eq!(output.status.code(), Some(3));
        let first = stderr(&output).lines().next().map(str::to_owned);
        assert_eq!(first, Some(format!("{name}: invalid option -- 'Q'")));
    }
}

#[test]
fn wrong_verbs_are_usage_errors() {
    let output = plumb("plumb", &["frobnicate"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("frobnicate"));
    assert_eq!(plumb("plumb", &["--help"]).status.code(), Some(0));
    assert_eq!(plumb("plumb", &[]).status.code(), Some(2));
}

#[test]
fn a_wrong_source_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .arg("-t")
        .env("PLUMB_SOURCE", "carrier-pigeon")
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("PLUMB_SOURCE carrier-pigeon: expected proc or netlink"));
}

#[test]
fn links_are_made_once_and_never_over_somebody_elses_file() {
    let dir = TempDir::new("link").expect("there is a temporary directory");
    let target = dir.path().to_str().expect("a plain path");
    let link = dir.path().join("netstat");
    for _ in 0..2 {
        assert_eq!(plumb("plumb", &["link", target]).status.code(), Some(0));
        assert!(link.read_link().is_ok_and(|to| to.ends_with("plumb")));
    }
    let output = Command::new(&link)
        .arg("-V")
        .output()
        .expect("the link runs");
    assert!(
        output.stdout.starts_with(b"plumb "),
        "-V of the personality, not of the verbs"
    );
    assert_eq!(
        plumb("plumb", &["link", "--remove", target]).status.code(),
        Some(0)
    );
    assert!(link.symlink_metadata().is_err());

    for occupy in ["a file", "a link"] {
        match occupy {
            "a file" => std::fs::write(&link, "mine").expect("the directory is ours"),
            _ => std::os::unix::fs::symlink("/bin/true", &link).expect("the directory is ours"),
        }
        for words in [&["link", target][..], &["link", "--remove", target]] {
            let output = plumb("plumb", words);
            assert_eq!(output.status.code(), Some(1), "{occupy}");
            assert!(stderr(&output).contains(occupy), "{}", stderr(&output));
        }
        assert!(link.symlink_metadata().is_ok(), "{occupy} is still there");
        std::fs::remove_file(&link).expect("the directory is ours");
    }
    let missing = format!("{target}/none");
    assert_eq!(plumb("plumb", &["link", &missing]).status.code(), Some(1));
}

#[test]
fn nstat_answers_by_its_name_and_as_a_verb() {
    let version = b"nstat utility, iproute2-6.1.0\n";
    for (argv0, words) in [("/sbin/nstat", &["-V"][..]), ("plumb", &["nstat", "-V"])] {
        let output = plumb(argv0, words);
        assert_eq!(output.stdout, version, "{argv0}");
        assert_eq!(output.status.code(), Some(0));
    }
    let output = plumb("plumb", &["nstat", "-h"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(output.stdout.is_empty() && stderr(&output).starts_with("usage: nstat"));
}
