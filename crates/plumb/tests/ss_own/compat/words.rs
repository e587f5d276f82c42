//! Options, state names and operands, and how a release is chosen.

use std::net::TcpListener;

use plumb_testkit::ss::dump::Row;
use plumb_testkit::temp::TempDir;

use super::{RELEASES, begins};
use crate::called::{run, ss, write_dump};

/// Says whether words are refused with exit status 255 and a complaint of that beginning.
fn is_refused(release: &str, line: &str, complaint: &str) -> bool {
    let dir = TempDir::new("refused").expect("there is a temporary directory");
    let file = write_dump(dir.path(), &[Row::plain()]);
    let told = run(ss()
        .args(["--compat", release])
        .args(line.split_whitespace())
        .env("TCPDIAG_FILE", file));
    let refused = told.status != 0;
    assert_eq!(
        refused,
        told.stderr.starts_with(complaint),
        "{}",
        told.stderr
    );
    refused
}

#[test]
fn options_and_words_are_refused_before_their_release() {
    for (since, line, complaint) in [
        ("6.8", "-tB", "ss: invalid option -- 'B'\n"),
        (
            "6.8",
            "-t --bound-inactive",
            "ss: unrecognized option '--bound-inactive'\n",
        ),
        (
            "6.8",
            "-t state bound-inactive",
            "ss: wrong state name: bound-inactive\n",
        ),
        ("6.9", "-tQ", "ss: invalid option -- 'Q'\n"),
        (
            "6.9",
            "-t --no-queues",
            "ss: unrecognized option '--no-queues'\n",
        ),
        (
            "6.6",
            "-t sport = 2147483648",
            "Error: \"2147483648\" does not look like a port.\n",
        ),
    ] {
        begins(since, line, |release| !is_refused(release, line, complaint));
    }
    begins("6.9", "--no", |release| {
        let complaint =
            "ss: option '--no' is ambiguous; possibilities: '--no-header' '--no-queues'\n";
        is_refused(release, "-t --no", complaint)
    });
}

#[test]
fn the_version_is_the_one_that_is_imitated() {
    for release in RELEASES {
        let told = run(ss().args(["-V", "--compat", release]));
        assert_eq!(told.stdout, format!("ss utility, iproute2-{release}.0\n"));
    }
}

#[test]
fn the_command_line_goes_before_the_environment_and_nonsense_is_refused() {
    let version = |words: &[&str], environment: &str| {
        run(ss()
            .arg("-V")
            .args(words)
            .env("PLUMB_SS_COMPAT", environment))
    };
    for (words, environment, release) in [
        (&[][..], "", "6.1"),
        (&[], "6.8", "6.8"),
        (&["--compat", "7.0"], "6.8", "7.0"),
        (&["--compat=7.0"], "nonsense", "7.0"),
        (&["--compat=7.0", "--compat", "6.9"], "", "6.9"),
        (&["--", "--compat", "6.9"], "", "6.1"),
    ] {
        let told = version(words, environment);
        assert_eq!(
            told.stdout,
            format!("ss utility, iproute2-{release}.0\n"),
            "{words:?}"
        );
    }
    for nonsense in [
        "7.2", "6.0", "7", "7.", "x", "6.1.x", "-7.1", "4.19", "6.65536",
    ] {
        let expected =
            format!("ss: compatibility with {nonsense}: expected a release from 6.1 to 7.1\n");
        for told in [
            version(&[], nonsense),
            version(&["--compat", nonsense], "7.1"),
        ] {
            assert_eq!((told.stdout.as_str(), told.status), ("", 255), "{nonsense}");
            assert_eq!(told.stderr, expected);
        }
    }
    let told = run(ss().args(["-t", "--compat"]));
    assert!(
        told.stderr
            .starts_with("ss: option '--compat' requires an argument\n")
    );
    assert_eq!(told.status, 255);
    let told = run(ss().args(["-t", "--comp", "7.1"]));
    assert!(
        told.stderr
            .starts_with("ss: unrecognized option '--comp'\n"),
        "never abbreviated"
    );
}

/// 6.1 is the default, whoever listens: the newest release is never guessed from the machine.
#[test]
fn nothing_named_is_6_1() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port();
    let filter = ["-tln", "sport", "=", &port.to_string()];
    let named = run(ss().args(filter).args(["--compat", "6.1"]));
    assert_eq!(run(ss().args(filter)).stdout, named.stdout);
    assert!(named.stdout.contains("Process"), "{}", named.stdout);
}

#[test]
fn a_dump_file_that_cannot_be_written_is_told_since_6_17() {
    begins("6.17", "-D", |release| {
        let told = run(ss().args(["-ta", "-D", "/nonexistent/x", "--compat", release]));
        assert_eq!(told.stdout, "");
        let expected = match told.status {
            255 => "fopen dump file: No such file or directory\n",
            _ => "",
        };
        assert_eq!(told.stderr, expected);
        told.status == 255
    });
}
