//! The rows of ss in docs/tutorial.md, each a test.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plumb_testkit::{sandbox, sockets, temp::TempDir};

use crate::shell::{Shell, connection_at};

/// How this process appears among the holders of a socket.
fn own_holder() -> String {
    format!(",pid={},", std::process::id())
}

/// The port of the near end, which the kernel chose.
fn near_port(near: &TcpStream) -> String {
    format!(":{}", near.local_addr().expect("connected").port())
}

#[test]
fn listeners_and_their_holders() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection_at(8080);
        let _udp = UdpSocket::bind("127.0.0.1:5353").expect("loopback is up");
        let shell = Shell::new();
        let rows = shell.lines("ss -plunt");
        assert_eq!(rows.len(), 3, "a title and two sockets: {rows:#?}");
        for (start, end) in [("udp   UNCONN", ":5353 "), ("tcp   LISTEN", ":8080 ")] {
            let found = rows.iter().find(|row| row.starts_with(start));
            assert!(
                found.is_some_and(|row| row.contains(end) && row.contains(&own_holder())),
                "{rows:#?}"
            );
        }
        assert_eq!(shell.lines("ss -tulpn"), rows);
    });
}

#[test]
fn holders_into_a_file() {
    sandbox::run(|| {
        let _listener = TcpListener::bind("127.0.0.1:8080").expect("loopback is up");
        let shell = Shell::new();
        let log = "ss -tulpn >> ss.log";
        let rows = shell.lines(&format!("{log} && {log} && cat ss.log"));
        let logged = rows.iter().filter(|row| row.contains(":8080 ")).count();
        assert_eq!(logged, 2, "{rows:#?}");
    });
}

#[test]
fn holders_to_a_syslog_server() {
    sandbox::run(|| {
        let server = UdpSocket::bind("127.0.0.1:514").expect("loopback is up");
        server
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time above 0");
        let _listener = TcpListener::bind("127.0.0.1:8080").expect("loopback is up");
        Shell::new().lines("ss -tulpnH | logger -t ss --udp -n 127.0.0.1 -P 514");
        let mut message = [0; 2048];
        let mut text = String::new();
        while !text.contains(":8080 ") {
            let len = server.recv(&mut message).expect("a message for each row");
            text = String::from_utf8_lossy(&message[..len]).into_owned();
        }
        assert!(
            text.starts_with('<') && text.contains(" ss ") && text.contains(&own_holder()),
            "{text}"
        );
    });
}

#[test]
fn totals_by_protocol() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection_at(8080);
        let rows = Shell::new().lines("ss -s");
        assert!(rows[1].contains(" (estab 2, "), "{rows:#?}");
        let tcp = rows.iter().find(|row| row.starts_with("TCP\t"));
        let counts = tcp.map(|row| row.split_whitespace().collect::<Vec<_>>());
        assert_eq!(counts, Some(vec!["TCP", "3", "3", "0"]), "{rows:#?}");
    });
}

#[test]
fn connections_in_one_state() {
    sandbox::run(|| {
        let (_listener, near, far) = connection_at(8080);
        let port = near_port(&near);
        drop(near);
        drop(far);
        let shell = Shell::new();
        let rows = shell.lines("ss -tan state time-wait");
        assert_eq!(rows.len(), 2, "{rows:#?}");
        assert!(rows[1].contains(&port), "{rows:#?}");
        assert_eq!(shell.lines("ss -tanH state time-wait | wc -l"), ["1"]);
    });
}

#[test]
fn how_many_in_each_state() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection_at(8080);
        let rows = Shell::new().lines("ss -tan | awk 'NR > 1 {print $1}' | sort | uniq -c");
        let counts: Vec<&str> = rows.iter().map(|row| row.trim()).collect();
        assert_eq!(counts, ["2 ESTAB", "1 LISTEN"]);
    });
}

#[test]
fn a_full_accept_queue() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").expect("loopback is up");
        let _waiting = TcpStream::connect("127.0.0.1:8080").expect("somebody listens");
        let rows = Shell::new().lines("ss -ltn sport = :8080");
        let words: Vec<&str> = rows[1].split_whitespace().collect();
        assert_eq!(&words[..3], ["LISTEN", "1", "128"], "{rows:#?}");
        drop(listener);
    });
}

#[test]
fn who_forgot_to_close() {
    sandbox::run(|| {
        let (_listener, near, _far) = connection_at(8080);
        drop(near);
        let rows = Shell::new().lines("ss -tnp state close-wait");
        assert_eq!(rows.len(), 2, "{rows:#?}");
        assert!(rows[1].contains(&own_holder()), "{rows:#?}");
    });
}

#[test]
fn connections_to_a_network() {
    sandbox::run(|| {
        let (_listener, near, _far) = connection_at(8080);
        let shell = Shell::new();
        let rows = shell.lines("ss -tn dst 127.0.0.0/8 dport = :8080");
        assert_eq!(rows.len(), 2, "the near end: {rows:#?}");
        assert!(rows[1].contains(&near_port(&near)), "{rows:#?}");
        assert_eq!(shell.lines("ss -tnH dst 10.0.0.0/8"), [""; 0]);
    });
}

#[test]
fn the_or_that_catches_too_little() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection_at(8080);
        let shell = Shell::new();
        let expression = "'dport = :8080 or sport = :8080 and dst 10.0.0.0/8'";
        let rows = shell.lines(&format!("ss -tnH {expression}"));
        assert!(rows.is_empty(), "`and` took both: {rows:#?}");
        let meant = "ss -tnH 'dport = :8080 or ( sport = :8080 and dst 10.0.0.0/8 )'";
        assert_eq!(shell.lines(meant).len(), 1);
        let explained =
            shell.lines("ss --explain-filter 'dport = :8080 or sport = :8080 and dst 10.0.0.0/8'");
        assert!(
            explained.iter().any(|line| line.starts_with("careful")),
            "{explained:#?}"
        );
    });
}

