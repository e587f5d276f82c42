//! A counter as a row: what was read, what it did, what it means.

use plumb_analyze::counters::{self, Concerns, Explanation, Judgement, Nature, Period, judge};
use plumb_model::NetnsId;
use plumb_model::counters::Reading;
use plumb_present::report::{Cell, Column, Tone, value};
use serde::Serialize;
use serde_json::Number;

use super::sockets::ConcernedSocket;
use super::span::Span;

/// Groups that are the whole host's, whatever namespace shows them.
const WHOLE_HOST: [&str; 4] = ["softnet", "rt_cache", "arp_cache", "ndisc_cache"];

/// Says whether a group is the whole host's.
pub fn is_of_whole_host(group: &str) -> bool {
    WHOLE_HOST.contains(&group)
}

/// One counter.
#[derive(Debug, Serialize)]
pub struct Row {
    /// It is the whole host's, whatever namespace shows it.
    pub whole_host: bool,
    /// With --all-netns: the namespace; `None` for what the whole host counts.
    pub netns: Option<String>,
    group: String,
    instance: Option<String>,
    name: String,
    value: Number,
    delta: Option<Number>,
    per_s: Option<f64>,
    nature: Option<&'static str>,
    verdict: Option<&'static str>,
    /// Whether what it did should worry.
    pub worrying: bool,
    /// Its share of what it is measured by, where that is too large.
    share: Option<f64>,
    share_limit: Option<f64>,
    /// The counters that it is a share of, together.
    share_of: Option<Vec<String>>,
    meaning: Option<&'static str>,
    when_bad: Option<&'static str>,
    counted_in: Option<&'static str>,
    hint: Option<&'static str>,
    source: &'static str,
    /// Sockets that show a trace of it; empty also where nobody looked.
    pub sockets: Vec<ConcernedSocket>,
    /// How many more there are.
    pub more_sockets: usize,
    /// With --all-netns: where the sockets are that it may be about; `None` for all that were read.
    #[serde(skip)]
    pub netns_id: Option<NetnsId>,
    #[serde(skip)]
    full_name: String,
    #[serde(skip)]
    explanation: Option<&'static Explanation>,
}

impl Row {
    /// Makes the row of a reading.
    pub fn new(reading: &Reading, period: &Period<'_>, span: Span) -> Self {
        let explanation = counters::explain(&reading.group, &reading.name);
        let nature = explanation.map_or(Nature::Counter, |explanation| explanation.nature);
        let growth = (nature == Nature::Counter)
            .then(|| period.growth(reading))
            .flatten();
        let judgement = explanation
            .zip(growth)
            .map_or(Judgement::Fine, |(entry, growth)| {
                judge(entry, growth, |group, name| {
                    period.beside(reading, group, name)
                })
            });
        let (share, share_limit, share_of) = match judgement {
            Judgement::Above {
                thousandths,
                limit,
                of,
            } => (
                Some(part(thousandths)),
                Some(part(limit.into())),
                Some(of.iter().map(|of| beside(reading, of)).collect()),
            ),
            Judgement::Fine | Judgement::Worrying => (None, None, None),
        };
        let text = |text: fn(&Explanation) -> &'static str| {
            explanation.map(text).filter(|text| !text.is_empty())
        };
        Self {
            whole_host: is_of_whole_host(&reading.group),
            netns: None,
            group: reading.group.clone(),
            instance: reading.instance.clone(),
            name: reading.name.clone(),
            value: number(reading.value, nature),
            delta: delta(reading, period, nature),
            per_s: growth
                .zip(span.seconds())
                .map(|(growth, seconds)| per(growth, seconds)),
            nature: explanation.map(|explanation| explanation.nature.word()),
            verdict: explanation.map(|explanation| explanation.verdict.word()),
            worrying: judgement.is_worrying(),
            share,
            share_limit,
            share_of,
            meaning: text(|entry| entry.meaning),
            when_bad: text(|entry| entry.when),
            counted_in: text(|entry| entry.place),
            hint: text(|entry| entry.hint),
            source: reading.source,
            sockets: Vec::new(),
            more_sockets: 0,
            netns_id: None,
            full_name: reading.full_name(),
            explanation,
        }
    }

    /// Says what it is about.
    pub fn concerns(&self) -> Concerns {
        self.explanation
            .map_or(Concerns::Unknown, |explanation| explanation.concerns)
    }

    /// Gives the group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Gives the explanation, if there is one.
    pub fn explanation(&self) -> Option<&'static Explanation> {
        self.explanation
    }

    /// Gives the full name.
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// Gives the file it was read from.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Gives value, delta and rate as people read them.
    pub fn numbers(&self) -> String {
        let delta = self.delta.as_ref();
        let parts = [
            Some(self.value.to_string()),
            delta.map(|delta| format!(" ({})", signed(delta))),
            self.per_s.map(|per_s| format!(", {}", value::rate(per_s))),
        ];
        parts.into_iter().flatten().collect()
    }

    /// Gives its share of what it is measured by, and what would be fine, where it is more.
    pub fn share(&self) -> Option<String> {
        let (share, limit) = self.share.zip(self.share_limit)?;
        let whole = self.share_of.as_deref().unwrap_or_default().join(" + ");
        Some(format!(
            "{:.1} % of {whole}, where {:.1} % would be fine",
            share * 100.0,
            limit * 100.0
        ))
    }

    /// Gives the word that says whether it is bad, and its tone.
    pub fn verdict(&self) -> (&'static str, Tone) {
        match (self.worrying, self.verdict) {
            (true, _) => ("BAD", Tone::Bad),
            (false, Some("good")) => ("good", Tone::Good),
            // It may be bad, and is not now.
            (false, Some("bad")) => ("fine", Tone::Plain),
            (false, Some(_)) => ("-", Tone::Dim),
            (false, None) => ("?", Tone::Dim),
        }
    }
}

