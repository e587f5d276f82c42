//! The rows of nstat in docs/tutorial.md, each a test.

use plumb_testkit::{sandbox, sockets};

use crate::shell::{Shell, connection};

/// The value in a line of nstat's.
fn value(rows: &[String], name: &str) -> Option<u64> {
    let row = rows
        .iter()
        .find(|row| row.split_whitespace().next() == Some(name));
    row.and_then(|row| row.split_whitespace().nth(1)?.parse().ok())
}

#[test]
fn retransmissions() {
    sandbox::run(|| {
        let rows = Shell::new().lines("nstat -az | grep -i retrans");
        assert_eq!(value(&rows, "TcpRetransSegs"), Some(0), "{rows:#?}");
        assert!(value(&rows, "TcpExtTCPFastRetrans").is_some(), "{rows:#?}");
    });
}

#[test]
fn what_changed_since_the_last_look() {
    sandbox::run(|| {
        let shell = Shell::new();
        shell.lines("nstat -n");
        let _ends = connection();
        let rows = shell.lines("nstat");
        assert_eq!(value(&rows, "TcpActiveOpens"), Some(1), "{rows:#?}");
        assert_eq!(shell.lines("nstat"), ["#kernel"], "nothing since");
        let rows = shell.lines("nstat -a TcpActiveOpens");
        assert_eq!(value(&rows, "TcpActiveOpens"), Some(1), "{rows:#?}");
    });
}

#[test]
fn overflows_of_accept_queues() {
    sandbox::run(|| {
        let held = sockets::tcp::every_state().expect("a full accept queue comes about");
        let rows = Shell::new().lines("nstat -asz 'TcpExtListen*'");
        let drops = value(&rows, "TcpExtListenDrops");
        assert!(drops.is_some_and(|drops| drops > 0), "{rows:#?}");
        assert!(value(&rows, "TcpExtListenOverflows").is_some(), "{rows:#?}");
        drop(held);
    });
}

#[test]
fn one_counter_as_a_number() {
    sandbox::run(|| {
        let _ends = connection();
        let rows = Shell::new().lines("nstat -as --json64 | jq .kernel.TcpPassiveOpens");
        assert_eq!(rows, ["1"]);
    });
}

#[test]
fn counters_for_prometheus() {
    sandbox::run(|| {
        let _ends = connection();
        let shell = Shell::new();
        shell.lines(
            r#"nstat -asz --json64 | jq -r '.kernel | to_entries[] | "nstat_\(.key) \(.value)"' > nstat.prom"#,
        );
        let rows = shell.lines("cat nstat.prom");
        assert!(
            rows.contains(&"nstat_TcpPassiveOpens 1".to_owned()),
            "{rows:#?}"
        );
        for row in &rows {
            let (name, value) = row.split_once(' ').expect("a name and a value");
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            assert!(name.bytes().all(plain), "a metric's name: {row}");
            assert!(value.parse::<u64>().is_ok(), "a number: {row}");
        }
    });
}
