//! Random runs. `cargo xtask fuzz-nstat` runs more of them.

mod needs_root {
    use plumb_testkit::fuzz::Plan;
    use plumb_testkit::{nstat, sandbox};

    use crate::program;

    /// How many cases each test runs, of one to four runs each; the tests run beside each other.
    const CASES: u64 = 750;
    /// How many failing cases are shown in full.
    const SHOWN: usize = 8;

    fn cases_from(seed: u64) {
        let plan = Plan {
            cases: CASES,
            seed,
            first_failure_only: false,
            keep: None,
        };
        let report = nstat::fuzz::run(&program(), &plan).expect("the sandbox has room");
        for failure in report.failures.iter().take(SHOWN) {
            println!("seed {}\n{}", failure.seed, failure.difference);
        }
        assert!(
            report.failures.is_empty(),
            "{} of {} cases differ; again alone: cargo xtask fuzz-nstat --cases 1 --seed SEED",
            report.failures.len(),
            report.cases
        );
        let compared = report.cases - report.skipped;
        assert!(compared > CASES * 9 / 10, "only {compared} cases compared");
    }

    #[test]
    fn first_half() {
        sandbox::run(|| cases_from(1));
    }

    #[test]
    fn second_half() {
        sandbox::run(|| cases_from(1 + CASES));
    }
}
