//! Both ways to the owners of sockets give the same bytes, on a namespace full of hard cases.

mod needs_root {
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;
    use std::process::{Command, Output, Stdio};

    use plumb_testkit::farm::{Farm, Plan};
    use plumb_testkit::holding::{Way, children, covered, in_flight, ring, thread};
    use plumb_testkit::sandbox;

    /// A program of the testkit, which nextest builds beside this one.
    fn testkit(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_BIN_EXE_plumb")).with_file_name(name)
    }

    fn run(engine: Option<&str>, personality: &str, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
        command.arg0(personality).args(words).env("LC_ALL", "C");
        match engine {
            Some(engine) => command.env("PLUMB_OWNERS", engine),
            None => command.env_remove("PLUMB_OWNERS"),
        };
        command.output().expect("the program starts")
    }

    fn text(engine: Option<&str>, personality: &str, words: &[&str]) -> String {
        let output = run(engine, personality, words);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("names here are ASCII")
    }

    /// What follows the time of a document.
    fn after_time(text: &str) -> String {
        let (_, rest) = text.split_once(",\"host\"").unwrap_or(("", text));
        rest.to_owned()
    }

    /// A process whose name has a parenthesis, with a socket as its standard input and output.
    fn odd_name(dir: &Path) -> (std::process::Child, std::net::TcpListener) {
        let program = dir.join("a) b (c");
        std::fs::copy("/bin/sleep", &program).expect("there is room");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let copy = || {
            Stdio::from(std::os::fd::OwnedFd::from(
                listener.try_clone().expect("room"),
            ))
        };
        let child = Command::new(program)
            .arg("1000")
            .stdin(copy())
            .stdout(copy())
            .spawn()
            .expect("a copy of sleep starts");
        (child, listener)
    }

    #[test]
    fn programs_and_proc_name_the_same_owners() {
        sandbox::run(|| {
            let _held = [
                thread::own_table().expect("a thread of its own"),
                ring::registered().expect("a ring"),
                in_flight::in_message().expect("a message"),
                children::inherited().expect("a child"),
                children::received(&testkit("plumb-holders")).expect("a child"),
            ];
            let (mut child, listener) = odd_name(&std::env::temp_dir());
            let plan = Plan::new(2000, 40).expect("a small farm");
            let farm = Farm::start(&testkit("plumb-farm"), plan).expect("it stands");
            let cases: [(&str, &[&str]); 10] = [
                ("netstat", &["-tanp"]),
                ("netstat", &["-tlnp"]),
                ("netstat", &["-tlnp", "--json"]),
                ("ss", &["-tanp"]),
                ("ss", &["-tlnp"]),
                ("ss", &["-tlnp", "--ndjson"]),
                ("ss", &["-Htan", "-p", "sport = :10000"]),
                ("ss", &["-Htuanp", "sport = :10000 or dport = :10001"]),
                ("ss", &["-Htanp", "sport > :0"]),
                ("ss", &["-Htanp", "sport = :1"]),
            ];
            for (personality, words) in cases {
                let told = text(Some("bpf"), personality, words);
                let found = text(Some("proc"), personality, words);
                let rows = |text: &str| -> Vec<String> {
                    // Documents say when they were made.
                    let row = |row: &str| row.rsplit("\"time\"").next().map(after_time);
                    text.lines().filter_map(row).collect()
                };
                let (told, found) = (rows(&told), rows(&found));
                let different = told.iter().zip(&found).find(|(told, found)| told != found);
                assert_eq!(different, None, "{personality} {words:?}");
                assert_eq!(told.len(), found.len(), "{personality} {words:?}");
                let port = listener.local_addr().expect("it is bound").port();
                let row = found.iter().find(|row| row.contains(&format!(":{port} ")));
                // A name ends at its first parenthesis for ss.
                let is_named = row.is_some_and(|row| row.contains("((\"a\","));
                assert!(
                    is_named || (personality, words) != ("ss", &["-tlnp"]),
                    "{row:?}"
                );
            }
            drop(farm);
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        });
    }

    #[test]
    fn owners_that_no_descriptor_shows_are_named_when_all_are_wanted() {
        sandbox::run(|| {
            let table = thread::own_table().expect("a thread of its own");
            let ring = ring::registered().expect("a ring");
            let message = in_flight::in_message().expect("a message");
            let Way::Ring { ring_fd, slot } = ring.way else {
                panic!("{:?}", ring.way)
            };
            let (Way::OwnTable { tid, fd }, Way::InFlight { carrier }) = (table.way, message.way)
            else {
                panic!("{:?} {:?}", table.way, message.way)
            };
            let ways = [
                (
                    &table,
                    format!("tid={tid},fd={fd}"),
                    format!("(thread {tid})"),
                ),
                (
                    &ring,
                    format!("ring={ring_fd},slot={slot}"),
                    format!("(io_uring {ring_fd})"),
                ),
                (
                    &message,
                    format!("in-flight={carrier}"),
                    format!("(in flight {carrier})"),
                ),
            ];
            for (held, in_ss, in_netstat) in ways {
                let port = format!("sport = :{}", held.port);
                let plain = text(None, "ss", &["-Htlnp", &port]);
                assert!(!plain.contains("users:"), "{plain}");
                let all = text(None, "ss", &["-Htln", "--all-owners", &port]);
                assert!(
                    all.contains(&format!("\",pid={},{in_ss}))", held.pid)),
                    "{all}"
                );
                let all = text(None, "netstat", &["-tln", "--all-owners"]);
                let row = all
                    .lines()
                    .find(|row| row.contains(&format!(":{} ", held.port)));
                assert!(row.is_some_and(|row| row.contains(&in_netstat)), "{row:?}");
            }
            // No abbreviation of an option of the original means it.
            assert!(!run(None, "netstat", &["--all-o"]).status.success());
        });
    }

    #[test]
    fn what_is_mounted_over_a_process_hides_it_from_the_personalities() {
        sandbox::run(|| {
            let held = covered::covered().expect("root may mount");
            let port = format!("sport = :{}", held.port);
            let plan = Plan::new(6000, 4).expect("a small farm");
            let farm = Farm::start(&testkit("plumb-farm"), plan).expect("it stands");
            // So many files that a program would be asked, were there no mount.
            let shown = text(None, "ss", &["-Htlnp", &port]);
            assert_eq!(shown.lines().count(), 1, "{shown}");
            assert!(!shown.contains("users:"), "{shown}");
            drop((farm, held));
        });
    }

    #[test]
    fn an_engine_that_cannot_be_had_is_complained_of() {
        sandbox::run(|| {
            for personality in ["netstat", "ss"] {
                let output = run(Some("magic"), personality, &["-tlnp"]);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let expected = format!("{personality}: PLUMB_OWNERS=magic: neither bpf nor proc\n");
                assert_eq!(said, expected);
                // Who wants no owners is not bothered.
                let output = run(Some("magic"), personality, &["-tln"]);
                assert_eq!(String::from_utf8_lossy(&output.stderr), "");
            }
        });
    }
}
