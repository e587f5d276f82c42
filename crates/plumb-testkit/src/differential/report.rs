//! A difference, written so that one look tells what to mend.

use std::fmt;

use super::run::{Call, Outcome};
use super::stream::Stdout;

/// How many lines before and after the first differing one are shown.
const CONTEXT: usize = 2;
/// Longer lines are cut in reports.
const LINE_BYTES: usize = 400;

/// Two outcomes that should be the same and are not.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The state both programs saw.
    pub situation: String,
    /// What both were called as.
    pub name: &'static str,
    /// How both were called.
    pub call: Call,
    /// Which of stdout, stderr and status differs first.
    pub what: String,
    /// What the original left.
    pub original: Outcome,
    /// What ours left.
    pub ours: Outcome,
}

impl Difference {
    /// Gives one line: command, state, what differs.
    pub fn summary(&self) -> String {
        format!(
            "{} [{}]: {}",
            command(self.name, &self.call),
            self.situation,
            self.what
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "--- {}", self.summary())?;
        if self.original.end != self.ours.end {
            writeln!(
                f,
                "  end: original {:?}, ours {:?}",
                self.original.end, self.ours.end
            )?;
        }
        first_difference(f, "stdout", &self.original.stdout, &self.ours.stdout)?;
        first_difference(f, "stderr", &self.original.stderr, &self.ours.stderr)
    }
}

/// Writes the command as a shell would take it.
fn command(name: &str, call: &Call) -> String {
    let user = call.user.map(|user| format!("(uid {user})"));
    let environment = call
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={}", value.display()));
    let program = if call.shell { "sh -c" } else { name };
    let columns = match call.stdout {
        Stdout::File => None,
        Stdout::Terminal(columns) => Some(format!("(terminal of {columns} columns)")),
    };
    let parts: Vec<String> = user
        .into_iter()
        .chain(columns)
        .chain(environment)
        .chain([program.to_owned()])
        .chain(
            call.words
                .iter()
                .map(|word| quoted(word.as_encoded_bytes())),
        )
        .collect();
    parts.join(" ")
}

fn quoted(word: &[u8]) -> String {
    let word = word.escape_ascii().to_string();
    if word.is_empty() || word.contains([' ', '\'', '\\', '|', '>']) {
        format!("'{word}'")
    } else {
        word
    }
}

fn first_difference(
    f: &mut fmt::Formatter<'_>,
    stream: &str,
    original: &[u8],
    ours: &[u8],
) -> fmt::Result {
    if original == ours {
        return Ok(());
    }
    let split = |text: &[u8]| -> Vec<String> {
        text.split_inclusive(|&b| b == b'\n').map(escape).collect()
    };
    let (original, ours) = (split(original), split(ours));
    let same = original
        .iter()
        .zip(&ours)
        .take_while(|(a, b)| a == b)
        .count();
    writeln!(
        f,
        "  {stream}, line {} (original {} lines, ours {}):",
        same + 1,
        original.len(),
        ours.len()
    )?;
    for line in &original[same.saturating_sub(CONTEXT)..same] {
        writeln!(f, "     {line}")?;
    }
    for (sign, lines) in [('-', &original), ('+', &ours)] {
        for line in lines.iter().skip(same).take(CONTEXT) {
            writeln!(f, "   {sign} {line}")?;
        }
    }
    Ok(())
}

/// Makes every byte visible: blanks at the end and control bytes are what differences hide in.
fn escape(line: &[u8]) -> String {
    let is_cut = line.len() > LINE_BYTES;
    let shown = line[..line.len().min(LINE_BYTES)]
        .escape_ascii()
        .to_string();
    format!(
        "{}{}",
        shown.replace("\\n", "$"),
        if is_cut { "…" } else { "" }
    )
}

#[cfg(test)]
mod tests {
    use super::super::run::End;
    use super::*;

    #[test]
    fn a_report_shows_the_command_and_the_first_differing_line() {
        let outcome = |stdout: &str| Outcome {
            stdout: stdout.into(),
            stderr: Vec::new(),
            end: End::Status(0),
        };
        let difference = Difference {
            situation: "K (proc)".into(),
            name: "netstat",
            call: Call::words(["-an", ""]),
            what: "standard output".into(),
            original: outcome("head\nrow \n"),
            ours: outcome("head\nrow\n"),
        };
        assert_eq!(
            difference.to_string(),
            "--- netstat -an '' [K (proc)]: standard output\n  \
             stdout, line 2 (original 2 lines, ours 2):\n     head$\n   - row $\n   + row$\n"
        );
    }
}
