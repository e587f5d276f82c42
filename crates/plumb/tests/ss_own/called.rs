//! One call of plumb's ss, and what came of it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use plumb_testkit::ss::dump::{Row, dump};
use plumb_testkit::temp::TempDir;

/// What came of a call.
pub struct Told {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub status: i32,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code().expect("it was not killed"),
        }
    }
}

/// Prepares a call under the name of the original.
pub fn ss() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.arg0("ss").env_remove("PLUMB_SS_COMPAT");
    command
}

/// Prepares a call as a verb of plumb.
pub fn plumb_ss() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.arg("ss").env_remove("PLUMB_SS_COMPAT");
    command
}

/// Runs a call.
pub fn run(command: &mut Command) -> Told {
    command.output().expect("the program starts").into()
}

/// Runs `ss` with the words of a line, reading a dump of `rows`.
pub fn listing_of(rows: &[Row], line: &str) -> Told {
    let dir = TempDir::new("own").expect("there is a temporary directory");
    let file = write_dump(dir.path(), rows);
    run(ss().args(line.split_whitespace()).env("TCPDIAG_FILE", file))
}

/// Writes a dump of `rows`; gives its path.
pub fn write_dump(dir: &Path, rows: &[Row]) -> std::path::PathBuf {
    let file = dir.join("dump");
    std::fs::write(&file, dump(rows)).expect("the folder is ours");
    file
}