/// What a row of `plumb stats` can show.
pub const COLUMNS: [Column<Row>; 13] = [
    Column::new("netns", "Netns", |row: &Row| {
        Cell::new(row.netns.as_deref().unwrap_or("-"))
    })
    .shrink_to(8)
    .wide_only()
    .about("network namespace, with --all-netns; - for what the whole host counts"),
    Column::new("counter", "Counter", |row: &Row| {
        let tone = if row.worrying {
            Tone::Strong
        } else {
            Tone::Plain
        };
        Cell::new(row.full_name.as_str()).with(tone)
    })
    .about("group, which of several, and name"),
    Column::new("value", "Value", |row: &Row| {
        Cell::new(row.value.to_string())
    })
    .right()
    .about("the number as the kernel tells it"),
    Column::new("delta", "Delta", |row: &Row| {
        Cell::new(row.delta.as_ref().map_or_else(String::new, signed))
    })
    .right()
    .keep(60)
    .about("by how much it changed between two readings"),
    Column::new("rate", "Rate", |row: &Row| {
        Cell::new(row.per_s.map_or_else(String::new, value::rate))
    })
    .right()
    .keep(50)
    .about("how often it happened in that time, or since the machine started"),
    Column::new("verdict", "", |row: &Row| {
        let (word, tone) = row.verdict();
        Cell::new(word).with(tone)
    })
    .keep(70)
    .about(
        "good, BAD, fine (may be bad and is not now), - (says nothing by itself), ? (not known)",
    ),
    Column::new("meaning", "Meaning", |row: &Row| {
        Cell::new(row.meaning.unwrap_or("(no explanation of it here)"))
    })
    .keep(40)
    .shrink_to(16)
    .about("what it counts"),
    Column::new("nature", "Nature", |row: &Row| {
        Cell::new(row.nature.unwrap_or("-"))
    })
    .wide_only()
    .about("counter, gauge or setting"),
    Column::new("when-bad", "When bad", |row: &Row| {
        Cell::new(row.when_bad.unwrap_or("-"))
    })
    .wide_only()
    .about("when it should worry"),
    Column::new("counted-in", "Counted in", |row: &Row| {
        Cell::new(row.counted_in.unwrap_or("-"))
    })
    .wide_only()
    .about("the kernel's function that counts it, and its file"),
    Column::new("source", "Source", |row: &Row| Cell::new(row.source))
        .wide_only()
        .about("where it was read"),
    Column::new("hint", "What to try", |row: &Row| {
        Cell::new(row.hint.unwrap_or("-"))
    })
    .wide_only()
    .about("what to try when it is bad"),
    Column::new("sockets", "Sockets", |row: &Row| {
        let shown: Vec<String> = row.sockets.iter().map(ConcernedSocket::text).collect();
        Cell::new(shown.join("; "))
    })
    .wide_only()
    .about("with --bad and --explain: sockets that show a trace of it"),
];