#[test]
fn pending_timers() {
    sandbox::run(|| {
        let held = sockets::tcp::every_state().expect("every state comes about");
        let rows = Shell::new().lines("ss -tano");
        let timed = |state: &str, timer: &str| {
            rows.iter()
                .any(|row| row.starts_with(state) && row.contains(timer))
        };
        assert!(timed("SYN-SENT", "timer:(on,"), "{rows:#?}");
        assert!(timed("TIME-WAIT", "timer:(timewait,"), "{rows:#?}");
        drop(held);
    });
}

#[test]
fn what_tcp_measured() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection_at(8080);
        let rows = Shell::new().lines("ss -tmi");
        let details: Vec<_> = rows.iter().filter(|row| row.starts_with('\t')).collect();
        assert_eq!(details.len(), 2, "{rows:#?}");
        for part in [" skmem:(r", " rtt:", " cwnd:", " segs_in:"] {
            assert!(
                details.iter().all(|row| row.contains(part)),
                "no {part} in {details:#?}"
            );
        }
    });
}

#[test]
fn unix_listeners_and_their_holders() {
    sandbox::run(|| {
        let dir = TempDir::new("unix").expect("the sandbox has room");
        let path = dir.path().join("control");
        let _listener = UnixListener::bind(&path).expect("the sandbox has room");
        let rows = Shell::new().lines("ss -xlp");
        let found = rows
            .iter()
            .find(|row| row.contains(&path.display().to_string()));
        assert!(
            found.is_some_and(|row| row.starts_with("u_str") && row.contains(&own_holder())),
            "{rows:#?}"
        );
    });
}

#[test]
fn a_connection_is_killed() {
    sandbox::run(|| {
        let (_listener, near, _far) = connection_at(8080);
        let shell = Shell::new();
        let look = shell.lines("ss -tn dst 127.0.0.1 dport = :8080");
        let killed = shell.lines("ss -K -tn dst 127.0.0.1 dport = :8080");
        assert_eq!(look, killed, "what was shown before is what was closed");
        assert!(killed[1].contains(&near_port(&near)), "{killed:#?}");
        assert!(shell.lines("ss -tnH").is_empty());
        let error = near.take_error().expect("it is a socket");
        assert!(error.is_some(), "the program hears of it");
    });
}

#[test]
fn sockets_as_they_are_closed() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").expect("loopback is up");
        let seen = AtomicBool::new(false);
        let rows = std::thread::scope(|scope| {
            scope.spawn(|| {
                // Bounded: a program that shows none of so many events never will.
                for _ in 0..20_000 {
                    if seen.load(Ordering::Relaxed) {
                        break;
                    }
                    let client = TcpStream::connect("127.0.0.1:8080").expect("somebody listens");
                    drop(client);
                    drop(listener.accept().expect("somebody came"));
                }
            });
            let rows = Shell::new().lines("timeout 20 ss -Etn --stream | head -n 2");
            seen.store(true, Ordering::Relaxed);
            rows
        });
        assert_eq!(rows.len(), 2, "a title and an event: {rows:#?}");
        assert!(rows[1].contains("127.0.0.1:8080"), "{rows:#?}");
    });
}

#[test]
fn by_process_and_queue() {
    sandbox::run(|| {
        let (_listener, near, _far) = connection_at(8080);
        std::io::Write::write_all(&mut &near, b"unread").expect("it is connected");
        let shell = Shell::new();
        let rows = shell.lines("plumb ss -tnp 'user = root and recv-q > 0'");
        assert_eq!(rows.len(), 2, "the far end alone: {rows:#?}");
        let (_, status) = shell.run("ss -tnp 'user = root and recv-q > 0' 2>/dev/null");
        assert_ne!(status, 0, "ss itself keeps to the original's words");
    });
}

#[test]
fn sockets_as_json() {
    sandbox::run(|| {
        let (_listener, near, _far) = connection_at(8080);
        drop(near);
        let rows = Shell::new().lines(
            r#"ss -tanp --json | jq -r '.sockets[] | select(.state == "CLOSE_WAIT") | .processes[].pid'"#,
        );
        assert_eq!(rows, [std::process::id().to_string()]);
    });
}

#[test]
fn round_trip_times_as_lines() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection_at(8080);
        let rows = Shell::new().lines(
            r#"ss -tn --ndjson | jq -r 'select(.tcp_info) | "\(.peer.address) \(.tcp_info.rtt_us)"'"#,
        );
        assert_eq!(rows.len(), 2, "both ends: {rows:#?}");
        for row in rows {
            let rtt = row.strip_prefix("127.0.0.1 ");
            assert!(rtt.is_some_and(|rtt| rtt.parse::<u64>().is_ok()), "{row}");
        }
    });
}

#[test]
fn holders_in_every_namespace() {
    sandbox::run(|| {
        let _listener = TcpListener::bind("127.0.0.1:8080").expect("loopback is up");
        let rows = Shell::new().lines("ss -tlnp --all-netns");
        assert!(rows[0].starts_with("Netns "), "{rows:#?}");
        let found = rows.iter().find(|row| row.contains("127.0.0.1:8080 "));
        assert!(
            found.is_some_and(|row| row.contains(&own_holder())),
            "{rows:#?}"
        );
    });
}
