//! The sampler: both clients with both daemons, and daemons that are not to be trusted.
//!
//! A daemon belongs to the sandbox of its test, whose end ends it; each test ends the one it started
//! by its number nevertheless, and waits until it is gone.

mod needs_root {
    use std::fs;
    use std::io::Write as _;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener};
    use std::time::{Duration, Instant};

    use plumb_testkit::differential::{Call, End, Program};
    use plumb_testkit::nstat::pair::Pair;
    use plumb_testkit::sandbox;
    use rustix::process::{Pid, Signal, kill_process};

    use crate::program;

    /// The longest to wait for anything.
    const PATIENCE: Duration = Duration::from_secs(10);

    fn pair() -> Pair {
        let pair = Pair::new(&program()).expect("the sandbox has room");
        set(&pair, "A 10\nB 20\nZ 0\nIpForwarding 1\n");
        pair
    }

    fn set(pair: &Pair, text: &str) {
        fs::write(pair.tables().join("snmp6"), text).expect("it is ours");
    }

    fn shown(pair: &Pair, client: Program, words: &[&str]) -> (String, String) {
        let outcome = pair
            .run(client, &Call::words(words.to_vec()))
            .expect("it runs");
        assert_eq!(outcome.end, End::Status(0), "{outcome:?}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&outcome.stdout), text(&outcome.stderr))
    }

    /// A running daemon, ended when dropped.
    struct Daemon {
        pid: Pid,
        source: String,
    }

    impl Daemon {
        fn start(pair: &Pair, program: Program) -> Self {
            let (out, err) = shown(pair, program, &["-d", "1", "-t", "3"]);
            assert_eq!((&*out, &*err), ("", ""), "it went to the background");
            let (out, _) = shown(pair, Program::Original, &["-as"]);
            let source = out.lines().next().unwrap_or_default().to_owned();
            let number = source
                .strip_prefix('#')
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(pid, _)| pid.parse().ok())
                .and_then(Pid::from_raw);
            let pid = number.unwrap_or_else(|| panic!("{source} names no process"));
            assert!(source.ends_with(" sampling_interval=1 time_const=3"));
            Self { pid, source }
        }
    }

    impl Drop for Daemon {
        fn drop(&mut self) {
            // It may be gone already; then there is nothing to end.
            let _ = kill_process(self.pid, Signal::TERM);
            let start = Instant::now();
            let address = SocketAddr::from_abstract_name("nstat0").expect("a short name");
            while start.elapsed() < PATIENCE
                && std::os::unix::net::UnixStream::connect_addr(&address).is_ok()
            {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn clients_and_daemons_understand_each_other() {
        sandbox::run(|| {
            for server in [Program::Original, Program::Ours] {
                let pair = pair();
                let daemon = Daemon::start(&pair, server);
                let row = |name: &str, value: u64| format!("{name:<32}{value:<16}   0.0\n");
                let expected = format!("{}\n{}{}", daemon.source, row("A", 10), row("B", 20));
                for client in [Program::Original, Program::Ours] {
                    let said = shown(&pair, client, &["-a"]);
                    assert_eq!(
                        said,
                        (expected.clone(), String::new()),
                        "{server:?} {client:?}"
                    );
                    let (empty, _) = shown(&pair, client, &[]);
                    assert_eq!(empty, format!("{}\n", daemon.source));
                }
                set(&pair, "A 15\nC 5\nB 20\n");
                let start = Instant::now();
                for client in [Program::Original, Program::Ours] {
                    loop {
                        let (text, _) = shown(&pair, client, &["-s"]);
                        if text.contains("A                               5  ") {
                            let rate = text.split_whitespace().next_back();
                            let rate: f64 = rate.and_then(|r| r.parse().ok()).expect("a rate");
                            assert!(rate > 0.0 && rate < 4.0, "{text}");
                            assert!(!text.contains("C "), "C came later: {text}");
                            break;
                        }
                        assert!(start.elapsed() < PATIENCE, "the sample never came: {text}");
                    }
                }
                drop(daemon);
                for client in [Program::Original, Program::Ours] {
                    let (text, complaint) = shown(&pair, client, &[]);
                    assert!(text.starts_with("#kernel\n"), "{text}");
                    assert_eq!(complaint, "nstat: history is stale, ignoring it.\n");
                }
            }
        });
    }

    #[test]
    fn a_second_daemon_is_refused() {
        sandbox::run(|| {
            let pair = pair();
            let _daemon = Daemon::start(&pair, Program::Ours);
            for second in [Program::Original, Program::Ours] {
                let outcome = pair
                    .run(second, &Call::words(["-d", "5"]))
                    .expect("it runs");
                assert_eq!(outcome.end, End::Status(255));
                assert_eq!(outcome.stderr, b"nstat: bind: Address already in use\n");
            }
        });
    }

    #[test]
    fn our_daemon_is_detached_and_survives_rude_callers() {
        sandbox::run(|| {
            let pair = pair();
            let daemon = Daemon::start(&pair, Program::Ours);
            let proc = format!("/proc/{}", daemon.pid.as_raw_nonzero());
            let link = |name: &str| fs::read_link(format!("{proc}/{name}")).expect("it runs");
            assert_eq!(link("cwd").as_os_str(), "/");
            for stream in ["fd/0", "fd/1", "fd/2"] {
                assert_eq!(link(stream).as_os_str(), "/dev/null");
            }
            let stat = fs::read_to_string(format!("{proc}/stat")).expect("it runs");
            let behind_name = stat.rsplit(") ").next().unwrap_or_default();
            let session = behind_name.split(' ').nth(3);
            let pid = daemon.pid.as_raw_nonzero().to_string();
            assert_eq!(session, Some(&*pid), "it leads a session of its own");
            let address = SocketAddr::from_abstract_name("nstat0").expect("a short name");
            for _ in 0..20 {
                drop(std::os::unix::net::UnixStream::connect_addr(&address).expect("it listens"));
            }
            let (text, _) = shown(&pair, Program::Ours, &["-as"]);
            assert!(text.starts_with(&daemon.source), "{text}");
        });
    }

    #[test]
    fn answers_of_any_kind_are_taken_alike() {
        sandbox::run(|| {
            let pair = pair();
            let address = SocketAddr::from_abstract_name("nstat0").expect("a short name");
            let long = format!("#{}\nA 5\n", "y".repeat(300));
            for answer in [
                "",
                "A 5\n",
                "#x\nA 5 1.25\nZ 0\nIpForwarding 7\n",
                "#x\nA 5\n#y\nB 6 2.25\n",
                "#kernel\nA 11\n",
                "#x\nA x\n",
                &long,
            ] {
                for history in ["", "A 1\n", "#x\nA 1\n", "#kernel\nA 1\n", "#x\n#y\nA 1\n"] {
                    for words in [&[][..], &["-az"], &["B"]] {
                        let listener = UnixListener::bind_addr(&address).expect("it is free");
                        pair.remember(|path| fs::write(path, history))
                            .expect("it is ours");
                        let result = std::thread::scope(|scope| {
                            scope.spawn(|| {
                                for _ in 0..2 {
                                    let (mut caller, _) = listener.accept().expect("two come");
                                    // Either client may have left already.
                                    let _ = caller.write_all(answer.as_bytes());
                                }
                            });
                            pair.compare(&Call::words(words.to_vec()))
                        });
                        match result.expect("both run") {
                            Some(Ok(())) => {}
                            other => panic!("{answer:?} {history:?} {words:?}: {other:?}"),
                        }
                    }
                }
            }
        });
    }

    #[test]
    fn a_stranger_is_not_believed() {
        sandbox::run(|| {
            let pair = pair();
            let listen = || {
                let nobody = rustix::process::Uid::from_raw(65_534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody)
                    .expect("root may become anybody");
                let address = SocketAddr::from_abstract_name("nstat0").expect("a short name");
                UnixListener::bind_addr(&address).expect("it is free")
            };
            // The rights of a thread are its own.
            let _listener = std::thread::spawn(listen).join().expect("it listens");
            for program in [Program::Original, Program::Ours] {
                let (text, _) = shown(&pair, program, &["-as"]);
                assert!(text.starts_with("#kernel\nA "), "{program:?}: {text}");
            }
        });
    }
}
