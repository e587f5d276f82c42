//! --compat and PLUMB_SS_COMPAT: each change of the bytes comes with its release, not before.
//!
//! Dumps are hand-made. A mark is tried under every release, so that one that comes too early, too
//! late, or goes again is found.

use std::net::{SocketAddr, TcpListener};

use plumb_testkit::ss::dump::attribute as kind;
use plumb_testkit::ss::dump::{Row, attribute, done, dump, error, message};
use plumb_testkit::ss::tcp_info::TcpInfo;
use plumb_testkit::temp::TempDir;

use crate::called::{Told, listing_of, run, ss, write_dump};

/// Releases of iproute2 in which something may have changed.
const RELEASES: [&str; 21] = [
    "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9", "6.10", "6.11", "6.12", "6.13",
    "6.14", "6.15", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1",
];

/// Calls `shows` under each release and checks that its answer changes to yes with `since`, for good.
fn begins(since: &str, what: &str, mut shows: impl FnMut(&str) -> bool) {
    let begin = RELEASES.iter().position(|release| *release == since);
    for (at, release) in RELEASES.iter().enumerate() {
        assert_eq!(
            shows(release),
            Some(at) >= begin,
            "{what}, since {since}: wrong under {release}"
        );
    }
}

/// Lists a dump under a release.
fn listing(release: &str, rows: &[Row], line: &str) -> String {
    let told = listing_of(rows, &format!("{line} --compat {release}"));
    assert_eq!((told.stderr.as_str(), told.status), ("", 0), "{line}");
    told.stdout
}

/// Checks that `new` is shown since a release, and `old` before it. Lines need -p, without which 6.7
/// shows neither.
fn changes(since: &str, rows: &[Row], line: &str, old: &str, new: &str) {
    begins(since, new, |release| {
        let shown = listing(release, rows, line);
        let is_new = shown.contains(new);
        assert!(
            is_new || shown.contains(old),
            "{line} under {release}\n{shown}"
        );
        assert!(
            !is_new || old.is_empty() || new.contains(old) || !shown.contains(old),
            "{line} under {release}\n{shown}"
        );
        is_new
    });
}

fn info(set: &[(&str, u64)]) -> Row {
    let usual = TcpInfo::default().set("reordering", 3);
    let info = set
        .iter()
        .fold(usual, |info, (name, value)| info.set(name, *value));
    Row::plain().with(kind::INFO, info.bytes())
}

fn ulp(name: &[u8], nested: u16, inner: &[(u16, &[u8])]) -> Row {
    let mut content = Vec::new();
    attribute(&mut content, 1, name);
    let mut attributes = Vec::new();
    for (number, value) in inner {
        attribute(&mut attributes, *number, value);
    }
    attribute(&mut content, nested, &attributes);
    info(&[]).with(kind::ULP_INFO, content)
}

#[test]
fn fields_of_tcp_info_come_with_their_release() {
    let newer = info(&[("rcv_wnd", 34), ("rehash", 35), ("snd_wnd", 33)]);
    let line = "-tnipO";
    changes(
        "6.6",
        &[newer],
        line,
        " snd_wnd:33",
        " snd_wnd:33 rcv_wnd:34 rehash:35",
    );
    let stamps = info(&[("options", 64 | 1 | 2)]);
    changes("6.8", &[stamps], "-tniopO", " ts sack", " ts usec_ts sack");
}

#[test]
fn ulp_fields_come_with_their_release() {
    let tls = ulp(b"tls\0", 2, &[(1, &[4, 3]), (6, &[])]);
    let version = " tcp-ulp-tls version: 1.3";
    let unpadded = " tcp-ulp-tls version: 1.3 no_pad_rx";
    changes("6.5", &[tls], "-tnipO", version, unpadded);
    let four = 255_u32.to_ne_bytes();
    let eight = 256_u64.to_ne_bytes();
    let inner: [(u16, &[u8]); 4] = [(3, &four), (4, &eight), (5, &four), (6, &[17, 0])];
    let subflow = ulp(b"mptcp\0", 3, &inner);
    let shown = listing("7.1", std::slice::from_ref(&subflow), "-tnipO");
    assert!(shown.contains(" seq:256 "), "{shown}");
    changes("6.14", &[subflow], "-tnipO", " seq:100 ", " seq:256 ");
}

#[test]
fn md5_keys_stand_in_their_place_since_6_8() {
    let mut key = vec![2, 32, 3, 0];
    key.extend(plumb_testkit::ss::dump::octets([10, 0, 0, 2].into()));
    key.extend(b"abc");
    key.resize(100, 0);
    let row = Row::plain().with(kind::MD5SIG, key);
    begins("6.8", "md5keys", |release| {
        let shown = listing(release, std::slice::from_ref(&row), "-tni");
        assert_eq!(
            shown.starts_with("abc"),
            !shown.contains("/32=abc"),
            "{shown}"
        );
        shown.contains(" md5keys:10.0.0.2/32=abc")
    });
}

fn timer(code: u8, expires_ms: u32) -> Row {
    Row {
        timer: (code, 0),
        expires: expires_ms,
        ..Row::plain()
    }
}

