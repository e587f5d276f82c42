//! `--syn` and `--retrans`: answers in words, now and since the machine started.

use std::time::Duration;

use plumb_analyze::counters::Period;
use plumb_analyze::counters::questions::{Line, Value};
use plumb_collect::sys::signal;
use plumb_present::report::{Cell, Column, Tone};
use serde::Serialize;
use serde_json::json;

use super::read::{self, Namespace, Reading};
use super::{Arguments, SCHEMA, VERB};
use crate::output::Output;
use crate::verbs::form::Form;
use crate::verbs::report::Report;
use crate::verbs::watch;

/// How long "now" is when nobody says.
const USUAL_SPAN: Duration = Duration::from_secs(1);

/// One line of an answer.
#[derive(Debug, Serialize)]
struct Row {
    /// With --all-netns: the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<String>,
    id: &'static str,
    now: Option<Answer>,
    total: Option<Answer>,
    text: &'static str,
    worrying: bool,
    counters: Vec<String>,
}

/// A value as JSON: a count, or a share from 0 to 1.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
enum Answer {
    Count(u64),
    Share(f64),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        match value {
            Value::Count(count) => Self::Count(count),
            Value::Share(share) => Self::Share(share),
        }
    }
}

const COLUMNS: [Column<Row>; 6] = [
    Column::new("netns", "Netns", |row: &Row| {
        Cell::new(row.netns.as_deref().unwrap_or("-"))
    })
    .wide_only()
    .about("network namespace, with --all-netns"),
    Column::new("now", "Now", |row: &Row| cell(row.now, row.worrying))
        .right()
        .about("in the time that was looked at"),
    Column::new("total", "Total", |row: &Row| cell(row.total, false))
        .right()
        .about("since the counters began"),
    Column::new("text", "What", |row: &Row| Cell::new(row.text))
        .shrink_to(16)
        .about("what is counted"),
    Column::new("id", "Id", |row: &Row| Cell::new(row.id))
        .wide_only()
        .about("a word for it that does not change"),
    Column::new("counters", "Counters", |row: &Row| {
        Cell::new(row.counters.join(" "))
    })
    .wide_only()
    .about("the counters it rests on"),
];

fn cell(answer: Option<Answer>, worrying: bool) -> Cell<'static> {
    let text = match answer {
        None => "-".to_owned(),
        Some(Answer::Count(count)) => count.to_string(),
        Some(Answer::Share(share)) => format!("{:.2} %", share * 100.0),
    };
    let tone = if worrying { Tone::Bad } else { Tone::Plain };
    Cell::new(text).with(tone)
}

/// Answers a question; gives the exit status.
pub fn answer(
    arguments: &Arguments,
    question: &'static str,
    lines: &[Line],
    out: &mut Output,
) -> u8 {
    signal::catch_interrupts(1);
    let Some(interval) = arguments.every else {
        return once(
            arguments,
            question,
            lines,
            arguments.span.unwrap_or(USUAL_SPAN),
            out,
        );
    };
    let rounds = arguments
        .span
        .map(|span| span.as_secs_f64() / interval.as_secs_f64());
    let mut last = crate::verbs::status::FINE;
    let mut round = 0.0;
    // Each round takes its interval by looking; there is nothing to wait for between them.
    let draw = out.is_terminal() && matches!(arguments.form.form(), Form::Table | Form::Wide);
    watch::repeat(Duration::from_nanos(1), draw, out, |out| {
        last = once(arguments, question, lines, interval, out);
        round += 1.0;
        last == crate::verbs::status::FINE && rounds.is_none_or(|rounds| round < rounds)
    });
    last
}

fn once(
    arguments: &Arguments,
    question: &'static str,
    lines: &[Line],
    span: Duration,
    out: &mut Output,
) -> u8 {
    let before = read::read(arguments.all_netns);
    signal::pause(span);
    let after = read::read(arguments.all_netns);
    let namespaces = after.namespaces.iter();
    let rows: Vec<Row> = namespaces
        .flat_map(|namespace| rows(lines, &before, namespace))
        .collect();
    let span = after.span(Some(&before));
    let mut members = vec![("question", json!(question))];
    members.extend(span.members());
    Report {
        verb: VERB,
        schema: SCHEMA,
        array: "answers",
        columns: &COLUMNS,
        chosen: &columns(arguments),
        rows: &rows,
        members,
        footer: super::fitted(&footer(span.seconds()), arguments),
        reasons: after.reasons(Some(&before)),
    }
    .write(&arguments.form, out)
}

/// Answers for one namespace; one that was not there before has no now.
fn rows(lines: &[Line], before: &Reading, namespace: &Namespace) -> Vec<Row> {
    let after = &namespace.counters;
    let before = before.same(namespace);
    let now = before.map(|before| Period::between(before, after));
    let total = Period::until(after);
    let answered = lines.iter().map(|line| Row {
        netns: namespace.label(),
        ..row(line, now.as_ref(), &total)
    });
    answered.collect()
}

/// Gives the columns to show: those asked for, else the usual ones, with the namespace where there are several.
fn columns(arguments: &Arguments) -> Vec<String> {
    let form = arguments.form.form();
    if !arguments.columns.is_empty() || !matches!(form, Form::Table | Form::Wide) {
        return arguments.columns.clone();
    }
    let shown = |column: &&Column<Row>| match column.key {
        "netns" => arguments.all_netns,
        _ => form == Form::Wide || !column.wide_only,
    };
    let keys = COLUMNS.iter().filter(shown);
    keys.map(|column| column.key.to_owned()).collect()
}

fn row(line: &Line, now: Option<&Period<'_>>, total: &Period<'_>) -> Row {
    let value = now.and_then(|now| line.value(now));
    Row {
        netns: None,
        id: line.id,
        now: value.map(Answer::from),
        total: line.value(total).map(Answer::from),
        text: line.text,
        worrying: value.is_some_and(|value| line.is_worrying(value)),
        counters: line
            .counters()
            .map(|(group, name)| format!("{group}.{name}"))
            .collect(),
    }
}

fn footer(seconds: Option<f64>) -> String {
    let length = seconds.unwrap_or(0.0);
    format!("Now is the last {length:.1} s; totals are since the counters began.")
}
