//! Columns and their widths.

use std::net::SocketAddr;

use plumb_testkit::ss::dump::Row;
use plumb_testkit::temp::TempDir;

use super::{RELEASES, begins, listing};
use crate::called::{run, ss, write_dump};

#[test]
fn the_process_column_needs_processes_since_6_7() {
    let rows = [Row::plain()];
    for (line, since) in [("-tn", "6.7"), ("-tnT", "6.8")] {
        begins(since, line, |release| {
            !listing(release, &rows, line).contains("Process")
        });
    }
    for release in RELEASES {
        let shown = listing(release, &rows, "-tnp");
        assert!(shown.contains("Process"), "{release}\n{shown}");
        let shown = listing(release, &rows, "-tne");
        let lost = release == "6.7";
        assert_eq!(shown.contains("ino:500"), !lost, "{release}\n{shown}");
        let shown = listing(release, &rows, "-tnpe");
        assert!(shown.contains("ino:500"), "{release}\n{shown}");
    }
}

#[test]
fn a_pipe_gets_no_blanks_at_the_end_since_7_0() {
    let long = Row::between(
        SocketAddr::from(([10, 0, 0, 1], 22)),
        SocketAddr::from(([10, 0, 0, 2], 1)),
    );
    begins("7.0", "no blank behind the port", |release| {
        let shown = listing(release, &[long.clone(), Row::plain()], "-tn");
        let row = shown.lines().nth(1).expect("a row");
        assert!(row.trim_end().ends_with(":1"), "{release}\n{shown}");
        row.ends_with(":1")
    });
}

/// The first two rows and the last of the specification's samples.
fn sample() -> [Row; 3] {
    let between = |local: &str, peer: &str, inode| Row {
        inode,
        ..Row::between(
            local.parse().expect("an address and a port"),
            peer.parse().expect("an address and a port"),
        )
    };
    let listener = Row {
        state: 10,
        queues: (0, 128),
        ..between("127.0.0.1:22", "0.0.0.0:0", 411)
    };
    let established = Row {
        timer: (1, 2),
        expires: 200,
        queues: (5000, 0),
        uid: 1000,
        ..between("10.0.0.1:22", "10.0.0.2:40000", 500)
    };
    let half_closed = Row {
        state: 5,
        ..between("[2001:db8::1]:443", "[::ffff:1.2.3.4]:65535", 501)
    };
    [listener, established, half_closed]
}

/// What 7.1 and 6.1 print of the sample, each line ended by a bar in the specification.
#[test]
fn the_worked_samples_are_reproduced() {
    let newest = listing("7.1", &sample(), "-tane");
    assert_eq!(
        newest.lines().take(3).collect::<Vec<_>>(),
        [
            "State      Recv-Q Send-Q Local Address:Port     Peer Address:Port                                         ",
            "LISTEN     0      128        127.0.0.1:22            0.0.0.0:* ino:411 sk:1                            ",
            "ESTAB      5000   0           10.0.0.1:22           10.0.0.2:40000 timer:(on,200ms,2) uid:1000 ino:500 sk:1",
        ]
    );
    let first = listing("6.1", &sample(), "-tane");
    assert_eq!(
        first.lines().collect::<Vec<_>>(),
        [
            "State      Recv-Q Send-Q Local Address:Port     Peer Address:Port Process                                  ",
            "LISTEN     0      128        127.0.0.1:22            0.0.0.0:*     ino:411 sk:1                            ",
            "ESTAB      5000   0           10.0.0.1:22           10.0.0.2:40000 timer:(on,200ms,2) uid:1000 ino:500 sk:1",
            "FIN-WAIT-2 0      0      [2001:db8::1]:443  [::ffff:1.2.3.4]:65535 ino:501 sk:1                            ",
        ]
    );
}

#[test]
fn columns_of_the_environment_count_since_6_11() {
    let dir = TempDir::new("columns").expect("there is a temporary directory");
    let file = write_dump(dir.path(), &sample());
    let shown = |release: &str, columns: &str| {
        run(ss()
            .args(["-tane", "--compat", release])
            .env("COLUMNS", columns)
            .env("TCPDIAG_FILE", &file))
        .stdout
    };
    begins("6.11", "COLUMNS", |release| {
        let shown = shown(release, "80");
        // In 6.7 the extra text is lost, but then COLUMNS is not heeded either.
        shown.lines().all(|line| line.len() == 160)
    });
    for no_number in ["", "0", "-5", "wide", "80x"] {
        let compact = listing("7.1", &sample(), "-tane");
        assert_eq!(shown("7.1", no_number), compact, "COLUMNS={no_number}");
    }
}

#[test]
fn queues_can_be_left_out_since_6_9() {
    let shown = listing("6.9", &[Row::plain()], "-tnQ");
    assert!(
        !shown.contains("Recv-Q") && !shown.contains("Send-Q"),
        "{shown}"
    );
    assert!(shown.contains("10.0.0.1:22"), "{shown}");
    assert!(
        shown
            .lines()
            .nth(1)
            .is_some_and(|row| row.starts_with("ESTAB 10.0.0.1:22"))
            || shown.contains("ESTAB")
    );
}
