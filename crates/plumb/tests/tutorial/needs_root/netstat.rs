//! The rows of netstat in docs/tutorial.md, each a test.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};

use plumb_testkit::{sandbox, sockets, temp::TempDir};

use crate::shell::{Shell, connection, own_program, port_of};

#[test]
fn connections_and_their_programs() {
    sandbox::run(|| {
        let (listener, _near, _far) = connection();
        let port = format!(":{} ", port_of(&listener));
        let rows = Shell::new().lines("netstat -tp --numeric-ports");
        let ours: Vec<_> = rows.iter().filter(|row| row.contains(&port)).collect();
        assert_eq!(ours.len(), 2, "both ends, and not the listener: {rows:#?}");
        assert!(
            ours.iter().all(|row| row.contains(&own_program())),
            "{ours:#?}"
        );
    });
}

#[test]
fn functions_below_connections() {
    sandbox::run(|| {
        let shell = Shell::new();
        let place = "export PLUMB_RECORDER=$PWD/run/recorder.sock";
        shell.lines(&format!("{place}; plumb trace --keep --detach"));
        let (listener, _near, _far) = connection();
        let port = format!(":{} ", port_of(&listener));
        let rows = shell.lines(&format!("{place}; netstat -tp --stack --numeric-ports"));
        shell.lines("kill $(cat run/recorder.sock.lock)");
        for call in ["connect()", "accept()"] {
            let below = rows
                .iter()
                .position(|row| row.trim_start().starts_with(call));
            let at = below.unwrap_or_else(|| panic!("{call}: {rows:#?}"));
            assert!(rows[at - 1].contains(&port), "{rows:#?}");
            let function = |row: &&String| row.starts_with("          ");
            let stack: Vec<_> = rows[at + 1..].iter().take_while(function).collect();
            assert!(
                stack.iter().any(|row| row.contains("tutorial")),
                "{stack:#?}"
            );
        }
    });
}

#[test]
fn every_tcp_and_udp_socket_with_its_owner() {
    sandbox::run(|| {
        let (listener, _near, _far) = connection();
        let udp = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
        let rows = Shell::new().lines("netstat -plantu");
        let owned = |text: &str| {
            rows.iter()
                .any(|row| row.contains(text) && row.contains(&own_program()))
        };
        assert!(owned(&format!(":{} ", port_of(&listener))), "{rows:#?}");
        assert!(
            owned(&udp.local_addr().expect("bound").to_string()),
            "{rows:#?}"
        );
    });
}

#[test]
fn one_family_at_a_time() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection();
        let six = TcpListener::bind("[::1]:0").expect("loopback is up");
        let _near6 = TcpStream::connect(six.local_addr().expect("bound")).expect("it listens");
        let shell = Shell::new();
        let v4 = shell.lines("netstat -A inet | tail -n +3");
        assert!(
            !v4.is_empty() && v4.iter().all(|row| row.starts_with("tcp ")),
            "{v4:#?}"
        );
        let v6 = shell.lines("netstat -A inet6 | tail -n +3");
        assert!(
            !v6.is_empty() && v6.iter().all(|row| row.starts_with("tcp6")),
            "{v6:#?}"
        );
    });
}

#[test]
fn forgotten_connections() {
    sandbox::run(|| {
        let (_listener, near, far) = connection();
        let forgotten = far.local_addr().expect("connected").to_string();
        let shell = Shell::new();
        assert_eq!(
            shell.run("netstat -an | grep CLOSE_WAIT"),
            (String::new(), 1)
        );
        drop(near);
        let rows = shell.lines("netstat -an | grep CLOSE_WAIT");
        assert_eq!(rows.len(), 1);
        assert!(rows[0].contains(&forgotten), "{rows:#?}");
        let leaks = format!(
            "plumb leaks --older-than 1us --for 100ms -p {}",
            std::process::id()
        );
        let leaks = shell.lines(&leaks);
        let verdict = "peer is done, never read again";
        assert!(leaks.iter().any(|row| row.contains(verdict)), "{leaks:#?}");
    });
}

#[test]
fn attempts_without_an_answer() {
    sandbox::run(|| {
        let shell = Shell::new();
        let dial = "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(q(127.0.0.1:1))'";
        assert_eq!(
            shell.run("netstat -ant | grep SYN_SENT"),
            (String::new(), 1),
            "nobody waits"
        );
        let (told, status) = shell.run(&format!("plumb connects --failed -- {dial}"));
        assert_eq!(status, 1, "one failed: {told}");
        assert!(told.contains("refused"), "{told}");
    });
}

