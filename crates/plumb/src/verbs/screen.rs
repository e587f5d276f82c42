//! What the terminal is like: asked once, at the edge, and handed down as values.

use std::env;

use plumb_present::report::table::Style;

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
