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
