//! What needs no socket: wrong command lines, the list of columns, exit codes.

use crate::called::ls;

#[test]
fn a_wrong_command_line_is_told_with_its_place_and_ends_in_2() {
    for (words, message) in [
        (
            &["nginx"][..],
            "plumb ls: 'nginx' is no test; perhaps 'process = nginx' is meant\n  nginx\n  ^^^^^\n",
        ),
        (
            &["sport", "=", ":22", "and"],
            "plumb ls: the filter ends where a test, 'not' or '(' was expected\n",
        ),
        (
            &["rtt > 20"],
            "plumb ls: '20' is not a time with its unit (us, ms, s, m, h, d), as 20ms\n  rtt > 20\n        ^^\n",
        ),
        (
            &["-c", "kind,nonsense"],
            "plumb ls: no column nonsense; there are kind, state,",
        ),
        (
            &["--sort", "-nonsense"],
            "plumb ls: no column -nonsense; there are kind, state,",
        ),
        (
            &["--group-by", "nonsense"],
            "error: invalid value 'nonsense' for '--group-by <WHAT>'",
        ),
        (
            &["--watch", "0"],
            "error: invalid value '0' for '--watch <INTERVAL>': a time longer than nothing",
        ),
        (
            &["-4", "-6"],
            "error: the argument '--ipv4' cannot be used with '--ipv6'",
        ),
    ] {
        let told = ls(words);
        assert_eq!(told.status, 2, "{words:?}");
        assert_eq!(told.stdout, "", "{words:?}");
        assert!(
            told.stderr.starts_with(message),
            "{words:?}: {}",
            told.stderr
        );
    }
}

#[test]
fn every_column_is_explained() {
    let told = ls(&["-c", "help"]);
    assert_eq!((told.status, told.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert!(lines.len() > 30, "{}", told.stdout);
    for line in lines {
        let (word, about) = line.split_once("  ").expect("a word and what it is");
        assert!(!about.trim().is_empty(), "{word}");
    }
}
