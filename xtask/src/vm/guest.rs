//! What host and guest say to each other: the command that is to run, and how it ended.
//!
//! Pure text. The guest's side is `init.sh`, which is read and run by the guest's shell.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// The first process of every guest.
pub(crate) const INIT: &str = include_str!("init.sh");

/// Writes a command line for the guest's shell: one word is a line of shell, several are a program
/// and its arguments, which arrive as they are.
pub(crate) fn command_line(words: &[OsString]) -> Vec<u8> {
    let mut line = Vec::new();
    if let [line_of_shell] = words {
        line.extend_from_slice(line_of_shell.as_bytes());
    } else {
        line.extend_from_slice(b"exec");
        for word in words {
            line.push(b' ');
            line.extend(quoted(word.as_bytes()));
        }
    }
    line.push(b'\n');
    line
}

/// Quotes a word so that a shell reads exactly these bytes.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut text = vec![b'\''];
    for &byte in word {
        match byte {
            b'\'' => text.extend_from_slice(b"'\\''"),
            _ => text.push(byte),
        }
    }
    text.push(b'\'');
    text
}

/// How far a guest came, by what it wrote to its status port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The command was not started.
    Booting,
    /// The command was started and has not ended.
    Running,
    /// The command ended with this status.
    Ended(u8),
}

impl Progress {
    /// Decodes what the guest wrote.
    pub(crate) fn decode(text: &str) -> Self {
        let mut progress = Self::Booting;
        for line in text.lines() {
            match line.split_once(' ') {
                None if line == "started" => progress = Self::Running,
                Some(("status", number)) => {
                    if let Ok(status) = number.parse() {
                        progress = Self::Ended(status);
                    }
                }
                _ => {}
            }
        }
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> String {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        String::from_utf8(command_line(&words)).expect("it went in as text")
    }

    #[test]
    fn several_words_arrive_as_they_are_and_one_is_a_line_of_shell() {
        assert_eq!(line(&["ss -tan | wc -l"]), "ss -tan | wc -l\n");
        let words = ["ss", "-tan", "sport = :22", "it's $HOME", ""];
        assert_eq!(
            line(&words),
            "exec 'ss' '-tan' 'sport = :22' 'it'\\''s $HOME' ''\n"
        );
    }

    #[test]
    fn a_real_shell_reads_back_what_was_quoted() {
        let words = ["printf", "%s|", "a b", "'", "\\'\"$(x)`y`\n*", ""];
        let output = std::process::Command::new("sh")
            .args(["-c", &line(&words)])
            .output()
            .expect("there is a shell");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text, "a b|'|\\'\"$(x)`y`\n*||");
    }

    #[test]
    fn progress_is_what_was_written_last_and_whole() {
        assert_eq!(Progress::decode(""), Progress::Booting);
        assert_eq!(Progress::decode("started\n"), Progress::Running);
        assert_eq!(
            Progress::decode("started\nstatus 137\n"),
            Progress::Ended(137)
        );
        assert_eq!(Progress::decode("started\nstatus "), Progress::Running);
    }
}
