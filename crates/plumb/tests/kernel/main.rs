//! What depends on the kernel: the order of listeners, and the tables of families few machines have.
//!
//! The tests run on any kernel and compare what it has. `cargo xtask vm smoke` runs this program in
//! guests with other kernels and names the families they must have in `PLUMB_NEED_FAMILIES`, so
//! that a family that was left out there is a failure. `PLUMB_UNDER_TEST` is another program to test.

mod bpf;
mod recorder;
mod vrf;

use std::path::PathBuf;

use plumb_testkit::differential::{Call, Lab, Rule, Source, Tool};
use plumb_testkit::sockets::{Held, families};

/// Names the families without which a test must fail, between blanks.
const NEEDED: &str = "PLUMB_NEED_FAMILIES";

/// Puts the original and ours side by side.
fn lab(tool: Tool, source: Source) -> Lab {
    let program = std::env::var_os("PLUMB_UNDER_TEST")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_plumb")), PathBuf::from);
    let mut lab = Lab::of(tool, &program).expect("a sandbox can hold both programs");
    lab.source = source;
    lab.situation = kernel();
    lab
}

fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc is mounted");
    format!("Linux {}", release.trim())
}

/// Compares command lines, and fails with everything that differed.
fn compare(lab: &Lab, lines: &[&str]) {
    let mut differing = Vec::new();
    for line in lines {
        let call = Call::words(line.split_whitespace());
        if let Err(difference) = lab.compare(&call, &Rule::Exact) {
            println!("{difference}");
            differing.push(difference.summary());
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {} command lines differ:\n{}",
        differing.len(),
        lines.len(),
        differing.join("\n")
    );
}

/// Makes sockets of the rarer families, and says which this kernel does not have.
fn rare_sockets() -> Held {
    let needed = std::env::var(NEEDED).unwrap_or_default();
    let mut held = Held::new();
    for (family, sockets) in families::every_family() {
        match sockets {
            Ok(sockets) => held.extend(sockets),
            Err(error) => {
                assert!(
                    !needed.split_whitespace().any(|name| name == family),
                    "{} must have {family} sockets: {error}",
                    kernel()
                );
                println!(
                    "not compared, {} has no {family} sockets: {error}",
                    kernel()
                );
            }
        }
    }
    held
}

mod needs_root {
    use plumb_testkit::differential::{Source, Tool};
    use plumb_testkit::sandbox;
    use plumb_testkit::sockets::{self, listeners};

    use super::{compare, lab, rare_sockets};

    /// Listings of netstat in which the order of listeners shows.
    const NETSTAT_LISTENERS: &[&str] = &["-tan", "-tanp", "-plantu", "-tln", "-tlnp", "-lnee"];

    /// Listings of netstat with every state and kind.
    const NETSTAT: &[&str] = &[
        "-an", "-anop", "-anee", "-plantu", "-wan", "-xap", "-Uan", "-San",
    ];

    /// Listings of ss of Internet and UNIX sockets. None shows a timer: it ticks, and with the
    /// length of its text the widths of columns change.
    const SS: &[&str] = &[
        "",
        "-a",
        "-an",
        "-tanp",
        "-tanm",
        "-tlne",
        "-tlnio",
        "-tanO",
        "-plantu",
        "-uanpem",
        "-wanpem",
        "-xapem",
        "-tan state time-wait",
        "-tan sport = :20000",
        "-tan sport > :20000 and not dst 127.0.0.1",
        "-wan src 127.0.0.1",
    ];

    /// Listings of ss of the rarer families.
    const SS_RARE: &[&str] = &[
        "-San",
        "-Slnp",
        "-Sanem",
        "-dan",
        "-danpem",
        "-Man",
        "-Manpe",
        "--vsock -an",
        "--vsock -lnpe",
        "--tipc -an",
        "--tipc -anpem",
        "--xdp -an",
        "--xdp -anpem",
        "-0anpem",
        "-f netlink -anpem",
        "-A all -an",
    ];

    /// Tables of nstat: which counters there are, and in which order, is the kernel's choice.
    const NSTAT: &[&str] = &["-asz", "-asjz", "-as", "-asz Tcp*", "-asz Udp*6* Ip6*"];

    fn listeners_from(source: Source) {
        let held = listeners::many().expect("the ports are free in here");
        compare(&lab(Tool::NETSTAT, source), NETSTAT_LISTENERS);
        drop(held);
    }

    #[test]
    fn netstat_lists_many_listeners_in_the_order_of_proc() {
        sandbox::run(|| listeners_from(Source::Own));
    }

    #[test]
    fn netstat_lists_many_listeners_in_the_order_of_proc_from_proc() {
        sandbox::run(|| listeners_from(Source::Proc));
    }

    #[test]
    fn netstat_lists_many_listeners_in_the_order_of_proc_from_netlink() {
        sandbox::run(|| listeners_from(Source::Netlink));
    }

    #[test]
    fn netstat_lists_sockets_of_every_kind() {
        sandbox::run(|| {
            let mut held = sockets::every_kind(&std::env::temp_dir()).expect("all come about");
            held.extend(rare_sockets());
            compare(&lab(Tool::NETSTAT, Source::Own), NETSTAT);
            drop(held);
        });
    }

    #[test]
    fn ss_lists_sockets_of_every_kind() {
        sandbox::run(|| {
            let mut held = sockets::every_kind(&std::env::temp_dir()).expect("all come about");
            held.extend(listeners::many().expect("the ports are free in here"));
            compare(&lab(Tool::SS, Source::Own), SS);
            drop(held);
        });
    }

    #[test]
    fn ss_lists_sockets_of_the_rarer_families() {
        sandbox::run(|| {
            let held = rare_sockets();
            compare(&lab(Tool::SS, Source::Own), SS_RARE);
            drop(held);
        });
    }

    #[test]
    fn nstat_shows_every_counter() {
        sandbox::run(|| {
            let held = rare_sockets();
            compare(&lab(Tool::NSTAT, Source::Own), NSTAT);
            drop(held);
        });
    }
}
