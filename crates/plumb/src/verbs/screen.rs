//! What the terminal is like: asked once, at the edge, and handed down as values.

use std::env;

use plumb_present::report::table::Style;
use plumb_present::report::wrap;
use plumb_present::sanitize;

use super::form::{Color, Form};

/// Columns taken where a terminal does not say how many it has.
const USUAL_COLUMNS: usize = 80;

/// Gives the style of a table on standard output.
pub fn style(form: Form, color: Color) -> Style {
    let terminal = rustix::termios::isatty(rustix::stdio::stdout());
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && may_color(),
    };
    Style {
        width: (form == Form::Table && (terminal || columns_variable().is_some())).then(columns),
        terminal,
        color,
    }
}

/// Breaks sentences that stand below a table into lines that fit; what a line begins with in blanks, those that
/// continue it begin with and two more.
pub fn wrapped(sentences: Vec<String>, form: Form, color: Color) -> Vec<String> {
    let style = style(form, color);
    // Names of processes and interfaces stand in them, and those may hold anything.
    let harmless = |sentence: String| {
        let text = sanitize::for_terminal(sentence.as_bytes());
        String::from_utf8_lossy(&text).into_owned()
    };
    let sentences = if style.terminal {
        sentences.into_iter().map(harmless).collect()
    } else {
        sentences
    };
    let Some(width) = style.width else {
        return sentences;
    };
    let mut lines = Vec::new();
    for sentence in sentences {
        let text = sentence.trim_start();
        let blanks = sentence.len() - text.len();
        if text.is_empty() {
            lines.push(String::new());
            continue;
        }
        let room = width.saturating_sub(blanks + 2).max(1);
        for (number, piece) in wrap::lines(text, room).into_iter().enumerate() {
            let indent = if number == 0 { blanks } else { blanks + 2 };
            lines.push(format!("{:indent$}{piece}", ""));
        }
    }
    lines
}

/// Says whether the environment lets a terminal be coloured (<https://no-color.org>).
fn may_color() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Gives the columns of the terminal; `COLUMNS` wins, as elsewhere.
fn columns() -> usize {
    let asked = || {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
    };
    columns_variable().or_else(asked).unwrap_or(USUAL_COLUMNS)
}

/// Lines taken where a terminal does not say how many it has.
const USUAL_LINES: usize = 24;

/// Gives the lines of the terminal.
pub fn lines() -> usize {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok();
    let lines = size.map(|size| usize::from(size.ws_row));
    lines.filter(|&lines| lines > 0).unwrap_or(USUAL_LINES)
}

fn columns_variable() -> Option<usize> {
    let value = env::var("COLUMNS").ok()?;
    value.parse().ok().filter(|&columns| columns > 0)
}
