//! The command lines of ss's plan, one test for each place they run in.

mod needs_root {
    use std::fs;
    use std::net::UdpSocket;
    use std::time::{Duration, Instant};

    use plumb_testkit::differential::{Call, Lab, Program, Rule, Stdout, Tool, Until};
    use plumb_testkit::sandbox;
    use plumb_testkit::ss::command_lines::{COMMAND_LINES, CommandLine, Place};
    use plumb_testkit::ss::fixture::{self, Fixture, Names};
    use plumb_testkit::ss::{deviations, dumps};

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use crate::bench::{Findings, program};

    /// A filter file with all that is skipped in one.
    const FILTER: &str = "# a comment\n0 looks like one\n\n   \nsport = :22\n";

    /// How long nothing may change.
    const REST: Duration = Duration::from_millis(100);
    /// How long to wait for that.
    const PATIENCE: Duration = Duration::from_secs(2);
    /// A header and two events.
    const EVENTS: Until = Until::Rounds {
        marker: "\n",
        count: 3,
    };

    fn lab(situation: &str) -> Lab {
        let mut lab = Lab::of(Tool::SS, &program()).expect("a sandbox can hold both programs");
        situation.clone_into(&mut lab.situation);
        for (name, content) in [
            ("filter", FILTER),
            (
                "sockstat",
                "sockets: used 57\nTCP: inuse 13 orphan 2 tw 3 alloc 20 mem 1\nUDP: inuse 3 mem 0\nRAW: inuse 3\nFRAG: inuse 1 memory 0\n",
            ),
            (
                "snmp",
                "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab\nTcp: 1 200 120000 -1 1 2 3 4 10\n",
            ),
        ] {
            fs::write(lab.work().join(name), content).expect("the directory is ours");
        }
        lab
    }

    fn compare(findings: &mut Findings, lab: &Lab, line: &CommandLine, fixture: Option<&Fixture>) {
        let dir = std::env::temp_dir();
        let inode = fixture.map_or(0, |fixture| fixture.unix_inode).to_string();
        let call = line.call(&[("{dir}", &dir.to_string_lossy()), ("{inode}", &inode)]);
        let rule = deviations::rule(line);
        findings.note(if line.text.starts_with("-s") {
            lab.compare_among(&call, &rule, wait_for_rest)
        } else {
            lab.compare(&call, &rule)
        });
    }

