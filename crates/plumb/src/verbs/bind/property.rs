//! The proof of the rules: random sockets, random binds, what the rules say beside what the kernel says.
//!
//! `PLUMB_BIND_CASES` and `PLUMB_BIND_SEED` ask for more or others; `cargo xtask test --full` runs 10 000.

mod needs_root {
    use std::net::SocketAddr;
    use std::os::fd::OwnedFd;

    use plumb_analyze::bind::{Answer, Attempt, Protocol, Rule, decide};
    use plumb_model::{Known, Uid};
    use plumb_testkit::binds::{self, Bound};
    use plumb_testkit::random::Random;
    use plumb_testkit::sandbox;

    use crate::verbs::bind::{read, trial};

    /// How many binds the usual run compares.
    const CASES: usize = 2_000;
    /// Ports are given up after so many binds, because TIME_WAIT stays on them.
    const CASES_PER_PORTS: usize = 25;
    /// Sockets that live at the same time, at most.
    const MOST_SOCKETS: usize = 7;
    /// Of a hundred answers at most so many may hang on what cannot be seen.
    const MOST_UNSURE: usize = 20;

    fn number(variable: &str, usual: usize) -> usize {
        let text = std::env::var(variable).unwrap_or_default();
        text.parse().unwrap_or(usual)
    }

    fn attempt(bound: &Bound) -> Attempt {
        Attempt {
            protocol: if bound.stream {
                Protocol::Tcp
            } else {
                Protocol::Udp
            },
            ip: bound.ip,
            scope_id: bound.scope_id,
            port: bound.port,
            reuse_addr: bound.reuse_addr,
            reuse_port: bound.reuse_port,
            v6only: bound.v6only,
            device: bound.device,
            uid: Uid(bound.uid),
            privileged: Known::Known(bound.uid == 0),
        }
    }

    /// What was compared.
    #[derive(Debug, Default)]
    struct Tally {
        yes: usize,
        no: usize,
        shared: usize,
        unsure: usize,
        wrong: Vec<String>,
    }

    fn compare(bound: &Bound, tally: &mut Tally) {
        let attempt = attempt(bound);
        let ports = plumb_collect::port_settings::read_port_settings();
        let mut reasons = Vec::new();
        let settings = read::address_settings(&ports, &mut reasons);
        let sockets = read::sockets(attempt.protocol, attempt.port);
        let rivals = sockets.rivals(attempt.port);
        let decision = decide(&attempt, &settings, &rivals);
        let tried = trial::run(&attempt, Uid(0)).expect("root may become any user");
        assert_eq!(reasons, Vec::<String>::new());
        let said = tried.map_err(trial::name);
        let expected = decision.rule.error().map(|error| error.name().to_owned());
        let right = match decision.answer {
            Answer::Yes => said.is_ok(),
            Answer::No => said.as_ref().err() == expected.as_ref(),
            Answer::Unsure => true,
        };
        match (decision.answer, decision.rule) {
            (Answer::Yes, Rule::Free) => tally.yes += 1,
            (Answer::Yes, _) => tally.shared += 1,
            (Answer::No, _) => tally.no += 1,
            (Answer::Unsure, _) => tally.unsure += 1,
        }
        if !right {
            tally.wrong.push(format!(
                "{bound:?}\n  rules: {decision:?}\n  kernel: {said:?}\n  rivals: {rivals:#?}"
            ));
        }
    }

    /// Sets what the whole namespace says about addresses and ports.
    fn set_rules(random: &mut Random, first: u16) {
        let above = u16::saturating_add(first, 1).to_string();
        let reserved = first.to_string();
        let yes_or_no = ["0", "0", "0", "1"];
        for (name, value) in [
            ("ipv4/ip_nonlocal_bind", *random.pick(&yes_or_no)),
            ("ipv6/ip_nonlocal_bind", *random.pick(&yes_or_no)),
            ("ipv4/ip_autobind_reuse", *random.pick(&yes_or_no)),
            ("ipv6/bindv6only", *random.pick(&yes_or_no)),
            ("ipv4/tcp_tw_reuse", *random.pick(&["0", "1", "2"])),
            (
                "ipv4/ip_unprivileged_port_start",
                *random.pick(&["1024", "1024", "0", &above]),
            ),
            (
                "ipv4/ip_local_reserved_ports",
                *random.pick(&["", &reserved]),
            ),
        ] {
            std::fs::write(format!("/proc/sys/net/{name}"), format!("{value}\n"))
                .expect("root sets what the namespace does");
        }
    }

