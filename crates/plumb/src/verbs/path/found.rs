//! What was found of a way, told: the words above the hops, the hops, and what is worth a word below them.

use std::net::IpAddr;

use plumb_analyze::path::{End, Hop, Impostor, Word, strange};
use plumb_collect::names::Names;
use plumb_collect::sys::signal;
use plumb_present::json;
use plumb_present::report::table;
use serde_json::json;

use super::local::Local;
use super::mtu::PathMtu;
use super::row::{COLUMNS, Row};
use super::target::Target;
use super::trace::{Measured, Plan, Trace};
use super::{Arguments, words};
use crate::output::Output;
use crate::verbs::form::Form;
use crate::verbs::report::Report;
use crate::verbs::{screen, status};

/// Everything that was found.
pub(super) struct Found<'a> {
    /// What was asked for.
    pub target: &'a Target,
    /// How hops were asked.
    pub plan: &'a Plan,
    /// What this host does with such a packet.
    pub local: Local,
    /// What hops said; `None` when none was asked.
    pub trace: Option<Trace>,
    /// Who answers in the destination's name.
    pub impostor: Option<Impostor>,
    /// Nothing was sent, because the destination is more than one host's.
    pub of_many: bool,
    /// How large a packet the way takes, if that could be found out.
    pub mtu: Option<PathMtu>,
}

