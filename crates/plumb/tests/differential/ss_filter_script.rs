//! iproute2's own tests of ss's filters, run unchanged against ours.
//!
//! They are GPL and not in this repository. `PLUMB_IPROUTE2_TESTS` names a checked-out `testsuite`
//! directory of iproute2 (the one that holds `tests/ss/ssfilter.t`); without it `cargo xtask test`
//! lists this test as not run.

mod needs_iproute2_tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use plumb_testkit::temp::TempDir;

    use crate::bench::program;

    /// How many checks the script has, and what it says of each that passes.
    const CHECKS: usize = 12;
    const PASSED: &str = "[SUCCESS]";

    fn testsuite() -> PathBuf {
        let name = std::env::var_os("PLUMB_IPROUTE2_TESTS")
            .expect("PLUMB_IPROUTE2_TESTS names a testsuite directory of iproute2");
        let directory = PathBuf::from(name);
        let script = directory.join("tests/ss/ssfilter.t");
        assert!(script.is_file(), "{} is missing", script.display());
        directory
    }

    /// Runs the script; gives what it said and whether it left a list of errors.
    fn run_script(ss: &Path) -> (String, bool) {
        let scratch = TempDir::new("ssfilter").expect("the temporary directory is writable");
        let errors = scratch.path().join("errors");
        let output = Command::new("sh")
            .arg("tests/ss/ssfilter.t")
            .current_dir(testsuite())
            .env("SS", ss)
            .env("STD_OUT", scratch.path().join("stdout"))
            .env("STD_ERR", scratch.path().join("stderr"))
            .env("ERRF", &errors)
            .output()
            .expect("sh can be started");
        let said = [output.stdout, output.stderr].concat();
        (String::from_utf8_lossy(&said).into_owned(), errors.exists())
    }

    #[test]
    fn every_check_passes() {
        let dir = TempDir::new("ss").expect("the temporary directory is writable");
        let ss = dir.path().join("ss");
        fs::copy(program(), &ss).expect("the program under test can be copied");
        let (said, has_errors) = run_script(&ss);
        assert!(!has_errors, "{said}");
        assert_eq!(said.matches(PASSED).count(), CHECKS, "{said}");
    }

    #[test]
    fn a_program_that_says_nothing_fails_them() {
        let (said, has_errors) = run_script(Path::new("/bin/true"));
        assert!(has_errors && !said.contains(PASSED), "{said}");
    }
}
