//! Counters for people who want to know more: a block of lines for each, broken to the terminal.

use plumb_analyze::counters::Concerns;
use plumb_present::report::table::{Style, write_toned};
use plumb_present::report::{Tone, wrap};
use plumb_present::sanitize;

use super::row::Row;
use super::span::Span;
use super::{Arguments, VERB};
use crate::output::Output;
use crate::verbs::{screen, status};

/// Columns of a line where nothing limits it: longer ones are hard to read.
const USUAL_WIDTH: usize = 100;
/// Width of the words in front.
const LABEL: usize = 10;

/// Writes the rows as blocks; gives the exit status.
pub fn write(
    arguments: &Arguments,
    rows: &[Row],
    span: Span,
    reasons: &[String],
    out: &mut Output,
) -> u8 {
    let style = screen::style(arguments.form.form(), arguments.form.color);
    for row in rows {
        out.raw(|out| write_row(out, row, style));
    }
    let footer = span.footer(arguments.all_netns, rows);
    let footer = if rows.is_empty() {
        format!("Nothing to worry about. {footer}")
    } else {
        footer
    };
    out.raw(|out| {
        for line in wrap::lines(&footer, width(style)) {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
    });
    out.flush();
    for reason in reasons {
        let reason = sanitize::for_terminal(reason.as_bytes());
        out.complain(&[b"plumb ", VERB.as_bytes(), b": ", &reason, b"\n"].concat());
    }
    status::told(VERB, out)
}

fn width(style: Style) -> usize {
    style.width.unwrap_or(USUAL_WIDTH).min(USUAL_WIDTH)
}

fn write_row(out: &mut Vec<u8>, row: &Row, style: Style) {
    write_toned(out, &harmless(row.full_name()), Tone::Strong, style);
    if let Some(netns) = &row.netns {
        let place = format!(" in {}", harmless(netns));
        out.extend_from_slice(place.as_bytes());
    }
    let (word, tone) = row.verdict();
    out.extend_from_slice(b"  ");
    out.extend_from_slice(row.numbers().as_bytes());
    if row.worrying || tone == Tone::Good {
        out.extend_from_slice(b"  ");
        write_toned(out, word, tone, style);
    }
    out.push(b'\n');
    let Some(entry) = row.explanation() else {
        write_part(
            out,
            "means",
            "No explanation of it here: this kernel is younger.",
            style,
        );
        write_part(out, "read from", row.source(), style);
        out.push(b'\n');
        return;
    };
    if let Some(share) = row.share() {
        write_part(out, "share", &share, style);
    }
    if row.whole_host {
        write_part(
            out,
            "of",
            "the whole host, not of this network namespace alone",
            style,
        );
    }
    write_part(out, "means", entry.meaning, style);
    write_part(out, "bad", entry.when, style);
    write_part(out, "try", entry.hint, style);
    let counted = format!("{} (read from {})", entry.place, row.source());
    write_part(out, "counted in", &counted, style);
    for (place, socket) in row.sockets.iter().enumerate() {
        let label = if place == 0 { "sockets" } else { "" };
        write_part(out, label, &harmless(&socket.text()), style);
    }
    if row.more_sockets > 0 {
        write_part(out, "", &format!("and {} more", row.more_sockets), style);
    } else if row.sockets.is_empty() && entry.concerns != Concerns::Unknown {
        write_part(out, "sockets", "none shows a trace of it now", style);
    }
    out.push(b'\n');
}

fn write_part(out: &mut Vec<u8>, label: &str, text: &str, style: Style) {
    let room = width(style).saturating_sub(LABEL + 4);
    for (place, line) in wrap::lines(text, room).iter().enumerate() {
        let label = if place == 0 { label } else { "" };
        write_toned(out, &format!("  {label:<LABEL$}"), Tone::Dim, style);
        out.extend_from_slice(b"  ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
}

/// Names of interfaces and processes are outside text.
fn harmless(text: &str) -> String {
    String::from_utf8_lossy(&sanitize::for_terminal(text.as_bytes())).into_owned()
}