impl Found<'_> {
    /// Tells it; gives the exit status.
    pub fn tell(&self, arguments: &Arguments, mut reasons: Vec<String>) -> u8 {
        let hops = match &self.trace {
            Some(trace) if !trace.is_unsent() => &trace.hops[..],
            _ => &[],
        };
        let rows: Vec<Row> = rows(hops, arguments.resolve);
        let notes = self.notes();
        let trace = self.trace.as_ref();
        let interrupted = trace.filter(|trace| trace.interrupted);
        reasons.extend(interrupted.map(|trace| words::interrupted(&trace.hops)));
        reasons.extend(
            trace
                .filter(|trace| trace.cut)
                .map(|trace| words::cut(&trace.hops)),
        );
        let may_be_sought = !arguments.no_mtu && self.impostor.is_none() && !signal::interrupted();
        if self.trace.is_some() && may_be_sought && self.is_reached() && self.mtu.is_none() {
            reasons.push(String::from(
                "path MTU: the destination answers no large probes",
            ));
        }
        let mut out = Output::stdout();
        let status = self.status();
        if matches!(arguments.form.form(), Form::Table | Form::Wide) {
            let lines = words::local(&self.local, &self.name());
            let lines = screen::wrapped(lines, arguments.form.form(), arguments.form.color);
            let style = screen::style(arguments.form.form(), arguments.form.color);
            for line in lines {
                let line = table::cut_line(&line, style);
                out.raw(|out| out.extend_from_slice(format!("{line}\n").as_bytes()));
            }
            if self.trace.is_none() {
                for (_, text) in &notes {
                    out.raw(|out| out.extend_from_slice(format!("note: {text}\n").as_bytes()));
                }
                for reason in &reasons {
                    out.complain(format!("plumb path: {reason}\n").as_bytes());
                }
                let told = status::told("path", &mut out);
                return if told == status::FINE { status } else { told };
            }
            out.raw(|out| out.push(b'\n'));
        }
        let wrote = Report {
            verb: "path",
            schema: "plumb.path/1",
            array: "hops",
            columns: &COLUMNS,
            chosen: &[],
            rows: &rows,
            members: self.members(&notes),
            footer: screen::wrapped(
                self.footer(&notes),
                arguments.form.form(),
                arguments.form.color,
            ),
            reasons,
        }
        .write(&arguments.form, &mut out);
        if wrote == status::FINE { status } else { wrote }
    }

    /// Says whether it ends before the first hop: nobody answers, or this host itself does.
    fn stays_here(&self, end: End) -> bool {
        match end {
            End::Silent { ttl } => ttl == 0,
            End::Stopped { from, .. } => self.local.is_own(from),
            End::Reached { .. } | End::Loop { .. } => false,
        }
    }

    /// Says whether the destination answers, or somebody accepts in its name, which serves as well.
    fn is_reached(&self) -> bool {
        let end = self.trace.as_ref().map(|trace| trace.end);
        matches!(end, Some(End::Reached { .. })) && self.refuser().is_none()
    }

    /// Gives who refuses in the destination's name, and the word for it.
    fn refuser(&self) -> Option<(Impostor, Word)> {
        match (self.impostor, self.trace.as_ref()?.end) {
            // The distance alone makes a suspect.
            (Some(impostor), End::Reached { word, .. })
                if word != Word::Reply && impostor.goes_on_to.is_some() =>
            {
                Some((impostor, word))
            }
            _ => None,
        }
    }

    /// Says how the way ends; `None` where nobody asked, or nothing could be sent, or somebody interrupted or forbade to
    /// look further before that was known.
    fn end(&self) -> Option<End> {
        let told = |trace: &&Trace| !trace.interrupted && !trace.cut && !trace.is_unsent();
        let trace = self.trace.as_ref().filter(told)?;
        Some(trace.end)
    }

    fn status(&self) -> u8 {
        match &self.trace {
            None if self.of_many => status::BLIND,
            None if self.local.has_way() => status::FINE,
            Some(_) if self.is_reached() => status::FINE,
            Some(trace) if trace.interrupted || trace.cut => status::BLIND,
            Some(trace) if trace.is_unsent() => status::BLIND,
            None | Some(_) => status::NO,
        }
    }

    fn name(&self) -> String {
        let ip = self.plan.destination.ip();
        match &self.target.name {
            Some(name) => format!("{name} ({ip})"),
            None => ip.to_string(),
        }
    }

    /// Gives what is worth a word beside the hops: stable word and sentence.
    fn notes(&self) -> Vec<(&'static str, String)> {
        let others = words::other_addresses(&self.target.others);
        let others = others.map(|text| ("more-addresses", text));
        let Some(trace) = &self.trace else {
            return others.into_iter().collect();
        };
        let hops: Vec<Hop> = trace
            .hops
            .iter()
            .map(|measured| measured.hop.clone())
            .collect();
        let mut notes: Vec<(&'static str, String)> = Vec::new();
        if self.stays_here(trace.end) {
            notes.extend(self.local.leaves_not());
        }
        // A circle explains itself, and a TTL written anew shows in it.
        if !matches!(trace.end, End::Loop { .. }) {
            let strange = strange(&hops, self.plan.destination.ip());
            notes.extend(strange.into_iter().map(words::strange));
        }
        let first = hops.first().and_then(|hop| hop.heard.first());
        let first = first.map(|heard| heard.from);
        let first =
            first.filter(|&from| !self.local.is_own(from) && !self.local.gateways.contains(&from));
        let first = words::first_hop(first, self.local.gateway);
        notes.extend(first.map(|text| ("first-hop-is-not-the-gateway", text)));
        let other = self.impostor.filter(|_| self.refuser().is_none());
        let port = self.plan.destination.port();
        notes.extend(other.map(|by| ("answered-in-its-name", words::answers(by, port))));
        notes.extend(others);
        notes
    }

    fn members(&self, notes: &[(&'static str, String)]) -> Vec<(&'static str, serde_json::Value)> {
        let notes: Vec<_> = notes
            .iter()
            .map(|(id, text)| json!({"id": id, "text": text}))
            .collect();
        let port = self.plan.destination.port();
        vec![
            (
                "destination",
                json!({
                    "name": self.target.name,
                    "address": self.plan.destination.ip(),
                    "port": (port != 0).then_some(port),
                }),
            ),
            ("local", json!(self.local)),
            (
                "method",
                json!(self.trace.as_ref().map(|_| words::method(self.plan.method))),
            ),
            (
                "end",
                match self.refuser() {
                    Some((impostor, word)) => self
                        .end()
                        .map_or(json!(null), |end| refused_in_its_name(end, impostor, word)),
                    None => json!(self.end().map(end)),
                },
            ),
            ("path_mtu", json!(self.mtu)),
            ("notes", json!(notes)),
        ]
    }

    fn footer(&self, notes: &[(&'static str, String)]) -> Vec<String> {
        let mut lines = vec![String::new()];
        let leaves = |end: &End| !self.stays_here(*end) || self.local.leaves_not().is_none();
        let end = self.end().filter(leaves);
        lines.extend(end.map(|end| match (end, self.refuser()) {
            (_, Some((impostor, word))) => words::refuses(impostor, word),
            (End::Stopped { from, word, .. }, _) if self.local.is_own(from) => {
                words::refused_here(word)
            }
            (end, _) => words::end(end, self.plan),
        }));
        lines.extend(self.mtu.as_ref().map(words::mtu));
        lines.extend(notes.iter().map(|(_, text)| format!("note: {text}")));
        lines
    }
}

fn end(end: End) -> serde_json::Value {
    let word = words::end_word(end);
    match end {
        End::Reached { ttl, word: said } => json!({"how": word, "ttl": ttl, "says": said.text()}),
        End::Silent { ttl } => json!({"how": word, "ttl": ttl}),
        End::Stopped {
            ttl,
            router_ttl,
            from,
            word: said,
        } => json!({
            "how": word,
            "ttl": ttl,
            "router_ttl": router_ttl,
            "from": from,
            "says": said.text(),
            "in_its_name": false,
            "goes_on_to": null,
        }),
        End::Loop { ttl, period } => json!({"how": word, "ttl": ttl, "routers": period}),
    }
}

/// Where somebody on the way refuses in the destination's name it is no end that reaches it.
fn refused_in_its_name(end: End, by: Impostor, said: Word) -> serde_json::Value {
    let ttl = match end {
        End::Reached { ttl, .. } => ttl,
        _ => by.last_ttl,
    };
    json!({
        "how": "stopped",
        "ttl": ttl,
        "router_ttl": (by.first_ttl == by.last_ttl).then_some(by.first_ttl),
        "from": by.from,
        "says": said.text(),
        "in_its_name": true,
        "goes_on_to": by.goes_on_to,
    })
}

fn rows(hops: &[Measured], resolve: bool) -> Vec<Row> {
    let mut names = Names::new();
    if resolve {
        let all = hops.iter().flat_map(|measured| &measured.hop.heard);
        names.prefetch_hosts(all.map(|heard| heard.from));
    }
    let mut row = |measured: &Measured| {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for heard in &measured.hop.heard {
            if !addresses.contains(&heard.from) {
                addresses.push(heard.from);
            }
        }
        let first = measured.hop.heard.first();
        let rtt = measured.rtt_ms();
        Row {
            ttl: measured.hop.ttl,
            name: first
                .filter(|_| resolve)
                .and_then(|heard| names.host(heard.from).map(json::text)),
            addresses: addresses.iter().map(IpAddr::to_string).collect(),
            sent: measured.sent,
            received: u32::try_from(measured.rtts_ms.len()).unwrap_or(u32::MAX),
            loss_percent: measured.loss_percent(),
            rtt_min_ms: rtt.map(|(least, ..)| least),
            rtt_avg_ms: rtt.map(|(_, mean, _)| mean),
            rtt_max_ms: rtt.map(|(.., most)| most),
            jitter_ms: measured.jitter_ms(),
            says: first.map(|heard| heard.word.text()),
            reply_ttl: first.and_then(|heard| heard.ttl),
        }
    };
    hops.iter().map(&mut row).collect()
}
