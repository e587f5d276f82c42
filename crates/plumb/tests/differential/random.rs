//! Random command lines over random kernel states. `cargo xtask fuzz-netstat` runs more of them.

mod needs_root {
    use plumb_testkit::fuzz::{self, Plan};
    use plumb_testkit::sandbox;

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
        let report = fuzz::run(&program(), &plan).expect("the sandbox has room");
        report_cases(&report, "fuzz-netstat");
    }

    #[test]
    fn first_thousand() {
        sandbox::run(|| cases_from(1));
    }

    #[test]
    fn second_thousand() {
        sandbox::run(|| cases_from(1 + CASES));
    }
}
