//! Which columns a listing has, and how wide the screen is.

use plumb_present::ss::layout::{Alignment, COLUMNS, Column, Layout};

use super::options::{Form, Options};

/// Derives the layout of the table from the request and the terminal.
pub fn of(options: &Options) -> Layout {
    let release = options.view.release;
    let mut enabled = [true; COLUMNS];
    let mut disable = |column: Column| enabled[column as usize] = false;
    if options.selection.tables.is_single() {
        disable(Column::Netid);
    }
    if options.selection.states.is_single() {
        disable(Column::State);
    }
    if !options.queues {
        disable(Column::RecvQ);
        disable(Column::SendQ);
    }
    // In 6.7 everything else was in that column, too, and lost with it.
    if release.since(6, 7) && !options.view.owners {
        disable(Column::Process);
    }
    let alignment = match screen(options) {
        _ if options.form == Form::Stream => Alignment::Stream,
        Some(columns) => Alignment::Screen(columns),
        None => Alignment::Compact,
    };
    Layout {
        enabled,
        alignment,
        release,
    }
}

/// Columns of the terminal; `None` when there is none, or none that tells.
fn screen(options: &Options) -> Option<usize> {
    let stdout = rustix::stdio::stdout();
    if rustix::termios::isatty(stdout) {
        let columns = rustix::termios::tcgetwinsize(stdout).map_or(0, |size| size.ws_col);
        if columns > 0 {
            return Some(usize::from(columns));
        }
    }
    if !options.view.release.since(6, 11) {
        return None;
    }
    let columns: usize = std::env::var("COLUMNS").ok()?.parse().ok()?;
    (columns > 0).then_some(columns)
}
