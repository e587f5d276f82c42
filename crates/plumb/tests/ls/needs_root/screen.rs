//! A watched table on a terminal: drawn over itself, within its size, without flicker.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Child;

use plumb_testkit::sandbox;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::rows::Sockets;
use crate::called::command;

const ROWS: u16 = 8;
const COLUMNS: u16 = 50;

/// Starts `plumb ls` on a new terminal; gives it and the terminal's other end.
fn on_terminal(words: &[&str]) -> (Child, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&ours).expect("it is ours");
    unlockpt(&ours).expect("it is ours");
    let size = Winsize {
        ws_row: ROWS,
        ws_col: COLUMNS,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&ours, size).expect("it is a terminal");
    let name = ptsname(&ours, Vec::new()).expect("it has a name");
    let name = name.to_str().expect("it is text");
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(name)
        .expect("it is unlocked");
    let child = command()
        .args(words)
        .env("TERM", "xterm")
        .stdout(OwnedFd::from(theirs))
        .spawn()
        .expect("the program starts");
    (child, File::from(ours))
}

/// Reads until `done` says so, at most a megabyte.
fn read_until(terminal: &mut File, done: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    while !done(&seen) && seen.len() < 1 << 20 {
        // The other end is gone: nothing more comes.
        let Ok(got) = terminal.read(&mut piece) else {
            break;
        };
        seen.extend_from_slice(&piece[..got]);
    }
    seen
}

#[test]
fn each_round_is_drawn_over_the_last_within_the_screen() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let (mut child, mut terminal) = on_terminal(&["-a", "--watch", "20ms", "--color", "never"]);
        let ends = |seen: &[u8]| seen.windows(3).filter(|bytes| bytes == b"\x1b[J").count();
        let seen = read_until(&mut terminal, |seen| ends(seen) >= 3);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        let text = String::from_utf8_lossy(&seen);
        assert_eq!(
            text.matches("\x1b[2J").count(),
            1,
            "cleared once, before the first"
        );
        let frames: Vec<&str> = text.split("\x1b[H").skip(1).take(3).collect();
        assert_eq!(frames.len(), 3);
        for frame in frames {
            let frame = frame.split("\x1b[J").next().expect("it was drawn");
            let lines: Vec<String> = frame
                .split("\r\n")
                .map(|line| line.replace("\x1b[K", ""))
                .collect();
            assert!(lines.len() <= usize::from(ROWS), "{lines:?}");
            assert!(
                lines
                    .iter()
                    .all(|line| line.chars().count() <= usize::from(COLUMNS)),
                "{lines:?}"
            );
            assert!(
                lines.iter().any(|line| line.starts_with("... and ")),
                "{lines:?}"
            );
        }
    });
}

#[test]
fn a_terminal_gets_the_totals_and_no_wider_lines() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let (mut child, mut terminal) = on_terminal(&["-t", "--color", "never"]);
        let seen = read_until(&mut terminal, |_| false);
        child.wait().expect("it ends");
        let text = String::from_utf8_lossy(&seen);
        assert!(text.contains("4 sockets: 4 tcp; "), "{text}");
    });
}
