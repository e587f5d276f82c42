//! --explain-filter: what an expression means, and where one that means nothing goes wrong.

use plumb_testkit::temp::TempDir;

use crate::called::{Told, plumb_ss, run, ss};

fn explain(words: &[&str]) -> Told {
    run(plumb_ss().arg("--explain-filter").args(words))
}

/// The text of an explanation that succeeds.
fn told(words: &[&str]) -> String {
    let told = explain(words);
    assert_eq!((told.stderr.as_str(), told.status), ("", 0), "{words:?}");
    told.stdout
}

#[test]
fn precedence_is_told_where_it_surprises() {
    let surprise = told(&["sport = :22 or sport = :80 and dport = :1"]);
    assert!(
        surprise
            .starts_with("understood as:\n  ( ( sport = :22 or sport = :80 ) and dport = :1 )\n"),
        "{surprise}"
    );
    assert!(surprise.contains("careful: "), "{surprise}");
    let other = "sport = :22 or ( sport = :80 and dport = :1 )";
    assert!(surprise.contains(other), "{surprise}");
    for plain in [
        other,
        "sport = :22 and sport = :80 or dport = :1",
        "sport = :22",
    ] {
        assert!(!told(&[plain]).contains("careful"), "{plain}");
    }
}

#[test]
fn where_each_test_is_decided_is_told() {
    let text = told(&["-t", "sport = 22 and pid = 1"]);
    let kernel = text.lines().find(|line| line.contains("sport = 22: "));
    assert!(
        kernel.is_some_and(|line| line.ends_with("(kernel)")),
        "{text}"
    );
    let ours = text.lines().find(|line| line.contains("pid = 1: "));
    assert!(
        ours.is_some_and(|line| line.ends_with("(user space)")),
        "{text}"
    );
}

#[test]
fn states_files_and_nothing_are_explained() {
    let nothing = told(&[]);
    assert!(nothing.starts_with("no filter: "), "{nothing}");
    assert_eq!(told(&["state", "listening"]), nothing);
    assert_eq!(told(&["-ta"]), nothing);
    let test = told(&["sport = 22"]);
    assert_eq!(told(&["state", "listening", "sport", "=", "22"]), test);
    assert_eq!(told(&["exclude", "listening", "sport = 22"]), test);
    let dir = TempDir::new("explain").expect("there is a temporary directory");
    let file = dir.path().join("filter");
    std::fs::write(&file, "# a comment\nsport = 22\n").expect("the folder is ours");
    let path = file.to_str().expect("it is text");
    assert_eq!(told(&["-F", path]), test);
    let both = told(&["-F", path, "dport", "=", "1"]);
    assert!(both.contains("( dport = 1 and sport = 22 )"), "{both}");
    // Nothing else is done.
    assert_eq!(
        told(&["-s", "-K", "-E", "-D", "-", "--json", "sport = 22"]),
        test
    );
}

#[test]
fn an_error_points_at_its_word() {
    for (words, message) in [
        (
            &["sport = 22 and prot = 5"][..],
            "ss: 'prot' is no test\n\
             \u{20} sport = 22 and prot = 5\n\
             \u{20}                ^^^^\n",
        ),
        (
            &["listening"],
            "ss: 'listening' is no test; states stand before the expression, as in 'state listening'\n",
        ),
        (
            &["-tan", "( sport", "=", "22"],
            "ss: the filter ends where 'and', 'or', another test or ')' was expected\n",
        ),
        (
            &["pid = x"],
            "ss: 'x' is not a process id\n  pid = x\n        ^\n",
        ),
        (
            &["dst ::1"],
            "ss: ':' is no address and no known host; write an IPv6 address in brackets, as [::1]\n\
             \u{20} dst ::1\n\
             \u{20}     ^^^\n",
        ),
    ] {
        let told = explain(words);
        assert_eq!((told.stdout.as_str(), told.status), ("", 2), "{words:?}");
        assert!(
            told.stderr.starts_with(message),
            "{words:?}\n{}",
            told.stderr
        );
        assert!(told.stderr.ends_with("^\n"), "{words:?}\n{}", told.stderr);
    }
    let dir = TempDir::new("explain").expect("there is a temporary directory");
    let file = dir.path().join("filter");
    std::fs::write(&file, "sport = 22\ndport = x\n").expect("the folder is ours");
    let told = explain(&["-F", file.to_str().expect("it is text")]);
    assert_eq!(
        told.stderr,
        "ss: 'x' is no port number and no known service\n\
         \u{20} line 2: dport = x\n\
         \u{20}                 ^\n"
    );
    assert_eq!(told.status, 2);
}

#[test]
fn escapes_in_an_expression_do_not_reach_a_terminal() {
    for words in [&["src \u{1b}[2J"][..], &["-x", "src \u{1b}[2J\n"]] {
        let told = explain(words);
        assert!(!told.stdout.contains('\u{1b}') && !told.stderr.contains('\u{1b}'));
        assert!(told.stdout.contains("\\x1b") || told.stderr.contains("\\x1b"));
    }
}

/// Where the original refuses the same, it is refused in its words; where a test of ours was meant, in
/// ours. The name `ss` knows no test of ours.
#[test]
fn without_it_words_of_the_original_are_refused_as_the_original_does() {
    let cases = [
        (
            "dst ::1",
            "Error: an inet prefix is expected rather than \":\".\n",
            1,
        ),
        (
            "sport = 22 )",
            "ss: bison bellows (while parsing filter): ",
            255,
        ),
        (
            "pid = x",
            "ss: 'x' is not a process id\n  pid = x\n        ^\n",
            2,
        ),
        ("state = lisen", "ss: 'lisen' is not a state", 2),
        ("rtt > 20", "ss: '20' is not a time with its unit", 2),
        (
            "sport = 22 and rtt",
            "ss: the filter ends where an operator was expected\n",
            2,
        ),
    ];
    for (expression, complaint, status) in cases {
        let told = run(plumb_ss().args(["-tan", expression]));
        assert!(
            told.stderr.starts_with(complaint),
            "{expression}\n{}",
            told.stderr
        );
        assert_eq!(
            (told.stdout.as_str(), told.status),
            ("", status),
            "{expression}"
        );
    }
    let told = run(ss().args(["-tan", "pid = x"]));
    let complaint = "Error: an inet prefix is expected rather than \"pid\".\n";
    assert!(told.stderr.starts_with(complaint), "{}", told.stderr);
    assert_eq!(told.status, 1);
}