/// Gives the full name of a counter that a reading is measured by: where it is one of several, of the same one.
fn beside(reading: &Reading, &(group, name): &(&str, &str)) -> String {
    match &reading.instance {
        Some(instance) if group == reading.group => format!("{group}.{instance}.{name}"),
        _ => format!("{group}.{name}"),
    }
}

fn number(value: u64, nature: Nature) -> Number {
    // Where there is no limit the kernel says -1.
    match (nature, value.cast_signed()) {
        (Nature::Setting, negative @ ..0) => Number::from(negative),
        _ => Number::from(value),
    }
}

fn delta(reading: &Reading, period: &Period<'_>, nature: Nature) -> Option<Number> {
    if !period.has_begin() {
        return None;
    }
    if nature == Nature::Counter {
        return period.growth(reading).map(Number::from);
    }
    let change = i128::from(reading.value) - i128::from(period.before(reading)?);
    i64::try_from(change).ok().map(Number::from)
}

fn signed(delta: &Number) -> String {
    let text = delta.to_string();
    if text == "0" || text.starts_with('-') {
        text
    } else {
        format!("+{text}")
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates are shown with two digits"
)]
fn per(growth: u64, seconds: f64) -> f64 {
    growth as f64 / seconds
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shares are shown with two digits"
)]
fn part(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::counters::Counters;

    use super::*;

    fn row(group: &str, name: &str, value: u64) -> Row {
        let after = Counters {
            readings: vec![Reading {
                group: group.into(),
                instance: None,
                name: name.into(),
                value,
                source: "/proc/net/netstat",
            }],
            ..Counters::default()
        };
        let span = Span::Whole(Known::Known(10.0));
        Row::new(&after.readings[0], &Period::until(&after), span)
    }

    #[test]
    fn a_counter_that_nobody_explains_is_shown_with_its_value() {
        let row = row("TcpExt", "TCPFromTheFuture", 7);
        assert_eq!(row.full_name(), "TcpExt.TCPFromTheFuture");
        assert_eq!(row.value, Number::from(7));
        assert_eq!((row.meaning, row.verdict().0), (None, "?"));
        let json = serde_json::to_value(&row).expect("it is plain data");
        assert_eq!(json["per_s"], 0.7);
        assert!(json["meaning"].is_null() && json["verdict"].is_null());
    }

    #[test]
    fn no_limit_is_minus_one_and_a_setting_has_no_rate() {
        let row = row("Tcp", "MaxConn", u64::MAX);
        assert_eq!(row.value, Number::from(-1));
        assert_eq!((row.per_s, row.worrying), (None, false));
    }

    #[test]
    fn a_share_says_of_what() {
        let reading = |group: &str, instance: Option<&str>, name: &str, value| Reading {
            group: group.into(),
            instance: instance.map(str::to_owned),
            name: name.into(),
            value,
            source: "rtnetlink",
        };
        let after = Counters {
            readings: vec![
                reading("Tcp", None, "RetransSegs", 50),
                reading("Tcp", None, "OutSegs", 1000),
            ],
            ..Counters::default()
        };
        let span = Span::Whole(Known::Known(10.0));
        let row = Row::new(&after.readings[0], &Period::until(&after), span);
        assert_eq!(row.numbers(), "50, 5.0/s");
        let share = row.share().expect("it is more than is fine");
        assert_eq!(share, "5.0 % of Tcp.OutSegs, where 1.0 % would be fine");
        let json = serde_json::to_value(&row).expect("it is plain data");
        assert_eq!(json["share_of"], serde_json::json!(["Tcp.OutSegs"]));
        assert_eq!(
            beside(
                &reading("interface", Some("eth0"), "rx_dropped", 1),
                &("interface", "rx_packets")
            ),
            "interface.eth0.rx_packets"
        );
    }

    #[test]
    fn what_is_bad_says_so_in_a_word() {
        assert_eq!(row("TcpExt", "ListenOverflows", 1).verdict().0, "BAD");
        assert_eq!(row("TcpExt", "ListenOverflows", 0).verdict().0, "fine");
        assert_eq!(row("Ip", "InDelivers", 1).verdict().0, "good");
    }
}