    /// Waits until the number of sockets no longer changes: the kernel frees those of a program a
    /// little after its end, and -s counts them.
    fn wait_for_rest() {
        let used = || {
            let text = fs::read_to_string("/proc/net/sockstat").expect("/proc is mounted");
            text.lines().next().map(str::to_owned)
        };
        let mut last = used();
        let mut since = Instant::now();
        let start = since;
        while since.elapsed() < REST && start.elapsed() < PATIENCE {
            std::thread::yield_now();
            let now = used();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// Compares the lines with these numbers that run among the fixture's sockets, into a file.
    fn live(numbers: std::ops::RangeInclusive<u16>) {
        among_fixture(Names::Odd, |line| {
            numbers.contains(&line.number) && matches!(line.place, Place::Live | Place::Proc)
        });
    }

    fn among_fixture(names: Names, is_wanted: impl Fn(&CommandLine) -> bool) {
        let lab = lab("live");
        let held = fixture::make(&std::env::temp_dir(), names).expect("the sandbox allows it");
        // The first to see a socket gives it its cookie.
        lab.run(Program::Original, &Call::words(["-ae"]))
            .expect("ss runs");
        let mut findings = Findings::default();
        for line in COMMAND_LINES.iter().filter(|line| is_wanted(line)) {
            compare(&mut findings, &lab, line, Some(&held));
        }
        findings.report();
    }

    #[test]
    fn on_terminals_of_the_plan() {
        sandbox::run(|| {
            among_fixture(Names::Plain, |line| {
                matches!(line.place, Place::Terminal(_))
            });
        });
    }

    #[test]
    fn listings() {
        sandbox::run(|| live(1..=96));
    }

    #[test]
    fn filters() {
        sandbox::run(|| live(97..=163));
    }

    #[test]
    fn errors() {
        sandbox::run(|| live(164..=201));
    }

    #[test]
    fn modes_and_proc() {
        sandbox::run(|| live(202..=231));
    }

    fn among<T>(place: Place, mut surroundings: impl FnMut() -> T) {
        let lab = lab("passing sockets");
        let mut findings = Findings::default();
        for line in COMMAND_LINES.iter().filter(|line| line.place == place) {
            let mut call = line.call(&[]);
            if place == Place::Events {
                call.until = EVENTS;
            }
            let rule = deviations::rule(line);
            findings.note(lab.compare_among(&call, &rule, &mut surroundings));
        }
        findings.report();
    }

    #[test]
    fn killed_sockets() {
        sandbox::run(|| {
            among(Place::Victims, || {
                fixture::victims().expect("ports are free")
            });
        });
    }

    #[test]
    fn what_cannot_be_killed_is_not_shown() {
        sandbox::run(|| {
            let lab = lab("MPTCP sockets");
            let _held = fixture::make(&std::env::temp_dir(), Names::Plain).expect("as above");
            let seen = lab
                .run(Program::Ours, &Call::words(["-HMa"]))
                .expect("it runs");
            assert!(!seen.stdout.is_empty(), "there is something to kill");
            let mut findings = Findings::default();
            findings.note(lab.compare(&Call::words(["-HKMa"]), &Rule::Exact));
            findings.report();
        });
    }

    /// More than a few datagrams are received on another thread.
    #[test]
    fn a_dump_of_many_datagrams() {
        const SOCKETS: usize = 6000;
        sandbox::run(|| {
            let most = getrlimit(Resource::Nofile).maximum;
            let limit = Rlimit {
                current: most,
                maximum: most,
            };
            setrlimit(Resource::Nofile, limit).expect("the hard limit may be used");
            let sockets: Vec<UdpSocket> = (0..SOCKETS)
                .map(|_| UdpSocket::bind("127.0.0.1:0").expect("there are ports"))
                .collect();
            let lab = lab("many sockets");
            let mut findings = Findings::default();
            for words in [["-uan", "-H"], ["-uane", "-H"]] {
                findings.note(lab.compare(&Call::words(words), &Rule::Exact));
            }
            findings.report();
            drop(sockets);
        });
    }

    #[test]
    fn closed_sockets() {
        sandbox::run(|| {
            among(Place::Events, || {
                fixture::close_when_heard().expect("ports are free")
            });
        });
    }

    #[test]
    fn dumps_of_the_plan() {
        sandbox::run(|| {
            let lab = frozen_lab();
            let mut findings = Findings::default();
            for line in COMMAND_LINES {
                if let Place::Dump(_) = line.place {
                    compare(&mut findings, &lab, line, None);
                }
            }
            findings.report();
        });
    }

    /// Gives a lab in whose directory the dumps are, and where nothing ticks.
    fn frozen_lab() -> Lab {
        let mut lab = lab("dumps");
        lab.live = false;
        for name in dumps::names() {
            fs::write(lab.work().join(name), dumps::named(name)).expect("the directory is ours");
        }
        lab
    }

    /// Compares dumps under options and terminal widths.
    fn on_terminals(names: &[&str], options: &[&str], widths: &[u16]) {
        let lab = frozen_lab();
        let mut findings = Findings::default();
        for (name, options) in names
            .iter()
            .flat_map(|name| options.iter().map(move |o| (name, o)))
        {
            for width in widths {
                let mut call = Call::words(options.split_whitespace()).with("TCPDIAG_FILE", *name);
                call.stdout = Stdout::Terminal(*width);
                findings.note(lab.compare(&call, &Rule::Exact));
            }
        }
        findings.report();
    }

    #[test]
    fn every_width_of_a_terminal() {
        sandbox::run(|| {
            let widths: Vec<u16> = (0..=300).collect();
            on_terminals(&["rows"], &["-tane", "-tHanim"], &widths);
        });
    }

    #[test]
    fn every_dump_on_terminals() {
        sandbox::run(|| {
            let names: Vec<&str> = dumps::names().filter(|name| *name != "many").collect();
            let options = ["-taneoim --tos --inet-sockopt", "-tO", "-A all -aHOiemp"];
            on_terminals(&names, &options, &[1, 44, 80, 81, 200, 300]);
        });
    }

    #[test]
    fn batches_on_a_terminal() {
        sandbox::run(|| on_terminals(&["many"], &["-tanoe"], &[120]));
    }
}
