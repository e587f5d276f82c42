//! Random command lines for ss over random dumps, trees and terminals. `cargo xtask fuzz-ss` runs
//! more of them.

mod needs_root {
    use plumb_testkit::fuzz::Plan;
    use plumb_testkit::{sandbox, ss};

    use crate::bench::{program, report_cases};

    /// How many cases each test runs; the tests run beside each other.
    const CASES: u64 = 1_000;

    fn cases_from(seed: u64) {
        let plan = Plan {
            cases: CASES,
            seed,
            first_failure_only: false,
            keep: None,
        };
        let report = ss::fuzz::run(&program(), &plan).expect("the sandbox has room");
        report_cases(&report, "fuzz-ss");
    }

    /// How many cases run among real sockets.
    const LIVE_CASES: u64 = 300;

    #[test]
    fn among_real_sockets() {
        sandbox::run(|| {
            let plan = Plan {
                cases: LIVE_CASES,
                seed: 1,
                first_failure_only: false,
                keep: None,
            };
            let report = ss::fuzz::live::run(&program(), &plan).expect("the sandbox allows it");
            let lines = report.failures.iter().map(|failure| &failure.difference);
            lines
                .clone()
                .for_each(|difference| println!("{difference}"));
            assert_eq!(lines.len(), 0, "of {} cases", report.cases);
            assert!(
                report.skipped < LIVE_CASES / 2,
                "{} skipped",
                report.skipped
            );
        });
    }

    #[test]
    fn first_thousand() {
        sandbox::run(|| cases_from(1));
    }

    #[test]
    fn second_thousand() {
        sandbox::run(|| cases_from(1 + CASES));
    }

    #[test]
    fn third_thousand() {
        sandbox::run(|| cases_from(1 + 2 * CASES));
    }

    #[test]
    fn fourth_thousand() {
        sandbox::run(|| cases_from(1 + 3 * CASES));
    }

    #[test]
    fn fifth_thousand() {
        sandbox::run(|| cases_from(1 + 4 * CASES));
    }
}
