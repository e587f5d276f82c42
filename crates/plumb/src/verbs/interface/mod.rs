//! `plumb if`: what interfaces carry, how full they are, and what they lose and why.
//!
//! Two readings some time apart, because a rate exists only between two; `--totals` shows one at once.

mod footer;
mod history;
mod read;
mod row;

use std::time::Duration;

use clap::Args;
use plumb_analyze::traffic::Span;
use plumb_collect::sys::signal;
use plumb_model::link::Link;
use plumb_model::traffic::Traffic;
use plumb_present::json;
use serde_json::{Value, json};

use self::history::History;
use self::read::{Namespace, Reading};
use self::row::Row;
use super::form::{Form, FormArguments};
use super::report::Report;
use super::{place, status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "if";
/// The schema of its JSON.
const SCHEMA: &str = "plumb.if/1";

/// What `plumb if` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Which interfaces: names or patterns, as eth0, 'veth*'.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Again and again, with bars of the last rates on a terminal (500ms, 1s, 1m).
    #[arg(long, visible_alias = "watch", value_name = "INTERVAL", value_parser = watch::interval)]
    every: Option<Duration>,
    /// Time between the two readings; with --every, how long to go on.
    #[arg(long = "for", value_name = "TIME", value_parser = watch::interval)]
    span: Option<Duration>,
    /// One reading, at once: totals and no rates.
    #[arg(long, conflicts_with_all = ["every", "span"])]
    totals: bool,
    /// In this network namespace: a name, a pid, net:[INODE] or a path.
    #[arg(short = 'N', long, value_name = "NETNS")]
    netns: Option<String>,
    /// The interfaces of every network namespace of this host.
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
  plumb if                        rates, queues and losses of every interface
  plumb if eth0 --for 10s         of one, over ten seconds
  plumb if --every 1s             again and again, with bars of the last rates
  plumb if --totals -o wide       everything counted so far, at once
  plumb if --all-netns            also those of containers
  plumb if --json | jq '.interfaces[] | select(.drops.delta > 0) | {name, causes}'

EXIT STATUS
  0 shown, whatever it says; 1 there is no such interface; 2 usage; 3 interfaces could not be read.";

/// How long rates are measured when nobody says.
const USUAL_SPAN: Duration = Duration::from_secs(1);

/// Shows interfaces; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    if let Err(status) = place::enter(VERB, arguments.netns.as_deref()) {
        return status;
    }
    let mut out = Output::stdout();
    let first = match read::read(arguments.all_netns) {
        Ok(first) => first,
        Err(text) => return status::complain(VERB, &text, status::BLIND),
    };
    if let Some(name) = first.missing(&arguments.names) {
        let text = format!("no interface {name}; there are {}", first.names());
        return status::complain(VERB, &text, status::NO);
    }
    let mut history = History::default();
    if arguments.totals {
        return show(arguments, None, &first, &mut history, &mut out);
    }
    let Some(interval) = arguments.every else {
        signal::catch_interrupts(1);
        signal::pause(arguments.span.unwrap_or(USUAL_SPAN));
        return again(arguments, &first, &mut history, &mut out).0;
    };
    repeat(arguments, interval, first, &mut history, &mut out)
}

fn repeat(
    arguments: &Arguments,
    interval: Duration,
    mut before: Reading,
    history: &mut History,
    out: &mut Output,
) -> u8 {
    let start = std::time::Instant::now();
    let mut last = status::FINE;
    signal::catch_interrupts(1);
    signal::pause(interval);
    let draw = out.is_terminal() && matches!(arguments.form.form(), Form::Table | Form::Wide);
    watch::repeat(interval, draw, out, |out| {
        let (status, after) = again(arguments, &before, history, out);
        last = status;
        before = match after {
            Some(after) => after,
            None => return false,
        };
        let span = arguments.span;
        status == status::FINE && span.is_none_or(|span| start.elapsed() + interval / 2 < span)
    });
    last
}

