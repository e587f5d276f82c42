//! `plumb stats`: the kernel's counters as totals, deltas and rates, each with what it means, whether that
//! is bad, and which sockets may be concerned.
//!
//! Without an interval one reading is shown, with totals since the machine started; with one, what
//! happened between two.

mod block;
mod question;
mod read;
mod row;
mod select;
mod sockets;
mod span;

use std::time::{Duration, Instant};

use clap::Args;
use plumb_analyze::counters::{Period, questions};
use plumb_collect::sys::signal;
use plumb_present::report::wrap;

use self::read::{Namespace, Reading};
use self::row::Row;
use self::select::Selection;
use self::span::Span;
use super::form::{Form, FormArguments};
use super::report::Report;
use super::{place, screen, status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "stats";
/// The schema of its JSON.
const SCHEMA: &str = "plumb.stats/1";

/// What `plumb stats` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Which counters: names, groups, files or patterns, as TcpExt.ListenOverflows, udp, snmp6, 'TCP*Drop'. What is 0 is
    /// shown when it is named in full.
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
    /// In this network namespace: a name, a pid, net:[INODE] or a path.
    #[arg(short = 'N', long, value_name = "NETNS")]
    netns: Option<String>,
    /// The counters of every network namespace of this host.
    #[arg(long, conflicts_with = "netns")]
    all_netns: bool,
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
  plumb stats --all-netns --bad      what should worry, also in containers
  plumb stats --all-netns --syn      the same question for each container
  plumb stats softnet udp -o json

EXIT STATUS
  0 shown, whatever it says; 1 there is no such counter; 2 usage; 3 no counter could be read.";

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
    let first = read::read(arguments.all_netns);
    if first.is_empty() {
        return status::complain(VERB, "no counter can be read", status::BLIND);
    }
    let selection = match select::selection(arguments, &first) {
        Ok(selection) => selection,
        Err(text) => return status::complain(VERB, &text, status::NO),
    };
    match (arguments.every, arguments.span) {
        (None, None) => show(arguments, &selection, None, &first, &mut out),
        (None, Some(span)) => {
            signal::catch_interrupts(1);
            signal::pause(span);
            show(
                arguments,
                &selection,
                Some(&first),
                &read::read(arguments.all_netns),
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
    mut before: Reading,
    out: &mut Output,
) -> u8 {
    let start = Instant::now();
    signal::catch_interrupts(1);
    signal::pause(interval);
    let mut last = status::FINE;
    let draw = out.is_terminal() && matches!(arguments.form.form(), Form::Table | Form::Wide);
    watch::repeat(interval, draw, out, |out| {
        let after = read::read(arguments.all_netns);
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
    before: Option<&Reading>,
    after: &Reading,
    out: &mut Output,
) -> u8 {
    let mut reasons = after.reasons(before);
    let mut rows: Vec<Row> = Vec::new();
    for namespace in &after.namespaces {
        if let Some((period, span)) = period(before, namespace) {
            let readings = namespace.counters.readings.iter();
            let shown = readings.filter_map(|reading| selection.row(reading, &period, span));
            rows.extend(shown.map(|row| namespace.mark(row)));
        }
    }
    let span = after.span(before);
    if selection.wants_sockets() {
        sockets::attach(&mut rows, selection.is_explaining(), &mut reasons);
    }
    let is_table = arguments.form.form() == Form::Table;
    if is_table && arguments.columns.is_empty() && selection.wants_sockets() {
        return block::write(arguments, &rows, span, &reasons, out);
    }
    Report {
        verb: VERB,
        schema: SCHEMA,
        array: "counters",
        columns: &row::COLUMNS,
        chosen: &columns(arguments, before.is_some()),
        rows: &rows,
        members: span.members(),
        footer: footer(selection, &rows, span, arguments),
        reasons,
    }
    .write(&arguments.form, out)
}

/// Gives what a namespace's numbers are about; `None` for one that was not there at the first reading.
fn period<'n>(before: Option<&'n Reading>, namespace: &'n Namespace) -> Option<(Period<'n>, Span)> {
    let after = &namespace.counters;
    let Some(before) = before else {
        return Some((Period::until(after), Span::Whole(namespace.age_s)));
    };
    let before = before.same(namespace)?;
    let span = Span::Between(after.seconds_since(before));
    Some((Period::between(before, after), span))
}

/// Gives the columns to show: in a table those that say most, elsewhere all.
fn columns(arguments: &Arguments, sampled: bool) -> Vec<String> {
    if !arguments.columns.is_empty() {
        return arguments.columns.clone();
    }
    let form = arguments.form.form();
    let shown = |word: &str, wide_only: bool| match (word, form) {
        ("netns", Form::Table | Form::Wide) => arguments.all_netns,
        // With one reading it would be the total again.
        ("delta", Form::Table) => sampled,
        _ => form != Form::Table || !wide_only,
    };
    let columns = row::COLUMNS.iter();
    columns
        .filter(|column| shown(column.key, column.wide_only))
        .map(|column| column.key.to_owned())
        .collect()
}

/// Says below the table what the numbers are about, and why there are none.
fn footer(selection: &Selection, rows: &[Row], span: Span, arguments: &Arguments) -> Vec<String> {
    let nothing = selection.nothing().filter(|_| rows.is_empty());
    let about = span.footer(arguments.all_netns, rows);
    let lines = nothing.into_iter().chain([about.as_str()]);
    lines.flat_map(|text| fitted(text, arguments)).collect()
}

/// Breaks a sentence below a table to the terminal.
fn fitted(text: &str, arguments: &Arguments) -> Vec<String> {
    let style = screen::style(arguments.form.form(), arguments.form.color);
    wrap::lines(text, style.width.unwrap_or(usize::MAX))
}
