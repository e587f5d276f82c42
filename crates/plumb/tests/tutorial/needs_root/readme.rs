//! Commands of README.md that are no row of docs/tutorial.md.

use std::net::TcpListener;

use plumb_testkit::sandbox;

use crate::shell::{Shell, connection};

#[test]
fn forgotten_connections_by_program() {
    sandbox::run(|| {
        let (_listener, near, _far) = connection();
        drop(near);
        let rows = Shell::new().lines(
            r#"netstat -tnp --json | jq -r '.sockets[] | select(.state == "CLOSE_WAIT") | .process.argv0' | sort | uniq -c"#,
        );
        assert_eq!(rows.len(), 1, "one program: {rows:#?}");
        assert!(rows[0].trim().starts_with("1 "), "{rows:#?}");
    });
}

#[test]
fn listeners_of_every_namespace() {
    sandbox::run(|| {
        let _listener = TcpListener::bind("127.0.0.1:8080").expect("loopback is up");
        let rows = Shell::new().lines("netstat -tlnp --all-netns");
        assert!(
            rows.iter().any(|row| row.contains(" 127.0.0.1:8080 ")),
            "{rows:#?}"
        );
    });
}

#[test]
fn a_filter_explains_itself() {
    let lines =
        Shell::new().lines("ss --explain-filter 'dport = :80 or dport = :443 and dst 10/8'");
    assert!(
        lines.iter().any(|line| line.starts_with("careful")),
        "{lines:#?}"
    );
}

#[test]
fn what_was_not_read_and_by_whom() {
    sandbox::run(|| {
        let (_listener, near, mut far) = connection();
        std::io::Write::write_all(&mut far, b"unread").expect("it is connected");
        let rows = Shell::new().lines(
            "plumb ls 'state = close-wait or recv-q > 0' -c local,recv-q,process,peer-process",
        );
        assert_eq!(rows.len(), 2, "a head and one row: {rows:#?}");
        let cells: Vec<&str> = rows[1].split_whitespace().collect();
        assert_eq!(cells[1], "6", "{rows:#?}");
        let pid = format!("[{}]", std::process::id());
        assert!(
            cells[2].ends_with(&pid) && cells[3].ends_with(&pid),
            "{rows:#?}"
        );
        drop(near);
    });
}