#[test]
fn syn_counters() {
    sandbox::run(|| {
        let shell = Shell::new();
        assert_eq!(
            shell.run("netstat -s | grep SYN"),
            (String::new(), 1),
            "nothing happened yet"
        );
        let held = sockets::tcp::every_state().expect("a full accept queue comes about");
        let rows = shell.lines("netstat -s | grep SYN");
        assert!(
            rows.iter()
                .any(|row| row.contains("SYNs to LISTEN sockets dropped")),
            "{rows:#?}"
        );
        let words = shell.lines("plumb stats --syn --for 1ms | grep 'accept queue'");
        assert!(
            words.iter().any(|row| !row.trim().starts_with("0 0")),
            "{words:#?}"
        );
        drop(held);
    });
}

#[test]
fn retransmission_counters() {
    sandbox::run(|| {
        let (_listener, mut near, _far) = connection();
        near.write_all(b"x").expect("it is connected");
        let rows = Shell::new().lines("netstat -s | egrep \"segments|retrans\"");
        let sent = rows.iter().find(|row| row.ends_with("segments sent out"));
        let sent = sent.and_then(|row| row.split_whitespace().next()?.parse::<u64>().ok());
        assert!(sent.is_some_and(|sent| sent >= 4), "{rows:#?}");
        assert!(
            rows.iter()
                .any(|row| row.ends_with("segments retransmitted")),
            "{rows:#?}"
        );
        let share = Shell::new().lines("plumb stats --retrans --for 1ms | grep 'sent again$'");
        assert!(share.iter().any(|row| row.contains("0.00 %")), "{share:#?}");
    });
}

#[test]
fn interface_drops() {
    sandbox::run(|| {
        let shell = Shell::new();
        let rows = shell.lines("netstat -i");
        assert!(
            rows[1].contains("RX-DRP") && rows[2].starts_with("lo "),
            "{rows:#?}"
        );
        assert_eq!(shell.lines("netstat -I=lo"), rows);
        assert_eq!(shell.run("netstat -I=eth9 2>/dev/null").1, 1);
        let rates = shell.lines("plumb if --for 1ms lo");
        assert!(
            rates[0].contains("Drops") && rates[1].starts_with("lo "),
            "{rates:#?}"
        );
    });
}

#[test]
fn sorted_sockets() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection();
        let rows = Shell::new().lines("netstat -nat | sort -nk 4 | tail");
        assert!(
            rows.last().is_some_and(|row| row.contains("127.0.0.1")),
            "{rows:#?}"
        );
    });
}

#[test]
fn every_tcp_socket() {
    sandbox::run(|| {
        let held = sockets::tcp::every_state().expect("every state comes about");
        let rows = Shell::new().lines("netstat -ant");
        for state in [
            "LISTEN",
            "ESTABLISHED",
            "SYN_SENT",
            "SYN_RECV",
            "TIME_WAIT",
            "CLOSE_WAIT",
        ] {
            assert!(
                rows.iter().any(|row| row.contains(state)),
                "no {state} in {rows:#?}"
            );
        }
        drop(held);
    });
}

#[test]
fn routes() {
    sandbox::run(|| {
        plumb_testkit::live::make_routes().expect("root can make routes here");
        let rows = Shell::new().lines("netstat -nr");
        assert!(
            rows.iter()
                .any(|row| row.starts_with("0.0.0.0 ") && row.contains("UG"))
        );
    });
}

#[test]
fn socket_memory() {
    sandbox::run(|| {
        let (_listener, mut near, _far) = connection();
        near.write_all(&vec![0; 64 * 1024])
            .expect("the window is open");
        let rows = Shell::new().lines("netstat -m");
        let tcp = rows.iter().find(|row| row.starts_with("tcp "));
        let sockets = tcp.and_then(|row| row.split_whitespace().nth(1));
        assert_eq!(sockets, Some("3"), "a listener and two ends: {rows:#?}");
        let holder = rows
            .iter()
            .find(|row| row.contains(&format!(" {}", own_program())));
        let total = holder.and_then(|row| row.split_whitespace().next()?.parse::<u64>().ok());
        assert!(
            total.is_some_and(|total| total >= 64 * 1024),
            "the unread bytes: {rows:#?}"
        );
    });
}

#[test]
fn every_socket_with_its_owner() {
    sandbox::run(|| {
        let dir = TempDir::new("unix").expect("the sandbox has room");
        let held = sockets::every_kind(dir.path()).expect("every state comes about");
        let rows = Shell::new().lines("netstat -nap");
        for protocol in ["tcp ", "tcp6", "udp ", "raw ", "unix"] {
            let owned = rows
                .iter()
                .any(|row| row.starts_with(protocol) && row.contains(&own_program()));
            assert!(owned, "no owned {protocol} in {rows:#?}");
        }
        drop(held);
    });
}

#[test]
fn counters_by_protocol() {
    sandbox::run(|| {
        let shell = Shell::new();
        let titles = |options: &str| shell.lines(&format!("netstat {options} | grep '^[A-Z]'"));
        assert!(titles("-s").iter().any(|title| title == "Ip:"));
        assert!(titles("-st").iter().any(|title| title == "Tcp:"));
        assert!(!titles("-st").iter().any(|title| title == "Udp:"));
        assert!(titles("-su").iter().any(|title| title == "Udp:"));
    });
}

