//! The command lines of the plan, one test for each state (one process each under nextest).

mod needs_root {
    use plumb_testkit::differential::Source;
    use plumb_testkit::{live, sandbox, sockets, states};

    use crate::bench::{Findings, lab};

    /// Every mode, for states that are not about one mode: missing files, damaged rows.
    const EVERY_MODE: &[&str] = &[
        "-a",
        "-anoep",
        "-plantu",
        "-x",
        "-xlp",
        "-Sa",
        "-San",
        "-g",
        "-gn",
        "-4gn",
        "-s",
        "-s6",
        "-st",
        "-su",
        "-s6u",
        "-r",
        "-rn",
        "-re",
        "-ree",
        "-rCn",
        "-rCeen",
        "-6r",
        "-6rn",
        "-6rCn",
        "-i",
        "-ia",
        "-ie",
        "-M",
        "-Men",
        "--ipx",
        "--ipx -e",
        "-r --ipx",
        "-r --ax25",
        "-r --netrom",
        "-r --x25",
        "-r --rose",
        "-r --ddp",
    ];

    fn frozen(letter: char) {
        frozen_with(letter, &[]);
    }

    fn frozen_with(letter: char, more: &[&str]) {
        let mut findings = Findings::default();
        findings.compare_frozen(letter, more);
        findings.report();
    }

    fn live(letter: char, source: Source) {
        let mut lab = lab();
        lab.situation = format!("{letter} live");
        lab.source = source;
        let mut findings = Findings::default();
        findings.compare_lines(&lab, letter);
        findings.report();
    }

    #[test]
    fn empty_namespace() {
        sandbox::run_with_loopback_down(|| live('E', Source::Own));
    }

    #[test]
    fn loopback_up() {
        sandbox::run(|| live('L', Source::Own));
    }

    #[test]
    fn real_sockets() {
        sandbox::run(|| real_sockets_from(Source::Own));
    }

    #[test]
    fn real_sockets_from_proc() {
        sandbox::run(|| real_sockets_from(Source::Proc));
    }

    #[test]
    fn real_sockets_from_netlink() {
        sandbox::run(|| real_sockets_from(Source::Netlink));
    }

    fn real_sockets_from(source: Source) {
        let held = sockets::every_kind(&std::env::temp_dir()).expect("every state comes about");
        live('F', source);
        drop(held);
    }

    #[test]
    fn frozen_sockets() {
        sandbox::run(|| frozen('K'));
    }

    #[test]
    fn frozen_sockets_with_names() {
        sandbox::run(|| frozen('N'));
    }

    #[test]
    fn a_million_frozen_sockets() {
        sandbox::run(|| {
            let state = states::a_million_sockets().expect("the sandbox has room");
            let mut lab = lab();
            let _proc = lab.freeze(&state.name, &state.tree).expect("/proc is ours");
            let mut findings = Findings::default();
            findings.compare_lines(&lab, 'H');
            findings.report();
        });
    }

    #[test]
    fn processes() {
        sandbox::run(|| {
            let running = live::start_processes().expect("sleep can be started");
            live('P', Source::Own);
            drop(running);
        });
    }

    #[test]
    fn frozen_processes() {
        sandbox::run(|| frozen('P'));
    }

    #[test]
    fn routes() {
        sandbox::run(|| {
            live::make_routes().expect("the kernel takes these routes");
            live('R', Source::Own);
        });
    }

    #[test]
    fn frozen_routes() {
        sandbox::run(|| frozen('R'));
    }

    #[test]
    fn interfaces() {
        sandbox::run(|| {
            let lacking = live::make_interfaces().expect("the kernel makes these interfaces");
            for command in lacking {
                println!("not compared: this kernel refuses `ip {command}`");
            }
            live('I', Source::Own);
        });
    }

    #[test]
    fn frozen_interfaces() {
        sandbox::run(|| frozen('I'));
    }

    #[test]
    fn groups() {
        sandbox::run(|| {
            let members = live::join_groups().expect("loopback is up");
            live('G', Source::Own);
            drop(members);
        });
    }

    #[test]
    fn frozen_groups() {
        sandbox::run(|| frozen('G'));
    }

    #[test]
    fn frozen_counters() {
        sandbox::run(|| frozen('S'));
    }

    #[test]
    fn frozen_tables_of_rare_kernels() {
        sandbox::run(|| frozen('X'));
    }

    #[test]
    fn missing_files() {
        sandbox::run(|| frozen_with('M', EVERY_MODE));
    }

    #[test]
    fn damaged_rows() {
        sandbox::run(|| frozen_with('B', EVERY_MODE));
    }
}