#[test]
fn timers_change_twice() {
    changes(
        "6.11",
        &[timer(1, 9999)],
        "-tnop",
        "(on,9.999ms,0)",
        "(on,9.999sec,0)",
    );
    changes(
        "7.1",
        &[timer(5, 40)],
        "-tnop",
        "(unknown,040ms,0)",
        "(delack,040ms,0)",
    );
}

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

#[test]
fn idle_bound_sockets_are_listed_since_6_8() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

    let idle = socket(AddressFamily::INET, SocketType::STREAM, None).expect("sockets are left");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    bind(&idle, &any).expect("loopback has free ports");
    let bound: SocketAddr = getsockname(&idle)
        .ok()
        .and_then(|bound| bound.try_into().ok())
        .expect("it was bound");
    let port = format!("{}", bound.port());
    let shown = |release: &str, line: &str| {
        let told = run(ss()
            .args(line.split(' '))
            .args(["sport", "=", &port, "--compat", release]));
        told.stdout
    };
    for line in ["-Htn", "-Htan", "-Htn state connected"] {
        begins("6.8", line, |release| {
            let shown = shown(release, line);
            let address = format!(" 127.0.0.1:{port} ");
            assert!(shown.is_empty() || shown.starts_with("UNCONN") && shown.contains(&address));
            !shown.is_empty()
        });
    }
    for line in ["-HtnB", "-Htn state bound-inactive"] {
        let shown = shown("6.8", line);
        assert!(
            shown.starts_with("0      0 "),
            "one state needs no column: {shown}"
        );
        assert!(shown.contains(&port), "{shown}");
    }
}

/// Runs on a recorded answer about UNIX sockets.
fn unix_listing(release: &str, recording: &[u8], line: &str) -> Told {
    let dir = TempDir::new("unix").expect("there is a temporary directory");
    std::fs::write(dir.path().join("unix"), recording).expect("the folder is ours");
    run(ss()
        .args(line.split(' '))
        .args(["--compat", release])
        .env("PLUMB_DIAG_DIR", dir.path()))
}

#[test]
fn inodes_of_unix_sockets_lose_their_sign_in_6_6() {
    let mut payload = vec![1, 1, 10, 0];
    payload.extend(u32::MAX.to_ne_bytes());
    payload.extend([0; 8]);
    let recording = [message(20, &payload), done()].concat();
    begins("6.6", "unsigned inode", |release| {
        let shown = unix_listing(release, &recording, "-xlH").stdout;
        assert_eq!(
            shown.contains(" -1 "),
            !shown.contains(" 4294967295 "),
            "{shown}"
        );
        shown.contains(" 4294967295 ")
    });
}

#[test]
fn refused_dumps_are_silent_since_7_0() {
    let recording = dump(&[]);
    let told = unix_listing("6.1", &recording, "-x");
    assert_eq!(told.stderr, "");
    begins("7.0", "silence", |release| {
        let told = unix_listing(release, &error(1), "-x");
        assert_eq!(told.status, 0);
        let silent = told.stderr.is_empty();
        assert!(silent || told.stderr == "RTNETLINK answers: Operation not permitted\n");
        silent
    });
}

#[test]
fn rows_of_proc_net_packet_have_a_type_since_6_5() {
    let dir = TempDir::new("packet").expect("there is a temporary directory");
    let file = dir.path().join("packet");
    let rows = "sk RefCnt Type Proto Iface R Rmem User Inode\n\
                0 3 3 0003 0 1 0 0 777\n";
    std::fs::write(&file, rows).expect("the folder is ours");
    begins("6.5", "no raw rows among datagrams", |release| {
        let told = run(ss()
            .args(["-HaneA", "p_dgr", "--compat", release])
            .env("PROC_NET_PACKET", &file));
        !told.stdout.contains("*:") && !told.stdout.contains("[3]:")
    });
}

#[test]
fn details_of_netlink_rows_were_lost_without_processes() {
    let shows = |release: &str, line: &str| {
        let words = line.split(' ');
        let told = run(ss().args(words).args(["--compat", release]));
        assert!(
            told.stdout.contains(":kernel") || told.stdout.contains(":0"),
            "{}",
            told.stdout
        );
        told.stdout.contains("groups=0x")
    };
    begins("6.7", "lost", |release| !shows(release, "-f netlink -aen"));
    for release in ["6.1", "6.7", "6.8", "7.1"] {
        assert!(shows(release, "-f netlink -aenp"), "{release}");
    }
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

#[test]
fn names_of_processes_are_made_printable_since_7_0() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let dir = TempDir::new("names").expect("there is a temporary directory");
    let program = dir.path().join("a\u{1b}\n\u{e9}\"");
    std::os::unix::fs::symlink("/bin/cat", &program).expect("the folder is ours");
    let (ours, theirs) = UnixStream::pair().expect("sockets are left");
    let mut holder = std::process::Command::new(&program)
        .stdin(OwnedFd::from(theirs))
        .spawn()
        .expect("cat starts");
    let pid = format!(",pid={},fd=0)", holder.id());
    begins("7.0", "names", |release| {
        let shown = run(ss().args(["-xpH", "--compat", release])).stdout;
        let raw = shown.contains(&format!("(\"a\u{1b}\n\u{e9}\"\"{pid}"));
        let printable = shown.contains(&format!("(\"a..??\"\"{pid}"));
        assert!(raw != printable, "{shown:?}");
        printable
    });
    drop(ours);
    holder.wait().expect("cat ends with its input");
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