    fn run_cases(cases: usize, seed: usize) -> Tally {
        let mut random = Random::new(u64::try_from(seed).unwrap_or(0));
        let device = binds::make_device().expect("root makes devices");
        let vrf = binds::make_vrf().expect("root makes devices");
        if vrf.is_none() {
            println!("not compared: this kernel has no VRFs");
        }
        let mut tally = Tally::default();
        let mut held: Vec<Vec<OwnedFd>> = Vec::new();
        let mut ports = [0; 2];
        for case in 0..cases {
            if case % CASES_PER_PORTS == 0 {
                held.clear();
                let first = u16::try_from(2_000 + 3 * (case / CASES_PER_PORTS)).unwrap_or(2_000);
                // One of them is privileged in every tenth round.
                let low = u16::try_from(1 + case / CASES_PER_PORTS % 1_000).unwrap_or(1);
                ports = [if random.chance(10) { low } else { first }, first + 1];
                set_rules(&mut random, first);
            }
            if held.len() >= MOST_SOCKETS || (!held.is_empty() && random.chance(25)) {
                held.swap_remove(random.below(held.len()));
            }
            if vrf.is_some() && case % CASES_PER_PORTS == 0 {
                let accept = if random.chance(40) { "1" } else { "0" };
                std::fs::write("/proc/sys/net/ipv4/tcp_l3mdev_accept", accept)
                    .expect("root sets what the namespace does");
            }
            for _ in 0..random.between(0, 2) {
                let mut bound = binds::random_bound(&mut random, &ports, device, vrf);
                bound.free = random.chance(20);
                if let Ok(socket) = binds::bind(&bound) {
                    held.push(binds::lead_on(&mut random, &bound, socket));
                }
            }
            if random.chance(10) {
                held.push(binds::connection_from(&mut random, &ports));
            }
            compare(
                &binds::random_bound(&mut random, &ports, device, vrf),
                &mut tally,
            );
        }
        tally
    }

    #[test]
    fn the_rules_say_what_the_kernel_says() {
        sandbox::run(|| {
            let cases = number("PLUMB_BIND_CASES", CASES);
            let tally = run_cases(cases, number("PLUMB_BIND_SEED", 1));
            println!(
                "{cases} binds: {} free, {} shared, {} refused, {} not to be told, {} wrong",
                tally.yes,
                tally.shared,
                tally.no,
                tally.unsure,
                tally.wrong.len()
            );
            let first: Vec<&String> = tally.wrong.iter().take(3).collect();
            assert!(tally.wrong.is_empty(), "{first:#?}");
            assert!(tally.unsure * 100 <= cases * MOST_UNSURE, "{tally:?}");
            for count in [tally.yes, tally.shared, tally.no] {
                assert!(count * 25 > cases, "a one-sided test: {tally:?}");
            }
        });
    }

    /// The kernel takes what it remembers of the IPv4 socket for the IPv6 one of all addresses, and lets it in
    /// beside a listener it would refuse for.
    #[test]
    fn a_port_that_remembers_ipv4_lets_ipv6_in_and_nobody_claims_to_know() {
        sandbox::run(|| {
            let bound = |ip: &str, reuse_port| Bound {
                stream: true,
                ip: ip.parse().expect("an address"),
                scope_id: 0,
                port: 7,
                reuse_addr: false,
                reuse_port,
                v6only: false,
                device: 0,
                free: false,
                uid: 0,
            };
            let mut held = Vec::new();
            for (ip, reuse_port) in [("::1", false), ("0.0.0.0", true)] {
                let socket = binds::bind(&bound(ip, reuse_port)).expect("nobody has it here");
                rustix::net::listen(&socket, 1).expect("it is bound");
                held.push(socket);
            }
            let mut tally = Tally::default();
            compare(&bound("::", true), &mut tally);
            compare(&bound("::", false), &mut tally);
            assert_eq!((tally.unsure, tally.no), (1, 1), "{tally:?}");
            assert_eq!(tally.wrong, Vec::<String>::new());
        });
    }

    #[test]
    fn the_socket_of_a_taken_address_is_named() {
        sandbox::run(|| {
            let address = SocketAddr::from(([127, 0, 0, 1], 7));
            let listener = std::net::TcpListener::bind(address).expect("nobody has it here");
            let sockets = read::sockets(Protocol::Tcp, 7);
            let rivals = sockets.rivals(7);
            drop(listener);
            assert_eq!(rivals.len(), 1);
            assert_eq!(rivals[0].reuse_addr, Known::Known(true));
            assert_eq!(rivals[0].reuse_port, Known::Known(false));
        });
    }
}