#[test]
fn listeners_into_a_file() {
    sandbox::run(|| {
        let (listener, _near, _far) = connection();
        let shell = Shell::new();
        let rows =
            shell.lines("f=$(mktemp); netstat -tulpn >> $f; netstat -tulpn >> $f; cat $f; rm $f");
        let port = format!(":{} ", port_of(&listener));
        assert_eq!(
            rows.iter().filter(|row| row.contains(&port)).count(),
            2,
            "{rows:#?}"
        );
    });
}

#[test]
fn port_conflict() {
    sandbox::run(|| {
        let (listener, _near, _far) = connection();
        let port = port_of(&listener);
        TcpListener::bind(("127.0.0.1", port)).expect_err("the port is taken");
        let rows = Shell::new().lines(&format!("netstat -tulpn | grep ':{port} '"));
        assert_eq!(rows.len(), 1);
        assert!(rows[0].contains(&own_program()), "{rows:#?}");
    });
}

#[test]
fn sockets_by_state() {
    sandbox::run(|| {
        let (_listener, near, far) = connection();
        drop(near);
        drop(far);
        let script = "netstat -nat | awk '{print $6}' | sort | uniq -c";
        let rows = Shell::new().lines(script);
        let waiting = rows.iter().find(|row| row.ends_with(" TIME_WAIT"));
        assert_eq!(
            waiting.map(|row| row.trim()),
            Some("1 TIME_WAIT"),
            "{rows:#?}"
        );
    });
}

#[test]
fn every_second() {
    sandbox::run(|| {
        let shell = Shell::new();
        let rows = shell.lines("netstat -ltn -c | head -n 3");
        assert_eq!(rows.len(), 3);
        assert_eq!(
            rows[0], rows[2],
            "the third line is the title of the second round"
        );
        let documents = shell.lines("netstat -ltn -c --json | head -n 2");
        for document in documents {
            let parsed: serde_json::Value =
                serde_json::from_str(&document).expect("one document per line");
            assert_eq!(parsed["complete"], true);
        }
    });
}

#[test]
fn beside_strace() {
    sandbox::run(|| {
        let shell = Shell::new();
        let calls = shell.lines("strace -f -e trace=network -o /dev/stdout netstat -tn");
        assert!(
            calls.iter().any(|line| line.contains("NETLINK_SOCK_DIAG")),
            "{calls:#?}"
        );
        assert!(
            calls.iter().any(|line| line.starts_with("Proto Recv-Q")),
            "{calls:#?}"
        );
        let told = shell.lines("plumb trace -- netstat -tn");
        let asks = |line: &String| line.contains("socket(AF_NETLINK, ");
        assert!(told.iter().any(asks), "{told:#?}");
    });
}

#[test]
fn an_assertion_in_a_script() {
    sandbox::run(|| {
        let (_listener, near, _far) = connection();
        let shell = Shell::new();
        let script = "[ $(netstat -an | grep -c CLOSE_WAIT) -eq 0 ]";
        assert_eq!(shell.run(script).1, 0);
        drop(near);
        assert_eq!(shell.run(script).1, 1);
    });
}

#[test]
fn owners_are_restricted() {
    sandbox::run(|| {
        let (listener, _near, _far) = connection();
        let port = port_of(&listener);
        // The program itself must be reachable for the other user.
        let program = std::env::temp_dir().join("netstat");
        std::fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the sandbox has room");
        let script = format!(
            "setpriv --reuid 65534 --regid 65534 --clear-groups {} -tulpn 2>&1 | grep -e ':{port} ' -e '(No'",
            program.display()
        );
        let rows = Shell::new().lines(&script);
        let text = rows.join("\n");
        assert!(text.contains(" -  "), "the owner is not shown: {text}");
        assert!(
            text.contains("but you should be root"),
            "and it is said why: {text}"
        );
    });
}

#[test]
fn owners_agree_with_the_process_list() {
    sandbox::run(|| {
        let (_listener, _near, _far) = connection();
        let script = "netstat -antpe --json | tr -d '\\n'";
        let document = Shell::new().lines(script).join("");
        let parsed: serde_json::Value = serde_json::from_str(&document).expect("valid JSON");
        let sockets = parsed["sockets"].as_array().expect("an array");
        assert_eq!(sockets.len(), 3, "a listener and two ends");
        for socket in sockets {
            let (pid, inode) = (&socket["process"]["pid"], &socket["inode"]);
            let list = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is there");
            let held = list.flatten().any(|fd| {
                std::fs::read_link(fd.path())
                    .is_ok_and(|target| target.to_string_lossy() == format!("socket:[{inode}]"))
            });
            assert!(held, "process {pid} does not hold {inode}");
        }
    });
}