/// Reads again and shows what happened since.
fn again(
    arguments: &Arguments,
    before: &Reading,
    history: &mut History,
    out: &mut Output,
) -> (u8, Option<Reading>) {
    match read::read(arguments.all_netns) {
        Ok(after) => {
            let status = show(arguments, Some(before), &after, history, out);
            (status, Some(after))
        }
        Err(text) => (status::complain(VERB, &text, status::BLIND), None),
    }
}

fn show(
    arguments: &Arguments,
    before: Option<&Reading>,
    after: &Reading,
    history: &mut History,
    out: &mut Output,
) -> u8 {
    let mut rows: Vec<Row> = Vec::new();
    let mut gone: Vec<Value> = Vec::new();
    for namespace in &after.namespaces {
        let before = before.and_then(|before| before.same(namespace));
        let span = Span {
            before,
            after: &namespace.traffic,
        };
        // Who was asked for by a name that he has no more is still who was asked for.
        let is_wanted = |history: &History, link: &Link| {
            let had = span.earlier(link).map(|earlier| &earlier.base.name);
            let mut names = [Some(&link.base.name), had].into_iter().flatten();
            names.any(|name| read::is_named(&arguments.names, name))
                || history.knows(namespace.label.as_deref(), link.base.index)
        };
        for link in &namespace.traffic.links {
            if is_wanted(history, link) {
                let mut row = Row::new(namespace, span, link);
                history.remember(&mut row);
                rows.push(row);
            }
        }
        let left = span.gone().filter(|link| is_wanted(history, link));
        gone.extend(left.map(|link| {
            json!({"netns": namespace.label, "index": link.base.index, "name": json::text(&link.base.name)})
        }));
    }
    let seconds = elapsed(before, after);
    let chosen = columns(arguments, seconds.is_some());
    Report {
        verb: VERB,
        schema: SCHEMA,
        array: "interfaces",
        columns: &row::COLUMNS,
        chosen: &chosen,
        rows: &rows,
        members: vec![
            ("interval_s", json!(seconds)),
            ("gone", Value::from(gone.clone())),
            ("softnet", softnet(before, after)),
        ],
        footer: footer::lines(arguments, &rows, &gone, (before, after)),
        reasons: after.reasons(),
    }
    .write(&arguments.form, out)
}

/// Gives the columns to show: in a table those that say most, elsewhere all that say anything.
fn columns(arguments: &Arguments, sampled: bool) -> Vec<String> {
    if !arguments.columns.is_empty() {
        return arguments.columns.clone();
    }
    let form = arguments.form.form();
    let shown = |word: &str, wide_only: bool| match (word, form) {
        ("rx-bars" | "tx-bars", Form::Csv) => false,
        ("rx-bars" | "tx-bars", _) => arguments.every.is_some(),
        ("netns", Form::Table | Form::Wide) => arguments.all_netns,
        ("rx-total" | "tx-total", Form::Table) => !sampled,
        ("rx" | "tx" | "rx-packets" | "tx-packets" | "use", Form::Table) => sampled,
        _ => form != Form::Table || !wide_only,
    };
    let columns = row::COLUMNS.iter();
    columns
        .filter(|column| shown(column.key, column.wide_only))
        .map(|column| column.key.to_owned())
        .collect()
}

fn elapsed(before: Option<&Reading>, after: &Reading) -> Option<f64> {
    let after = after.namespaces.first()?;
    Span {
        before: before?.same(after),
        after: &after.traffic,
    }
    .seconds()
}

/// The processors' queues of packets, which are the host's and not an interface's.
fn softnet(before: Option<&Reading>, after: &Reading) -> Value {
    let traffic = |reading: &Reading| {
        reading
            .namespaces
            .first()
            .map(|first| first.traffic.clone())
    };
    let (before, after) = (before.and_then(traffic), traffic(after));
    let rows = after
        .iter()
        .flat_map(|after| &after.softnet)
        .map(|reading| {
            let delta = footer::softnet_delta(before.as_ref(), reading);
            json!({
                "cpu": reading.instance,
                "name": reading.name,
                "value": reading.value,
                "delta": delta,
            })
        });
    rows.collect()
}

/// What is used of a namespace by the parts of this verb.
fn traffic(namespace: &Namespace) -> &Traffic {
    &namespace.traffic
}
