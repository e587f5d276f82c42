//! Answers of sock_diag that were made up, for the families whose sockets cannot all be had here:
//! unix, packet, netlink, vsock, TIPC and XDP.

mod needs_root {
    use plumb_testkit::differential::{Lab, Rule, Tool};
    use plumb_testkit::random::Random;
    use plumb_testkit::sandbox;
    use plumb_testkit::ss::answers::Answers;
    use plumb_testkit::ss::answers::rows::{TABLES, answer};
    use plumb_testkit::ss::dump::{error, message};

    use crate::bench::{Findings, program};

    /// How many answers each family gives.
    const ROUNDS: u64 = 6;
    /// Most rows of an answer.
    const ROWS: usize = 40;

    /// Options that rows look at.
    const OPTIONS: [&str; 14] = [
        "",
        "-a",
        "-l",
        "-an",
        "-aeO",
        "-ae",
        "-am",
        "-ab",
        "-anempbO --tipcinfo",
        "-ap --tipcinfo",
        "-Ha state listening",
        "-a sport = :7",
        "-a not dport > :1",
        "-a autobound",
    ];

    fn compare(table: &str) {
        let (table, row) = TABLES
            .iter()
            .find(|(name, _)| *name == table)
            .expect("a table with answers");
        let answers = Answers::new().expect("cc builds the shim");
        let mut lab = Lab::of(Tool::SS, &program()).expect("a sandbox can hold both programs");
        let mut findings = Findings::default();
        let family = if *table == "packet" { "link" } else { table };
        for seed in 0..ROUNDS {
            let bytes = answer(&mut Random::new(seed), *row, ROWS);
            answers.set(table, &bytes).expect("the sandbox has room");
            lab.situation = format!("{table} answer {seed}");
            for options in OPTIONS {
                let words = ["-f", family].into_iter().chain(options.split_whitespace());
                findings.note(lab.compare(&answers.call(words), &Rule::Exact));
            }
        }
        findings.report();
    }

    #[test]
    fn unix() {
        sandbox::run(|| compare("unix"));
    }

    #[test]
    fn packet() {
        sandbox::run(|| compare("packet"));
    }

    #[test]
    fn netlink() {
        sandbox::run(|| compare("netlink"));
    }

    #[test]
    fn vsock() {
        sandbox::run(|| compare("vsock"));
    }

    #[test]
    fn tipc() {
        sandbox::run(|| compare("tipc"));
    }

    #[test]
    fn xdp() {
        sandbox::run(|| compare("xdp"));
    }

    /// The original reads no further, so it does not hear of the error.
    #[test]
    fn a_packet_socket_without_memory_ends_the_dump() {
        sandbox::run(|| {
            const BY_FAMILY: u16 = 20;
            let answers = Answers::new().expect("cc builds the shim");
            let mut socket = vec![17, 3];
            socket.resize(16, 0);
            let bytes = [message(BY_FAMILY, &socket), error(13)].concat();
            answers.set("packet", &bytes).expect("the sandbox has room");
            let lab = Lab::of(Tool::SS, &program()).expect("a sandbox can hold both programs");
            let mut findings = Findings::default();
            findings.note(lab.compare(&answers.call(["-0a"]), &Rule::Exact));
            findings.report();
        });
    }
}
