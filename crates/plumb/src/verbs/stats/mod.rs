//! `plumb stats`: the kernel's counters as totals, deltas and rates, each with what it means, whether that
//! is bad, and which sockets may be concerned.
//!
//! Without an interval one reading is shown, with totals since the machine started; with one, what
//! happened between two.

mod block;
mod question;
mod row;
mod select;
mod sockets;

use std::time::{Duration, Instant};

use clap::Args;
use plumb_analyze::counters::{self as meanings, Period, questions};
use plumb_collect::counters;
use plumb_model::Known;
use plumb_model::counters::Counters;
use plumb_present::report::wrap;
use serde_json::json;

use self::row::Row;
use self::select::Selection;
use super::form::{Form, FormArguments};
use super::report::Report;
use super::{place, screen, status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "stats";
/// The schema of its JSON.
const SCHEMA: &str = "plumb.stats/1";
/// The columns shown where nothing is sampled: a delta would be the total again.
const UNSAMPLED: [&str; 5] = ["counter", "value", "rate", "verdict", "meaning"];

/// What `plumb stats` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Which counters: names, groups or patterns, as TcpExt.ListenOverflows, udp, 'TCP*Drop', softnet.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Explains a counter in full: what it counts, where, when it is bad, what to try, which sockets.
    #[arg(long, value_name = "NAME")]
    explain: Vec<String>,
    /// Only what should worry.
    #[arg(long)]
    bad: bool,
    /// Also counters that are 0, settings, and every interface and protocol.
    #[arg(long)]
    all: bool,
    /// Says in words what happens to SYNs.
    #[arg(long, conflicts_with_all = ["names", "explain", "bad", "retrans"])]
    syn: bool,
    /// Says in words how much is sent again, and why.
    #[arg(long, conflicts_with_all = ["names", "explain", "bad"])]
    retrans: bool,
    /// Again and again, what happened in each interval (500ms, 1s, 1m).
    #[arg(long, visible_alias = "watch", value_name = "INTERVAL", value_parser = watch::interval)]
    every: Option<Duration>,
    /// What happens in so much time from now; with --every, how long to go on.
    #[arg(long = "for", value_name = "TIME", value_parser = watch::interval)]
    span: Option<Duration>,
    /// The counters of another network namespace: its name, a pid in it, net:[INODE] or a path.
    #[arg(short = 'n', long, value_name = "NETNS")]
    netns: Option<String>,
    /// Shows these columns, in this order.
    #[arg(short = 'c', long, value_delimiter = ',', value_name = "COLUMN")]
    columns: Vec<String>,
    #[command(flatten)]
    form: FormArguments,
}

const EXAMPLES: &str = "\
EXAMPLES
  plumb stats                        everything that was counted since the machine started
  plumb stats --bad                  what of it should worry, why, and what to try
  plumb stats --bad --for 10s        what goes wrong now
  plumb stats --every 1s 'Tcp*'      what TCP does, second by second
  plumb stats --explain ListenOverflows
  plumb stats --syn                  how many SYNs were sent, answered, dropped
  plumb stats --retrans --for 5s     how much is sent again, now and since the machine started
  plumb stats softnet udp -o json";

/// Shows counters; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    if let Err(status) = place::enter(VERB, arguments.netns.as_deref()) {
        return status;
    }
    let mut out = Output::stdout();
    if arguments.syn {
        return question::answer(arguments, "syn", questions::SYN, &mut out);
    }
    if arguments.retrans {
        return question::answer(arguments, "retrans", questions::RETRANS, &mut out);
    }
    let first = counters::read();
    if first.readings.is_empty() {
        return status::complain(VERB, "no counter can be read", status::BLIND);
    }
    let selection = match select::selection(arguments, &first) {
        Ok(selection) => selection,
        Err(text) => return status::complain(VERB, &text, status::NO),
    };
    match (arguments.every, arguments.span) {
        (None, None) => show(arguments, &selection, None, &first, &mut out),
        (None, Some(span)) => {
            std::thread::sleep(span);
            show(
                arguments,
                &selection,
                Some(&first),
                &counters::read(),
                &mut out,
            )
        }
        (Some(interval), span) => repeat(arguments, &selection, (interval, span), first, &mut out),
    }
}

