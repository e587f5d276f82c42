//! `plumb ports`: how far the local ports reach, for whom they are used, and where they run out.
//!
//! Two looks some seconds apart give the pace; the thinking is `plumb_analyze::ports`'s.

mod row;
mod warnings;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use plumb_analyze::ports::{self, Look, Pace, Range, Target, Use};
use plumb_collect::bind::lists_bound_sockets;
use plumb_collect::netns;
use plumb_collect::port_settings::{PortSettings, read_port_settings};
use plumb_collect::snapshot::{self, Request};
use plumb_collect::socket_options::read_local_port_range;
use plumb_collect::sys::signal;
use plumb_model::NetnsId;
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_present::json;
use serde_json::json;

use self::row::{COLUMNS, Holder, Row, Span, Warning};
use super::form::FormArguments;
use super::report::Report;
use super::{place, screen, status, unseen, watch};
use crate::output::Output;

/// Of so many targets a socket is asked what range it has.
const MOST_ASKED: usize = 64;
/// So many processes of a row are named.
const MOST_HOLDERS: usize = 5;

/// What `plumb ports` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// How long to look for the pace (500ms, 2s, 1m).
    #[arg(long = "for", value_name = "TIME", default_value = "2s", value_parser = watch::interval)]
    interval: Duration,
    /// One look alone, without pace.
    #[arg(long, conflicts_with = "interval")]
    once: bool,
    /// Shows so many targets, those nearest to their end first; 0 shows all.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    top: usize,
    /// Exit status 1 when a target uses so much of its ports.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    fail_over: Option<u8>,
    /// In this network namespace: a name, a pid, net:[INODE] or a path.
    #[arg(short = 'N', long, value_name = "NETNS")]
    netns: Option<String>,
    #[command(flatten)]
    form: FormArguments,
}

const AFTER_HELP: &str = "\
EXAMPLES
  plumb ports                          who uses ephemeral ports, and how long they last
  plumb ports --for 10s -n 0           every destination, over ten seconds
  plumb ports --once --fail-over 80    in a test: fail when a destination has used 80 %
  plumb ports --json | jq '.targets[] | {destination, percent, exhausted_in_s}'

EXIT STATUS
  0 fine; 1 over the limit of --fail-over; 2 usage; 3 the range or the sockets could not be read.

A port can be used once for each source, destination and destination port; TIME_WAIT counts, unless
net.ipv4.tcp_tw_reuse lets it be taken again.";

/// Looks twice and tells; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    if let Err(status) = place::enter("ports", arguments.netns.as_deref()) {
        return status;
    }
    let settings = read_port_settings();
    let Some(range) = range(&settings) else {
        let text = "net.ipv4.ip_local_port_range cannot be read";
        return status::complain("ports", text, status::BLIND);
    };
    let here = netns::own().map_or(NetnsId(0), |netns| netns.id);
    let first = (!arguments.once).then(|| {
        let start = Instant::now();
        (ports::look(&read(false), here, &range), start)
    });
    if first.is_some() {
        signal::catch_interrupts(1);
        signal::pause(arguments.interval);
    }
    let snapshot = read(true);
    let interval_s = first
        .as_ref()
        .map(|(_, start)| start.elapsed().as_secs_f64());
    if snapshot.namespaces.is_empty() {
        return status::complain("ports", "the sockets cannot be read", status::BLIND);
    }
    let look = ports::look(&snapshot, here, &range);
    let own_ranges = own_ranges(&snapshot, &look);
    let before = first.map(|(look, _)| look).zip(interval_s);
    tell(
        arguments,
        &Told {
            settings,
            range,
            snapshot,
            look,
            before,
            own_ranges,
        },
    )
}

/// Everything that was seen.
struct Told {
    settings: PortSettings,
    range: Range,
    snapshot: Snapshot,
    look: Look,
    /// The first look, and the seconds since.
    before: Option<(Look, f64)>,
    /// The ranges that sockets have of their own.
    own_ranges: BTreeMap<Target, (u16, u16)>,
}

