//! `plumb path HOST[:PORT]`: the way of a packet, on this host and beyond.
//!
//! The kernel is asked for rule, route, source, neighbour and MTU; then probes of rising TTL ask the hops, and
//! what they say is judged by `plumb_analyze::path`. Works without privileges where the kernel lets it.

mod local;
pub(super) mod mtu;
mod row;
mod target;
pub(super) mod trace;
mod words;

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use plumb_analyze::path::{End, Hop, strange};
use plumb_collect::interface_index::interface_index;
use plumb_collect::names::Names;
use plumb_collect::probe::{Method, icmp_method};
use plumb_present::json;
use plumb_present::report::table;
use serde_json::json;

use self::local::{Local, Question};
use self::mtu::PathMtu;
use self::row::{COLUMNS, Row};
use self::target::{Family, Target};
use self::trace::{Measured, Plan, Trace};
use super::form::{Form, FormArguments};
use super::report::Report;
use super::{place, screen, status, watch};
use crate::errno;
use crate::output::Output;

/// Rounds that can follow each other fast without making routers hold answers back.
const FAST_ROUNDS: u16 = 3;

/// What `plumb path` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// Whereto: an address or a name, and for --tcp and --udp a port.
    #[arg(value_name = "HOST[:PORT]")]
    host: String,
    /// Probes with TCP SYN to the port, which passes where a service is let through. The usual way when a port
    /// is given.
    #[arg(long, group = "method")]
    tcp: bool,
    /// Probes with UDP, to the port if one is given.
    #[arg(long, group = "method")]
    udp: bool,
    /// Probes with ICMP echo. The usual way without a port, where it is allowed; else UDP is.
    #[arg(long, group = "method")]
    icmp: bool,
    /// Only asks this host's kernel, and sends nothing.
    #[arg(long)]
    route: bool,
    /// With --route: of a packet with this type of service (DS field), as 0x10, which rules may ask for.
    #[arg(long, value_name = "TOS", default_value = "0", requires = "route", hide_default_value = true, value_parser = type_of_service)]
    tos: u8,
    /// Probes for each hop.
    #[arg(short = 'c', long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// Between rounds (500ms, 2s); usually 1s, 200ms with three probes or fewer.
    #[arg(short = 'i', long, value_name = "TIME", value_parser = watch::interval)]
    interval: Option<Duration>,
    /// How long an answer may take.
    #[arg(short = 'w', long, value_name = "TIME", default_value = "1s", value_parser = watch::interval)]
    wait: Duration,
    /// No further than so many hops.
    #[arg(short = 'm', long, value_name = "HOPS", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=255))]
    max_hops: u8,
    /// Gives up behind so many silent hops on end.
    #[arg(long, value_name = "HOPS", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=255))]
    silent_hops: u8,
    /// Does not look for the largest packet that arrives whole.
    #[arg(long)]
    no_mtu: bool,
    /// Looks the names of the hops up.
    #[arg(short = 'r', long)]
    resolve: bool,
    /// Only an IPv4 address of the name.
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,
    /// Only an IPv6 address of the name.
    #[arg(short = '6')]
    ipv6: bool,
    /// Sends from this address.
    #[arg(short = 's', long, value_name = "ADDR")]
    source: Option<IpAddr>,
    /// Sends by this interface.
    #[arg(long, value_name = "INTERFACE")]
    device: Option<String>,
    /// In this network namespace: a name, a pid, net:[INODE] or a path.
    #[arg(long, value_name = "NETNS")]
    netns: Option<String>,
    #[command(flatten)]
    form: FormArguments,
}

const AFTER_HELP: &str = "\
EXAMPLES
  plumb path 192.0.2.7                 rule, route, neighbour, then hop by hop with ICMP echo
  plumb path example.org:443           with TCP SYN to 443, where ping is blocked
  plumb path --udp example.org         with UDP, as traceroute does
  plumb path --route 192.0.2.7         what this host would do; nothing is sent
  plumb path -c 20 192.0.2.7 --json | jq '.hops[] | {ttl, addresses, loss_percent}'

EXIT STATUS
  0 the destination answers (with --route: there is a way); 1 it does not; 2 usage; 3 nothing could be sent.";

/// Reads a type of service, in hexadecimal as `ip` takes it with `0x`, or decimal.
fn type_of_service(text: &str) -> Result<u8, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "a number from 0 to 255, as 16 or 0x10".to_owned())
}

/// Finds the way; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    if let Err(status) = place::enter("path", arguments.netns.as_deref()) {
        return status;
    }
    let family = match (arguments.ipv4, arguments.ipv6) {
        (true, _) => Family::V4,
        (_, true) => Family::V6,
        _ => Family::Any,
    };
    let target = match target::parse(&arguments.host, family) {
        Ok(target) => target,
        Err(text) => return status::complain("path", &text, status::USAGE),
    };
    let device = match arguments.device.as_deref() {
        None => 0,
        Some(name) => match interface_index(name.as_bytes()) {
            Some(index) => index,
            None => {
                return status::complain("path", &format!("no interface {name}"), status::USAGE);
            }
        },
    };
    let method = match arguments.method(&target) {
        Ok(method) => method,
        Err((text, status)) => return status::complain("path", &text, status),
    };
    let plan = arguments.plan(&target, method, device);
    find(arguments, &target, &plan)
}

/// Everything that was found.
struct Found<'a> {
    target: &'a Target,
    plan: &'a Plan,
    local: Local,
    trace: Option<Trace>,
    mtu: Option<PathMtu>,
}

