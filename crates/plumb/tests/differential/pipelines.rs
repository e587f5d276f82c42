//! What tutorials pipe netstat into, run by a shell with `netstat` in its `PATH`.

mod needs_root {
    use plumb_testkit::differential::{Call, Rule};
    use plumb_testkit::{sandbox, sockets};

    use crate::bench::{Findings, lab};

    /// Scripts whose output must be the same byte for byte, whichever netstat they find.
    const SCRIPTS: &[&str] = &[
        "netstat -an | grep CLOSE_WAIT",
        "netstat -an | grep -c LISTEN",
        "netstat -nat | sort -nk 4 | tail",
        "netstat -nat | awk '{print $6}' | sort | uniq -c | sort -rn",
        "netstat -s | egrep \"segments|retrans\"",
        "netstat -s | grep SYN; echo $?",
        "netstat -nat | grep RESET; echo $?",
        "netstat -tulpn | wc -l",
        "netstat -plantu 2>/dev/null | grep ':7001 '",
        "f=$(mktemp) && netstat -i >> $f && netstat -nr >> $f; netstat -nap >> $f; cat $f; rm $f",
        "netstat -m 2>/dev/null >/dev/null; netstat -i -r 2>/dev/null; echo $?",
        "netstat -c -i | head -n 4",
        "{ netstat -c -i; echo $? >&2; } | head -n 4",
        "netstat -r; echo $?",
        "netstat -ant -A bogus; echo $?",
        "netstat -an | head -n 1",
    ];

    #[test]
    fn tutorials() {
        sandbox::run(|| {
            let held = sockets::every_kind(&std::env::temp_dir()).expect("every state comes about");
            let lab = lab();
            let mut findings = Findings::default();
            for script in SCRIPTS {
                findings.note(lab.compare(&Call::shell(script), &Rule::Exact));
            }
            findings.report();
            drop(held);
        });
    }

    #[test]
    fn a_full_device_is_not_passed_over_in_silence() {
        sandbox::run(|| {
            let lab = lab();
            let mut findings = Findings::default();
            for script in ["netstat -i > /dev/full", "netstat -s > /dev/full"] {
                findings.note(lab.compare(&Call::shell(script), &Rule::WriteFailure));
            }
            findings.report();
        });
    }
}
