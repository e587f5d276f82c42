//! Running one program at a time, announced, timed, and with a failure that says what it was.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The exit status for something the machine or the command line lacks.
const LACKING: u8 = 2;

/// Why a development command stopped, and with which exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened, for standard error; empty if that was said already.
    pub text: String,
    /// 1: a check failed. 2: the machine or the command line lacks something. `vm` ends with the
    /// status of its command.
    pub status: u8,
}

impl Failure {
    /// A check that failed.
    pub(crate) fn check(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: 1,
        }
    }

    /// Something the machine lacks, with the command that would add it.
    pub(crate) fn lacking(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: LACKING,
        }
    }

    /// Says whether the machine lacks something, as opposed to a check that failed.
    pub(crate) fn is_lacking(&self) -> bool {
        self.status == LACKING
    }

    /// The same, as something that is lacking: what the network did not give, say.
    pub(crate) fn into_lacking(self) -> Self {
        Self::lacking(self.text)
    }

    /// A command that ran somewhere else and ended so; it has said itself what there was to say.
    pub(crate) fn silent(status: u8) -> Self {
        Self {
            text: String::new(),
            status,
        }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::lacking(text)
    }
}

/// The cargo that runs us, so that `cargo +TOOLCHAIN xtask` stays with its toolchain. It also finds
/// the commands that were built into [`tools`].
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    with_tools(command.current_dir(root()));
    command
}

/// Lets a command find the programs in [`tools`], after everything the machine has.
pub(crate) fn with_tools(command: &mut Command) -> &mut Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([tools().join("bin")]);
    match std::env::join_paths(folders) {
        Ok(path) => command.env("PATH", path),
        Err(_) => command,
    }
}

/// Where development programs are built that the machine does not have.
pub(crate) fn tools() -> std::path::PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(target).join("tools")
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static std::path::Path {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder cargo builds into, which a user may have moved.
pub(crate) fn target_folder() -> Result<std::path::PathBuf, Failure> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let json: serde_json::Value = serde_json::from_slice(&output(&mut metadata)?)
        .map_err(|error| Failure::check(format!("cannot read cargo metadata: {error}")))?;
    let folder = json["target_directory"].as_str();
    folder
        .map(Into::into)
        .ok_or_else(|| Failure::check("cargo metadata names no target folder"))
}

/// Writes the command as one would type it.
pub(crate) fn typed(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        text.push(' ');
        let argument = argument.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            text.push_str(&argument);
        } else {
            let _ = write!(text, "'{argument}'");
        }
    }
    text
}

/// Runs one announced step; its output goes where ours goes.
pub(crate) fn step(command: &mut Command) -> Result<(), Failure> {
    let text = typed(command);
    eprintln!("==> {text}");
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::lacking(format!("cannot start `{text}`: {error}")))?;
    let seconds = start.elapsed().as_secs_f64();
    if status.success() {
        eprintln!("    ok, {seconds:.1} s");
        Ok(())
    } else {
        Err(Failure::check(format!(
            "`{text}` failed after {seconds:.1} s: {status}"
        )))
    }
}

/// Runs a command and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let text = typed(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::lacking(format!("cannot start `{text}`: {error}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::check(format!(
            "`{text}` failed: {}",
            output.status
        )))
    }
}
