//! A recorder in the background, and what `netstat --stack` and `ss --stack` are told by it.

mod datagrams;
mod ending;
mod hostile;
mod many;
mod served;
mod told;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use plumb_testkit::leaking::PROGRAMS;
use plumb_testkit::temp::TempDir;

use super::vanish::wait;

/// A group that nobody is in but who is put there.
const GROUP: u32 = 4242;
/// A user without anything.
const NOBODY: u32 = 65_534;

/// A place for a socket, and plumb that knows it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new("keep").expect("a folder can be made"),
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("recorder.sock")
    }

    fn plumb(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
        self.prepare(&mut command, words);
        command
    }

    /// The same as somebody else, in these groups.
    fn plumb_as_nobody(&self, groups: &str, words: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        let user = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
        let groups = format!("--groups={groups}");
        command
            .args(user)
            .args([&groups, "--", env!("CARGO_BIN_EXE_plumb")]);
        self.prepare(&mut command, words);
        command
    }

    fn prepare(&self, command: &mut Command, words: &[&str]) {
        command
            .args(words)
            .env("PLUMB_RECORDER", self.socket())
            .stdin(Stdio::null());
    }

    /// Starts a recorder, and waits until it says that it records.
    fn record(&self, words: &[&str]) -> Recorder {
        let mut child = self
            .plumb(&[&["trace", "--keep"], words].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("plumb runs");
        let said = child.stderr.take().expect("it is piped");
        let mut said = BufReader::new(said).lines().map_while(Result::ok);
        let begun = said.find(|line| line.contains("recording"));
        assert!(begun.is_some(), "it did not begin");
        Recorder(child)
    }
}

/// A recorder that is killed in the end.
struct Recorder(Child);

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that leaks, held open by its standard input.
struct Leaking {
    child: Child,
    input: Option<ChildStdin>,
    /// What it says later has somewhere to go.
    _said: BufReader<ChildStdout>,
}

impl Leaking {
    /// Starts it, and waits until it says `until`.
    fn start(name: &str, folder: &TempDir, words: [&str; 3], until: &str) -> Self {
        let program = PROGRAMS.iter().find(|program| program.name == name);
        let program = program.expect("it is in the table");
        let run = program
            .build(folder.path())
            .expect("this machine has the compilers");
        // As many descriptors as may be.
        let mut command = Command::new("sh");
        let raise = r#"ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#;
        command.args(["-c", raise]).arg(run.get_program());
        let mut child = command
            .args(run.get_args())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was built");
        let said = child.stdout.take().expect("it is piped");
        let mut said = BufReader::new(said);
        let mut lines = said.by_ref().lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line == until),
            "{name} did not say {until}"
        );
        let input = child.stdin.take();
        Self {
            child,
            input,
            _said: said,
        }
    }
}

impl Drop for Leaking {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(command: &mut Command) -> String {
    let Output {
        stdout,
        stderr,
        status,
    } = command.output().expect("it runs");
    let text = [stdout, stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(status.success(), "{status}: {text}");
    text
}

/// The lines below the first row with this text, up to the next row.
fn below(listing: &str, row: &str) -> Vec<String> {
    let lines = listing.lines().skip_while(|line| !line.contains(row));
    let below = lines
        .skip(1)
        .take_while(|line| line.starts_with("        "));
    below.map(|line| line.trim().to_owned()).collect()
}

/// Says whether the listener at port 5000 has the call below it that made it.
fn names_the_listener(listing: &str) -> bool {
    let lines = below(listing, "127.0.0.1:5000");
    lines
        .first()
        .is_some_and(|line| line.starts_with("listen() by "))
}
