//! From a verb's rows to standard output, in whichever form was asked for.
//!
//! The envelope of JSON is the same for every verb: `schema`, `time`, `host`, the rows under the verb's
//! own name for them, further members, `complete`, `reasons`. In tables what could not be observed is
//! said on standard error, a line for each reason.

use plumb_present::json;
use plumb_present::json::document::Document;
use plumb_present::report::table::{self, Style};
use plumb_present::report::{self, Column, csv};
use plumb_present::sanitize;
use serde::Serialize;

use super::form::{Form, FormArguments};
use super::{screen, status};
use crate::output::Output;

/// Rows that are text at a time.
const PIECE_ROWS: usize = 256;

/// What a verb has to say: rows, what accompanies them, and what could not be observed.
pub struct Report<'a, R> {
    /// The verb, as `ls`.
    pub verb: &'static str,
    /// The schema of its JSON, as `plumb.ls/1`.
    pub schema: &'static str,
    /// The key of the rows in JSON, as `sockets`.
    pub array: &'static str,
    /// The columns of its table.
    pub columns: &'a [Column<R>],
    /// The words of `-c`; empty for the usual ones.
    pub chosen: &'a [String],
    /// The rows, in their order.
    pub rows: &'a [R],
    /// Members of the envelope beside the rows, already serialised.
    pub members: Vec<(&'static str, serde_json::Value)>,
    /// Lines below the table, for people alone.
    pub footer: Vec<String>,
    /// Why the answer is not complete; empty when it is.
    pub reasons: Vec<String>,
}

impl<R: Serialize> Report<'_, R> {
    /// Writes it; gives the exit status: [`status::FINE`], or [`status::USAGE`] for a column that is none.
    pub fn write(self, arguments: &FormArguments, out: &mut Output) -> u8 {
        let form = arguments.form();
        let style = screen::style(form, arguments.color);
        if self.chosen.iter().any(|word| word == "help") {
            self.write_help(out);
            return status::FINE;
        }
        let columns = match self.columns(form) {
            Ok(columns) => columns,
            Err(word) => {
                let known: Vec<&str> = self.columns.iter().map(|column| column.key).collect();
                let text = format!("no column {word}; there are {}", known.join(", "));
                return status::complain(self.verb, &text, status::USAGE);
            }
        };
        match form {
            Form::Table | Form::Wide => {
                self.write_table(&columns, style, !arguments.no_header, out);
            }
            Form::Csv => {
                if !arguments.no_header {
                    out.raw(|out| csv::write_head(out, &columns));
                }
                for row in self.rows {
                    out.raw(|out| csv::write_row(out, &columns, row));
                }
                self.say_reasons(style, out);
            }
            Form::Json | Form::Ndjson => self.write_json(form, out),
        }
        status::told(self.verb, out)
    }

    fn columns(&self, form: Form) -> Result<Vec<&Column<R>>, String> {
        if self.chosen.is_empty() {
            return Ok(report::usual(self.columns, form != Form::Table));
        }
        report::choose(self.columns, self.chosen.iter().map(String::as_str)).map_err(str::to_owned)
    }

    /// Says what each column is, for `-c help`.
    fn write_help(&self, out: &mut Output) {
        let widest = self.columns.iter().map(|column| column.key.len()).max();
        let width = widest.unwrap_or(0);
        for column in self.columns {
            let line = format!("{:width$}  {}", column.key, column.about);
            out.raw(|out| {
                out.extend_from_slice(line.trim_end().as_bytes());
                out.push(b'\n');
            });
        }
        out.flush();
    }

    fn write_table(&self, columns: &[&Column<R>], style: Style, head: bool, out: &mut Output) {
        let (rows, hidden) = self.rows_with_room(out);
        let fit = table::measure(columns, rows, style);
        if head {
            out.raw(|out| table::write_head(out, columns, &fit, style));
        }
        for piece in rows.chunks(PIECE_ROWS) {
            out.raw(|out| table::write_more(out, columns, piece, &fit, style));
        }
        let more = (hidden > 0).then(|| format!("... and {hidden} more"));
        for line in more.iter().chain(&self.footer) {
            // A command is there to be copied, and stands whole.
            let line = if line.starts_with("  ") && out.screen_lines().is_none() {
                line.as_str().into()
            } else {
                table::cut_line(line, style)
            };
            out.raw(|out| {
                out.extend_from_slice(line.as_bytes());
                out.push(b'\n');
            });
        }
        self.say_reasons(style, out);
    }

    /// Gives the rows that a screen of limited height has room for, and how many it has not.
    fn rows_with_room(&self, out: &Output) -> (&[R], usize) {
        let Some(lines) = out.screen_lines() else {
            return (self.rows, 0);
        };
        // Beside them stand the head, a line that counts the others, and what is below the table.
        let room = lines.saturating_sub(2 + self.footer.len() + self.reasons.len());
        let rows = self.rows.get(..room).unwrap_or(self.rows);
        (rows, self.rows.len() - rows.len())
    }

    fn say_reasons(&self, style: Style, out: &mut Output) {
        out.flush();
        for reason in &self.reasons {
            // Names of namespaces and the like are outside text, and a terminal may read this.
            let reason = sanitize::for_terminal(reason.as_bytes());
            let line = format!("plumb {}: {}", self.verb, String::from_utf8_lossy(&reason));
            // On a screen that is drawn it is a line like others, and may not wrap.
            let line = match out.screen_lines() {
                Some(_) => table::cut_line(&line, style),
                None => line.as_str().into(),
            };
            out.complain(format!("{line}\n").as_bytes());
        }
    }

    fn write_json(&self, form: Form, out: &mut Output) {
        let mut document = envelope(self.schema, form, out);
        out.raw(|out| document.declare(out, self.array));
        for row in self.rows {
            out.raw(|out| document.push(out, self.array, row));
        }
        for (name, member) in &self.members {
            document.member(name, member);
        }
        for reason in &self.reasons {
            document.incomplete(reason.clone());
        }
        out.raw(|out| document.finish(out));
    }
}

/// Begins the document of a verb: schema, time, host.
pub fn envelope(schema: &str, form: Form, out: &mut Output) -> Document {
    let time = jiff::Timestamp::now().to_string();
    let system = rustix::system::uname();
    let host = json::text(system.nodename().to_bytes());
    let mut document = None;
    out.raw(|out| {
        document = Some(if form == Form::Ndjson {
            Document::begin_lines(schema, &time, &host)
        } else {
            Document::begin(out, schema, &time, &host)
        });
    });
    document.unwrap_or_default()
}
