//! Every way to call nstat, on tables of a real kernel and on odd ones.

mod needs_root {
    use std::fs;
    use std::os::unix::fs::{chown, symlink};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use plumb_testkit::differential::{Call, End, Program};
    use plumb_testkit::frozen::counters;
    use plumb_testkit::nstat::pair::Pair;
    use plumb_testkit::sandbox;

    use crate::program;

    /// Puts something in the place of a history file.
    type Make = fn(&Path);

    /// Hand-made: what a run before saw, with one counter above what the tables hold.
    const HISTORY: &str = "#kernel\nIpInReceives 1\nTcpActiveOpens 99999999\nTcpInSegs 3 1.5\n";

    /// A pair with the tables of Linux 6.18, all counters of which are something.
    fn pair() -> Pair {
        let pair = Pair::new(&program()).expect("the sandbox has room");
        let mut next = 0_u64;
        let mut value = |_: &str| {
            next += 7;
            next.to_string()
        };
        let mut paired = |file| -> String {
            let blocks = counters::blocks(file);
            let texts = blocks
                .iter()
                .map(|(name, names)| counters::block(name, names, &mut value));
            texts.collect()
        };
        let [snmp, netstat] = [paired(counters::SNMP), paired(counters::NETSTAT)];
        let snmp6 = counters::lines(&counters::names(counters::SNMP6), &mut value);
        for (file, text) in [("snmp", snmp), ("netstat", netstat), ("snmp6", snmp6)] {
            fs::write(pair.tables().join(file), text).expect("it is ours");
        }
        pair
    }

    fn remember(pair: &Pair, text: &str) {
        pair.remember(|path| fs::write(path, text))
            .expect("it is ours");
    }

    /// Compares; gives what both said on standard error.
    fn compare(pair: &Pair, call: &Call) -> String {
        let result = pair.compare(call).expect("both run");
        match result.expect("the original does not crash here") {
            Ok(()) => {}
            Err(difference) => panic!("{difference}"),
        }
        let ours = pair.run(Program::Ours, call).expect("it runs");
        String::from_utf8_lossy(&ours.stderr).into_owned()
    }

    fn words(line: &str) -> Call {
        Call::words(line.split_whitespace())
    }

    #[test]
    fn every_option_alone_and_twice_in_a_row() {
        sandbox::run(|| {
            let pair = pair();
            for line in [
                "",
                "-a",
                "-as IpIn*",
                "-az tcpext*mem*",
                "-sj",
                "-sjp",
                "-p",
                "-n",
                "-r",
                "-rs",
                "-rn",
                "-z",
                "-s Ip* Tcp?nSegs",
                "IpIn*",
                "--ignore --zeros --noupdate",
                "--json --pretty --nooutput",
                "-h",
                "--help",
                "-V",
                "-v",
                "--version -t0",
                "-t 0",
                "-t x",
                "-t 5x",
                "-d 0",
                "-d",
                "--i",
                "--no",
                "-Q",
                "--bogus",
                "--json=1",
            ] {
                remember(&pair, HISTORY);
                for _ in 0..2 {
                    compare(&pair, &words(line));
                }
                pair.remember(|path| {
                    let _ = fs::remove_file(path);
                    Ok(())
                })
                .expect("it is ours");
                for _ in 0..2 {
                    compare(&pair, &words(line));
                }
            }
        });
    }

    #[test]
    fn a_counter_below_its_memory_is_an_overflow() {
        sandbox::run(|| {
            let pair = pair();
            remember(&pair, HISTORY);
            let call = words("-sz TcpActiveOpens");
            compare(&pair, &call);
            let ours = pair.run(Program::Ours, &call).expect("it runs");
            assert!(ours.stdout.ends_with(b"   0.0 (overflow)\n"), "{ours:?}");
        });
    }

