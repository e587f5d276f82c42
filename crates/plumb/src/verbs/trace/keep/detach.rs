//! `--detach`: starts the recorder again without the terminal, and waits until it serves.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plumb_collect::creation::Client;

use super::super::super::status;

/// How long a recorder may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks whether it has begun.
const LOOK: Duration = Duration::from_millis(20);

/// Starts it; gives the exit status, which is its own if it does not begin.
pub fn start() -> u8 {
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| {
        if word == "--detach" {
            "--detached".into()
        } else {
            word
        }
    });
    let started = Command::new("/proc/self/exe")
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let text = format!("cannot start the recorder: {error}");
            return status::complain(super::super::VERB, &text, status::BLIND);
        }
    };
    let end = Instant::now() + PATIENCE;
    loop {
        // It has said why.
        if let Ok(Some(ended)) = child.try_wait() {
            let code = ended.code().and_then(|code| u8::try_from(code).ok());
            return code.unwrap_or(status::BLIND);
        }
        if Client::connect().is_ok_and(|client| client.recorder.pid == child.id()) {
            return status::FINE;
        }
        if Instant::now() > end {
            let text = "the recorder does not begin to serve";
            return status::complain(super::super::VERB, text, status::BLIND);
        }
        std::thread::sleep(LOOK);
    }
}

/// Lets go of the terminal and the folder it was started in.
pub fn let_go() {
    let _ = rustix::process::setsid();
    let _ = rustix::process::chdir("/");
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}