fn find(arguments: &Arguments, target: &Target, plan: &Plan) -> u8 {
    let mut reasons = Vec::new();
    let mut local = local::ask(
        &Question {
            destination: plan.destination,
            source: plan.source,
            device: plan.device,
            protocol: protocol(plan.method, plan.destination.is_ipv6()),
            tos: arguments.tos,
        },
        &mut reasons,
    );
    let trace = (!arguments.route && local.has_way()).then(|| trace::run(plan));
    if let Some(errno) = trace.as_ref().and_then(|trace| trace.unsent) {
        reasons.push(format!(
            "a probe could not be sent: {}",
            errno::words(errno)
        ));
    }
    let mtu = match &trace {
        Some(trace) if !arguments.no_mtu => find_mtu(plan, &local, trace.end),
        _ => None,
    };
    local.look_at_neighbour();
    let found = Found {
        target,
        plan,
        local,
        trace,
        mtu,
    };
    found.tell(arguments, reasons)
}

/// Big packets are sent as ICMP or UDP; a SYN is small.
fn find_mtu(plan: &Plan, local: &Local, end: End) -> Option<PathMtu> {
    let End::Reached { ttl } = end else {
        return None;
    };
    let mut plan = *plan;
    if plan.method == Method::Tcp {
        plan.method = icmp_method(plan.destination.is_ipv6()).unwrap_or(Method::Udp);
        plan.destination.set_port(0);
    }
    mtu::find(&plan, local.mtu()?, ttl)
}

/// The IP protocol that rules may ask for.
fn protocol(method: Method, ipv6: bool) -> u8 {
    match (method, ipv6) {
        (Method::Ping | Method::RawIcmp, false) => 1,
        (Method::Ping | Method::RawIcmp, true) => 58,
        (Method::Tcp, _) => 6,
        (Method::Udp, _) => 17,
    }
}

impl Arguments {
    fn method(&self, target: &Target) -> Result<Method, (String, u8)> {
        let has_port = target.address.port() != 0;
        let icmp = || icmp_method(target.address.is_ipv6());
        if self.tcp && !has_port {
            return Err((String::from("--tcp needs a port: HOST:PORT"), status::USAGE));
        }
        if self.icmp {
            let text = "ICMP echo needs CAP_NET_RAW or a group in net.ipv4.ping_group_range";
            return icmp().ok_or((text.to_owned(), status::BLIND));
        }
        Ok(if self.tcp || (has_port && !self.udp) {
            Method::Tcp
        } else if self.udp {
            Method::Udp
        } else {
            icmp().unwrap_or(Method::Udp)
        })
    }

    fn plan(&self, target: &Target, method: Method, device: u32) -> Plan {
        let usual = if self.count <= FAST_ROUNDS {
            Duration::from_millis(200)
        } else {
            Duration::from_secs(1)
        };
        Plan {
            method,
            destination: target.address,
            source: self.source,
            device,
            max_hops: self.max_hops,
            silent_hops: self.silent_hops,
            rounds: self.count,
            interval: self.interval.unwrap_or(usual),
            wait: self.wait,
        }
    }
}

impl Found<'_> {
    fn tell(&self, arguments: &Arguments, mut reasons: Vec<String>) -> u8 {
        let hops = self.trace.as_ref().map_or(&[][..], |trace| &trace.hops);
        let rows: Vec<Row> = rows(hops, arguments.resolve);
        let notes = self.notes();
        if self.trace.is_some() && !arguments.no_mtu && self.is_reached() && self.mtu.is_none() {
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
                for reason in &reasons {
                    out.complain(format!("plumb path: {reason}\n").as_bytes());
                }
                out.flush();
                return status;
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

    fn is_reached(&self) -> bool {
        let end = self.trace.as_ref().map(|trace| trace.end);
        matches!(end, Some(End::Reached { .. }))
    }

    fn status(&self) -> u8 {
        match &self.trace {
            None if self.local.has_way() => status::FINE,
            None => status::NO,
            Some(_) if self.is_reached() => status::FINE,
            Some(trace) => {
                let silent = trace
                    .hops
                    .iter()
                    .all(|measured| measured.hop.heard.is_empty());
                if silent && trace.unsent.is_some() {
                    status::BLIND
                } else {
                    status::NO
                }
            }
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
        let Some(trace) = &self.trace else {
            return Vec::new();
        };
        let hops: Vec<Hop> = trace
            .hops
            .iter()
            .map(|measured| measured.hop.clone())
            .collect();
        let mut notes: Vec<(&'static str, String)> = Vec::new();
        // A circle explains itself, and a TTL written anew shows in it.
        if !matches!(trace.end, End::Loop { .. }) {
            notes.extend(strange(&hops).into_iter().map(words::strange));
        }
        let first = hops.first().and_then(|hop| hop.heard.first());
        let first = words::first_hop(first.map(|heard| heard.from), self.local.gateway);
        notes.extend(first.map(|text| ("first-hop-is-not-the-gateway", text)));
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
                json!(self.trace.as_ref().map(|trace| end(trace.end))),
            ),
            ("path_mtu", json!(self.mtu)),
            ("notes", json!(notes)),
        ]
    }

    fn footer(&self, notes: &[(&'static str, String)]) -> Vec<String> {
        let mut lines = vec![String::new()];
        lines.extend(
            self.trace
                .as_ref()
                .map(|trace| words::end(trace.end, self.plan.method)),
        );
        lines.extend(self.mtu.as_ref().map(words::mtu));
        lines.extend(notes.iter().map(|(_, text)| format!("note: {text}")));
        lines
    }
}

fn end(end: End) -> serde_json::Value {
    let word = words::end_word(end);
    match end {
        End::Reached { ttl } | End::Silent { ttl } => json!({"how": word, "ttl": ttl}),
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
        }),
        End::Loop { ttl, period } => json!({"how": word, "ttl": ttl, "routers": period}),
    }
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