    #[test]
    fn a_memory_that_is_not_to_be_trusted_is_refused() {
        sandbox::run(|| {
            let pair = pair();
            let made: [(&str, Make); 5] = [
                ("Too many levels of symbolic links", |path| {
                    symlink("/etc/hostname", path).expect("it is free");
                }),
                ("so wrong with history file", |path| {
                    fs::write(path, HISTORY).expect("it is free");
                    fs::hard_link(path, path.with_extension("2")).expect("it is free");
                }),
                ("so wrong with history file", |path| {
                    fs::write(path, HISTORY).expect("it is free");
                    chown(path, Some(65_534), None).expect("we are root");
                }),
                ("Is a directory", |path| {
                    fs::create_dir(path).expect("it is free");
                }),
                ("nstat.c:146: error parsing history file", |path| {
                    fs::write(path, "#kernel\nIpInReceives\n").expect("it is free");
                }),
            ];
            for (complaint, make) in made {
                for line in ["", "-a", "-s", "-as", "-r"] {
                    let tables: Vec<_> = ["snmp", "snmp6", "netstat"]
                        .map(|file| {
                            let path = pair.tables().join(file);
                            (path.clone(), fs::read(path).expect("we wrote it"))
                        })
                        .into();
                    pair.clear().expect("it is ours");
                    for (path, text) in tables {
                        fs::write(path, text).expect("it is ours");
                    }
                    pair.remember(|path| {
                        make(path);
                        Ok(())
                    })
                    .expect("it is ours");
                    let said = compare(&pair, &words(line));
                    let is_refused = !matches!(line, "-as" | "-r") || said.contains("directory");
                    let expects = is_refused && line != "-as";
                    assert_eq!(said.contains(complaint), expects, "{line}: {said}");
                }
            }
        });
    }

    #[test]
    fn a_memory_from_before_the_boot_is_emptied() {
        sandbox::run(|| {
            let pair = pair();
            for line in ["", "-s", "-a", "-a NoSuch"] {
                pair.remember(|path| {
                    fs::write(path, HISTORY)?;
                    let age = Duration::from_hours(40 * 365 * 24);
                    fs::File::options()
                        .write(true)
                        .open(path)?
                        .set_modified(SystemTime::now() - age)
                })
                .expect("it is ours");
                let call = words(line);
                match pair.compare(&call).expect("both run") {
                    Some(Ok(())) => {}
                    other => panic!("{line}: {other:?}"),
                }
            }
        });
    }

    #[test]
    fn a_memory_of_another_source_is_stale() {
        sandbox::run(|| {
            let pair = pair();
            remember(
                &pair,
                "#1234.5 sampling_interval=1 time_const=60\nIpForwarding 1\n",
            );
            assert_eq!(compare(&pair, &words("-s")), "", "nothing to be stale");
            remember(
                &pair,
                "#1234.5 sampling_interval=1 time_const=60\nIpInReceives 1\n",
            );
            let call = words("-s");
            assert_eq!(
                compare(&pair, &call),
                "nstat: history is stale, ignoring it.\n"
            );
        });
    }

    #[test]
    fn json_may_have_whole_values() {
        sandbox::run(|| {
            let pair = pair();
            fs::write(pair.tables().join("snmp6"), "A 4294967301\n").expect("it is ours");
            compare(&pair, &words("-asj A"));
            let ours = pair
                .run(Program::Ours, &words("-as --json64 A"))
                .expect("it runs");
            assert_eq!(ours.stdout, b"{\"kernel\":{\"A\":4294967301}}\n");
            let abbreviated = pair.run(Program::Ours, &words("--json6")).expect("it runs");
            assert_eq!(
                abbreviated.end,
                End::Status(255),
                "ours must be spelled out"
            );
        });
    }

    #[test]
    fn output_that_cannot_be_written_is_a_failure() {
        sandbox::run(|| {
            let pair = pair();
            let ours = pair
                .run(Program::Ours, &Call::shell("nstat -as >/dev/full"))
                .expect("it runs");
            assert_eq!(ours.end, End::Status(1));
            assert_eq!(
                ours.stderr,
                b"nstat: write standard output: No space left on device\n"
            );
        });
    }
}
