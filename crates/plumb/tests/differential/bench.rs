//! What the tests of this binary share: the program under test, and a list of differences.

use std::path::PathBuf;

use plumb_testkit::command_lines::{COMMAND_LINES, CommandLine};
use plumb_testkit::deviations::{self, Check};
use plumb_testkit::differential::{Call, Difference, Lab, Rule, Source};
use plumb_testkit::fuzz::Report;

/// How many differences a failing test shows in full.
const SHOWN: usize = 8;

/// Gives the program under test.
pub fn program() -> PathBuf {
    std::env::var_os("PLUMB_UNDER_TEST")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_plumb")), PathBuf::from)
}

/// Installs both programs in the sandbox.
pub fn lab() -> Lab {
    Lab::new(&program()).expect("a sandbox can hold both programs")
}

/// Fails the test if random cases differed, or if too few left something to compare.
pub fn report_cases(report: &Report, fuzzer: &str) {
    for failure in report.failures.iter().take(SHOWN) {
        println!("seed {}\n{}", failure.seed, failure.difference);
    }
    for failure in &report.failures {
        println!("DIFFERS {}", failure.difference.summary());
    }
    assert!(
        report.failures.is_empty(),
        "{} of {} cases differ; again alone: cargo xtask {fuzzer} --cases 1 --seed SEED",
        report.failures.len(),
        report.cases
    );
    let compared = report.cases - report.skipped;
    assert!(
        compared > report.cases * 9 / 10,
        "only {compared} cases compared"
    );
}

/// The differences found so far.
#[derive(Default)]
pub struct Findings {
    compared: usize,
    differences: Vec<Difference>,
}

impl Findings {
    /// Compares every command line of a letter in the state the lab shows.
    pub fn compare_lines(&mut self, lab: &Lab, letter: char) {
        for line in COMMAND_LINES.iter().filter(|line| line.is_for(letter)) {
            self.compare_line(lab, line);
        }
    }

    /// Compares one command line, or what its deviation leaves of it.
    pub fn compare_line(&mut self, lab: &Lab, line: &CommandLine) {
        let result = match deviations::of(line) {
            None => lab.compare(&line.call(), &line.rule()),
            Some((_, Check::By(rule))) => lab.compare(&line.call(), &rule),
            Some((_, Check::AsIf(words))) => {
                lab.compare_calls(&line.call_with(words), &line.call(), &line.rule())
            }
        };
        self.note(result);
    }

    /// Compares every command line of a letter, and some more, in each of its frozen states.
    pub fn compare_frozen(&mut self, letter: char, more: &[&str]) {
        let mut lab = lab();
        let states = plumb_testkit::states::of(letter).expect("the sandbox has room");
        for state in &states {
            lab.set_etc(&state.etc).expect("/etc is ours");
            let proc = lab.freeze(&state.name, &state.tree).expect("/proc is ours");
            self.compare_lines(&lab, letter);
            for words in more {
                let call = Call::words(words.split_whitespace());
                self.note(lab.compare(&call, &Rule::Exact));
            }
            if let Some(diag) = &state.diag {
                lab.source = Source::FrozenNetlink(diag.path().to_owned());
                self.compare_lines(&lab, letter);
            }
            drop(proc);
        }
    }

    /// Notes the result of one comparison.
    pub fn note(&mut self, result: Result<(), Box<Difference>>) {
        self.compared += 1;
        if let Err(difference) = result {
            self.differences.push(*difference);
        }
    }

    /// Fails the test if anything differed, naming everything and showing the first few.
    pub fn report(self) {
        assert!(self.compared > 0, "nothing was compared");
        println!("{} comparisons", self.compared);
        if self.differences.is_empty() {
            return;
        }
        for difference in self.differences.iter().take(SHOWN) {
            println!("{difference}");
        }
        for difference in &self.differences {
            println!("DIFFERS {}", difference.summary());
        }
        panic!("{} of {} differ", self.differences.len(), self.compared);
    }
}