fn repeat(
    arguments: &Arguments,
    selection: &Selection,
    (interval, span): (Duration, Option<Duration>),
    mut before: Counters,
    out: &mut Output,
) -> u8 {
    let start = Instant::now();
    std::thread::sleep(interval);
    let mut last = status::FINE;
    let draw = out.is_terminal() && matches!(arguments.form.form(), Form::Table | Form::Wide);
    watch::repeat(interval, draw, out, |out| {
        let after = counters::read();
        last = show(arguments, selection, Some(&before), &after, out);
        before = after;
        last == status::FINE && span.is_none_or(|span| start.elapsed() + interval / 2 < span)
    });
    last
}

/// Shows what happened between two readings, or until one.
fn show(
    arguments: &Arguments,
    selection: &Selection,
    before: Option<&Counters>,
    after: &Counters,
    out: &mut Output,
) -> u8 {
    let (period, span) = match before {
        None => (Period::until(after), Span::Whole(counters::age_s())),
        Some(before) => {
            let seconds = after.seconds_since(before);
            (Period::between(before, after), Span::Between(seconds))
        }
    };
    let mut rows: Vec<Row> = after
        .readings
        .iter()
        .filter_map(|reading| selection.row(reading, &period, span))
        .collect();
    let mut reasons: Vec<String> = after.gaps.iter().map(|gap| gap.what.clone()).collect();
    if selection.wants_sockets() {
        sockets::attach(&mut rows, selection.is_explaining(), &mut reasons);
    }
    let is_table = arguments.form.form() == Form::Table;
    if is_table && arguments.columns.is_empty() && selection.wants_sockets() {
        return block::write(arguments, &rows, span, &reasons, out);
    }
    let usual: Vec<String> = UNSAMPLED.map(str::to_owned).to_vec();
    let unsampled = is_table && before.is_none() && arguments.columns.is_empty();
    Report {
        verb: VERB,
        schema: SCHEMA,
        array: "counters",
        columns: &row::COLUMNS,
        chosen: if unsampled {
            &usual
        } else {
            &arguments.columns
        },
        rows: &rows,
        members: span.members(),
        footer: fitted(&span.footer(), arguments),
        reasons,
    }
    .write(&arguments.form, out)
}

/// Breaks a sentence below a table to the terminal.
fn fitted(text: &str, arguments: &Arguments) -> Vec<String> {
    let style = screen::style(arguments.form.form(), arguments.form.color);
    wrap::lines(text, style.width.unwrap_or(usize::MAX))
}

/// The time that numbers are about.
#[derive(Debug, Clone, Copy)]
pub enum Span {
    /// All the time before: seconds since the machine started, where the counters are as old as it.
    Whole(Known<f64>),
    /// The seconds between two readings.
    Between(f64),
}

impl Span {
    /// Gives the seconds, where they are known.
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::Whole(seconds) => seconds.ok(),
            Self::Between(seconds) => Some(seconds),
        }
        .filter(|seconds| *seconds > 0.0)
    }

    fn members(self) -> Vec<(&'static str, serde_json::Value)> {
        let since = match self {
            Self::Whole(Known::Known(_)) => "boot",
            Self::Whole(Known::Unknown(_)) => "namespace",
            Self::Between(_) => "sample",
        };
        vec![
            ("since", json!(since)),
            ("interval_s", json!(self.seconds())),
        ]
    }

    /// Says for people what the numbers are about.
    fn footer(self) -> String {
        let length = |seconds: f64| {
            let us = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let us = u64::try_from(us.as_micros()).unwrap_or(u64::MAX);
            plumb_present::report::value::duration_us(us)
        };
        match self {
            Self::Whole(Known::Known(seconds)) => format!(
                "Totals and rates since the machine started, {} ago; --for 1s shows what happens now.",
                length(seconds)
            ),
            Self::Whole(Known::Unknown(_)) => {
                "Totals since this network namespace was made, nobody knows when; --for 1s shows what \
                 happens now."
                    .to_owned()
            }
            Self::Between(seconds) => format!("What happened within {}.", length(seconds)),
        }
    }
}

/// Names all counters there are and all that are explained, for suggestions.
fn names(after: &Counters) -> Vec<String> {
    let known = meanings::all().map(|(group, entry)| format!("{group}.{}", entry.name));
    let read = after
        .readings
        .iter()
        .map(|reading| match &reading.instance {
            // All interfaces have the same counters.
            Some(_) => format!("{}.{}", reading.group, reading.name),
            None => reading.full_name(),
        });
    let mut names: Vec<String> = known.chain(read).collect();
    names.sort();
    names.dedup();
    names
}