/// Asks of a socket of each target whether it has a range of its own; of those with most ports, where there are many.
fn own_ranges(snapshot: &Snapshot, look: &Look) -> BTreeMap<Target, (u16, u16)> {
    let mut uses: Vec<(&Target, &Use)> = look.uses.iter().collect();
    uses.sort_by_key(|(_, used)| std::cmp::Reverse(used.used()));
    let asked = uses.into_iter().take(MOST_ASKED);
    let told = asked.filter_map(|(target, used)| {
        let place = used.example?;
        let held = snapshot.owners.of(place).ok()?;
        let range = held.iter().find_map(|&holding| {
            let process = snapshot.owners.process(holding)?;
            read_local_port_range(process.pid, holding.how.fd()?).ok()
        });
        Some((*target, range??))
    });
    told.collect()
}

fn range(settings: &PortSettings) -> Option<Range> {
    let (first, last) = settings.range.ok()?;
    Some(Range {
        first,
        last,
        reserved: settings.reserved.clone().ok().unwrap_or_default(),
    })
}

fn read(owners: bool) -> Snapshot {
    snapshot::read(&Request {
        kinds: vec![Kind::Tcp, Kind::Udp],
        owners,
        ..Request::default()
    })
}

fn tell(arguments: &Arguments, told: &Told) -> u8 {
    let mut rows: Vec<Row> = told
        .look
        .uses
        .iter()
        .map(|(target, used)| told.row(target, used))
        .collect();
    rows.sort_by(|a, b| {
        let order = b
            .percent
            .total_cmp(&a.percent)
            .then(b.in_use.cmp(&a.in_use));
        order.then_with(|| a.destination.cmp(&b.destination))
    });
    let warnings = warnings::warnings(&rows, &told.range, &told.idle());
    let over = arguments
        .fail_over
        .is_some_and(|limit| rows.iter().any(|row| row.percent >= f64::from(limit)));
    let total = rows.len();
    if arguments.top > 0 {
        rows.truncate(arguments.top);
    }
    let mut out = Output::stdout();
    let wrote = Report {
        verb: "ports",
        schema: "plumb.ports/1",
        array: "targets",
        columns: &COLUMNS,
        chosen: &[],
        rows: &rows,
        members: told.members(total, &warnings),
        footer: screen::wrapped(
            told.footer(total, total - rows.len(), &warnings),
            arguments.form.form(),
            arguments.form.color,
        ),
        reasons: told.reasons(),
    }
    .write(&arguments.form, &mut out);
    match (wrote, over) {
        (status::FINE, true) => status::NO,
        (status, _) => status,
    }
}

impl Told {
    fn row(&self, target: &Target, used: &Use) -> Row {
        let reusable = ports::is_reusable(target, self.settings.tw_reuse.ok().unwrap_or(0));
        let pace: Option<Pace> = self.before.as_ref().map(|(look, interval_s)| {
            ports::pace(look.uses.get(target), used, *interval_s, reusable)
        });
        let own_range = self.own_ranges.get(target).copied();
        let range = own_range.map_or_else(|| self.range.clone(), |own| self.range.narrowed(own));
        let taken_of_it = self.look.taken.iter().filter(|port| range.gives(**port));
        let taken = match target {
            Target::Tcp { .. } => u32::try_from(taken_of_it.count()).unwrap_or(u32::MAX),
            Target::Udp => 0,
        };
        let used = &used.within(&range);
        let capacity = range.size().saturating_sub(taken);
        let weighed = ports::pressure(target, used, pace, capacity, reusable);
        let (protocol, source, destination) = match target {
            Target::Tcp {
                source,
                destination,
            } => (
                "tcp",
                Some(source.to_string()),
                Some(destination.to_string()),
            ),
            Target::Udp => ("udp", None, None),
        };
        Row {
            protocol,
            source,
            destination,
            in_use: used.used(),
            blocked: weighed.used,
            capacity,
            own_range: own_range.map(|_| Span {
                first: range.first,
                last: range.last,
            }),
            percent: weighed.percent,
            established: used.established,
            connecting: used.connecting,
            closing: used.closing,
            time_wait: used.time_wait,
            time_wait_reusable: weighed.time_wait_reusable,
            new_per_s: pace.map(|pace| pace.new_per_s),
            freed_per_s: pace.map(|pace| pace.freed_per_s),
            exhausted_in_s: weighed.exhausted_in_s,
            sustainable_per_s: weighed.sustainable_per_s,
            processes: self.holders(used),
        }
    }

