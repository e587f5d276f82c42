//! `--syn` and `--retrans`: answers in words, now and since the machine started.

use std::time::Duration;

use plumb_analyze::counters::Period;
use plumb_analyze::counters::questions::{Line, Value};
use plumb_collect::counters;
use plumb_present::report::{Cell, Column, Tone};
use serde::Serialize;
use serde_json::json;

use super::span::Span;
use super::{Arguments, SCHEMA, VERB};
use crate::output::Output;
use crate::verbs::report::Report;
use crate::verbs::watch;

/// How long "now" is when nobody says.
const USUAL_SPAN: Duration = Duration::from_secs(1);

/// One line of an answer.
#[derive(Debug, Serialize)]
struct Row {
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

const COLUMNS: [Column<Row>; 5] = [
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
    watch::repeat(Duration::from_nanos(1), out.is_terminal(), out, |out| {
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
    let before = counters::read();
    std::thread::sleep(span);
    let after = counters::read();
    let (now, total) = (Period::between(&before, &after), Period::until(&after));
    let rows: Vec<Row> = lines.iter().map(|line| row(line, &now, &total)).collect();
    let seconds = Span::Between(after.seconds_since(&before));
    let mut members = vec![("question", json!(question))];
    members.extend(seconds.members());
    Report {
        verb: VERB,
        schema: SCHEMA,
        array: "answers",
        columns: &COLUMNS,
        chosen: &arguments.columns,
        rows: &rows,
        members,
        footer: super::fitted(&footer(seconds), arguments),
        reasons: after.gaps.iter().map(|gap| gap.what.clone()).collect(),
    }
    .write(&arguments.form, out)
}

fn row(line: &Line, now: &Period<'_>, total: &Period<'_>) -> Row {
    let value = line.value(now);
    Row {
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

fn footer(seconds: Span) -> String {
    let length = seconds.seconds().unwrap_or(0.0);
    format!("Now is the last {length:.1} s; totals are since the counters began.")
}
