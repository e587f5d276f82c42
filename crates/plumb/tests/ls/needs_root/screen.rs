//! A watched table on a terminal: drawn over itself, within its size, without flicker.

use plumb_testkit::sandbox;
use plumb_testkit::terminal::Terminal;

use super::rows::Sockets;
use crate::called::command;

const ROWS: u16 = 8;
const COLUMNS: u16 = 50;

/// Starts `plumb ls` on a new terminal.
fn on_terminal(words: &[&str]) -> Terminal {
    let mut command = command();
    command.args(words).env("TERM", "xterm");
    Terminal::start(&mut command, ROWS, COLUMNS).expect("there are terminals")
}

#[test]
fn each_round_is_drawn_over_the_last_within_the_screen() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let mut terminal = on_terminal(&["-a", "--watch", "20ms", "--color", "never"]);
        let ends = |seen: &[u8]| seen.windows(3).filter(|bytes| bytes == b"\x1b[J").count();
        assert!(terminal.read_until(|seen| ends(seen) >= 3));
        let text = String::from_utf8_lossy(&terminal.seen);
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
        let mut terminal = on_terminal(&["-t", "--color", "never"]);
        terminal.read_until(|_| false);
        let text = String::from_utf8_lossy(&terminal.seen);
        assert!(text.contains("4 sockets: 4 tcp; "), "{text}");
    });
}