    fn holders(&self, used: &Use) -> Vec<Holder> {
        let mut all: Vec<(u32, u32)> = used.holders.iter().map(|(&p, &n)| (p, n)).collect();
        all.sort_by_key(|&(place, count)| (std::cmp::Reverse(count), place));
        let known = |(place, sockets): (u32, u32)| {
            let process = self
                .snapshot
                .owners
                .processes
                .get(usize::try_from(place).ok()?)?;
            Some(Holder {
                pid: process.pid.0,
                name: json::text(&process.comm),
                sockets,
            })
        };
        all.into_iter()
            .filter_map(known)
            .take(MOST_HOLDERS)
            .collect()
    }

    /// Names who has ports of the range bound without use.
    fn idle(&self) -> Vec<String> {
        let name = |&place: &usize| {
            let holders = self.snapshot.owners.processes_of(place);
            holders.first().map_or_else(
                || String::from("nobody known"),
                |process| format!("{} pid {}", json::text(&process.comm), process.pid.0),
            )
        };
        self.look.idle.iter().map(name).collect()
    }

    fn members(
        &self,
        total: usize,
        warnings: &[Warning],
    ) -> Vec<(&'static str, serde_json::Value)> {
        let reserved: Vec<_> = self
            .range
            .reserved
            .iter()
            .map(|(first, last)| json!({"first": first, "last": last}))
            .collect();
        vec![
            (
                "range",
                json!({
                    "first": self.range.first,
                    "last": self.range.last,
                    "reserved": reserved,
                    "ports": self.range.size(),
                    "taken": self.look.taken.len(),
                }),
            ),
            ("tw_reuse", json!(self.settings.tw_reuse.ok())),
            (
                "interval_s",
                json!(self.before.as_ref().map(|(_, seconds)| seconds)),
            ),
            ("targets_total", json!(total)),
            ("warnings", json!(warnings)),
        ]
    }

    fn footer(&self, total: usize, left_out: usize, warnings: &[Warning]) -> Vec<String> {
        let mut lines = vec![String::new()];
        if total == 0 {
            lines.push(String::from("no socket uses a port of the range"));
        }
        if left_out > 0 {
            lines.push(format!("{left_out} more targets: -n 0 shows all"));
        }
        lines.push(format!(
            "range: {} to {}, {} ports; {} taken by TCP sockets that are bound; tcp_tw_reuse {}",
            self.range.first,
            self.range.last,
            self.range.size(),
            self.look.taken.len(),
            match self.settings.tw_reuse.ok() {
                Some(0) => "0 (TIME_WAIT counts)",
                Some(1) => "1 (TIME_WAIT can be taken again)",
                Some(_) => "2 (TIME_WAIT can be taken again on loopback)",
                None => "unknown",
            }
        ));
        lines.extend(
            warnings
                .iter()
                .map(|warning| format!("warning: {}", warning.text)),
        );
        lines
    }

    fn reasons(&self) -> Vec<String> {
        let mut reasons = unseen::gaps(&self.snapshot);
        reasons.extend(unseen::of_holders(self.look.unknown.iter().copied()));
        if !lists_bound_sockets() {
            reasons.push(String::from(
                "TCP sockets that are bound and do not listen: this kernel does not list them (Linux 6.8 does)",
            ));
        }
        for (name, unread) in [
            (
                "net.ipv4.ip_local_reserved_ports",
                self.settings.reserved.reason(),
            ),
            ("net.ipv4.tcp_tw_reuse", self.settings.tw_reuse.reason()),
        ] {
            reasons.extend(unread.map(|reason| format!("{name}: {}", reason.word())));
        }
        reasons
    }
}
