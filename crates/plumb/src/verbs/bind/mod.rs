//! `plumb bind ADDR:PORT`: can it be bound, and if not: by which rule, and because of whom?
//!
//! The rules are `plumb_analyze::bind`'s; the answer is proven by a real bind that is closed at once, and
//! a disagreement of the two is said aloud.

mod answer;
mod holders;
#[cfg(test)]
mod property;
mod read;
mod row;
mod target;
mod trial;
mod words;

use std::net::IpAddr;

use clap::{Args, ValueEnum};
use plumb_analyze::bind::{Attempt, Protocol};
use plumb_collect::port_settings::read_port_settings;
use plumb_collect::{privilege, routing};
use plumb_model::{Known, Reason, Uid};
use plumb_present::json;

use self::answer::Question;
use self::row::{COLUMNS, Row};
use self::target::Target;
use self::trial::Wish;
use super::form::FormArguments;
use super::report::Report;
use super::{place, screen, status};
use crate::output::Output;

/// So many sockets of each sort are described; the rest is counted.
pub const MOST_SHOWN: usize = 16;

/// What `plumb bind` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// What to bind: `127.0.0.1:80`, `[::1]:80`, `[fe80::1%eth0]:80`, `localhost:80`; `:80` and `*:80` ask for
    /// all addresses, of IPv4 and of IPv6. Port 0 asks for any free port.
    #[arg(value_name = "ADDR:PORT")]
    endpoint: String,
    /// The protocol.
    #[arg(value_enum, ignore_case = true, default_value_t = Transport::Tcp)]
    protocol: Transport,
    /// The socket would have SO_REUSEADDR set, as most servers do.
    #[arg(long)]
    reuseaddr: bool,
    /// The socket would have SO_REUSEPORT set.
    #[arg(long)]
    reuseport: bool,
    /// The socket would have IPV6_V6ONLY set; else it is what net.ipv6.bindv6only says.
    #[arg(long)]
    v6only: bool,
    /// The socket would be bound to this interface (SO_BINDTODEVICE).
    #[arg(long, value_name = "INTERFACE")]
    device: Option<String>,
    /// The bind would be made by this user (a name or a number), without privileges unless it is root.
    #[arg(long, value_name = "USER", value_parser = target::user)]
    uid: Option<u32>,
    /// In this network namespace: a name, a pid, net:[INODE] or a path.
    #[arg(short = 'N', long, value_name = "NETNS")]
    netns: Option<String>,
    /// Does not bind, only thinks.
    #[arg(long, conflicts_with = "try_anyway")]
    no_try: bool,
    /// Binds even where a UDP socket could take a datagram from those who share the port.
    #[arg(long = "try")]
    try_anyway: bool,
    #[command(flatten)]
    form: FormArguments,
}

/// The protocols that can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

const AFTER_HELP: &str = "\
EXAMPLES
  plumb bind :443                      who has 443, of IPv4 or IPv6
  plumb bind 127.0.0.1:8080 --reuseaddr
                                       would a server that sets SO_REUSEADDR start?
  plumb bind '[::]:53' udp             DNS, all addresses
  plumb bind :80 --uid www-data        may this user have a port below 1024?
  plumb bind :0                        is any port free?
  plumb bind :8080 --json | jq '.binds[].blockers[].processes[].pid'

EXIT STATUS
  0 all of it can be bound; 1 some of it cannot; 2 usage; 3 that cannot be told.

The answer is tried: a socket with these options is bound and closed at once. It does not listen.
With UDP that is left out where others share the port, because a datagram could reach it; --try
insists.";

/// Answers; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    if let Err(status) = place::enter("bind", arguments.netns.as_deref()) {
        return status;
    }
    let targets = match target::parse(&arguments.endpoint) {
        Ok(targets) => targets,
        Err(text) => return status::complain("bind", &text, status::USAGE),
    };
    let device = match arguments.device.as_deref().map(target::interface) {
        None => 0,
        Some(Ok(index)) => index,
        Some(Err(text)) => return status::complain("bind", &text, status::USAGE),
    };
    let ports = read_port_settings();
    let mut reasons = Vec::new();
    let settings = read::address_settings(&ports, &mut reasons);
    let own = Uid(rustix::process::geteuid().as_raw());
    let question = Question {
        settings: &settings,
        ports: &ports,
        wish: arguments.wish(),
        own,
    };
    let rows: Vec<Row> = targets
        .iter()
        .map(|target| {
            let attempt = arguments.attempt(target, device, own, ports.bind_v6only);
            answer::answer(&question, &attempt, shown(target), &mut reasons)
        })
        .collect();
    let status = exit_status(&rows);
    match report(arguments, &rows, reasons) {
        status::FINE => status,
        failed => failed,
    }
}

impl Arguments {
    fn wish(&self) -> Wish {
        match (self.no_try, self.try_anyway) {
            (true, _) => Wish::Never,
            (_, true) => Wish::Always,
            _ => Wish::Careful,
        }
    }

    fn attempt(&self, target: &Target, device: u32, own: Uid, v6only: Known<bool>) -> Attempt {
        let uid = self.uid.map_or(own, Uid);
        Attempt {
            protocol: match self.protocol {
                Transport::Tcp => Protocol::Tcp,
                Transport::Udp => Protocol::Udp,
            },
            ip: target.ip,
            scope_id: target.scope_id,
            port: target.port,
            reuse_addr: self.reuseaddr,
            reuse_port: self.reuseport,
            v6only: target.ip.is_ipv6() && (self.v6only || v6only.ok() == Some(true)),
            device,
            uid,
            privileged: if uid == own {
                privilege::may_bind_privileged_ports()
            } else if uid == Uid(0) {
                // Root of another user namespace is not root here, which nobody can tell from a number.
                Known::Unknown(Reason::NotInSource)
            } else {
                Known::Known(false)
            },
        }
    }
}

fn shown(target: &Target) -> String {
    match target.ip {
        IpAddr::V6(ip) if target.scope_id != 0 => {
            format!("[{ip}%{}]:{}", zone(target.scope_id), target.port)
        }
        ip => std::net::SocketAddr::new(ip, target.port).to_string(),
    }
}

/// Gives the name of an interface, as one writes it behind `%`; its index where it has none.
fn zone(index: u32) -> String {
    let links = routing::dump_links().unwrap_or_default();
    let link = links.iter().find(|link| link.index == index);
    link.map_or_else(|| index.to_string(), |link| json::text(&link.name))
}

fn exit_status(rows: &[Row]) -> u8 {
    if rows.iter().any(|row| row.can_bind == Some(false)) {
        status::NO
    } else if rows.iter().any(|row| row.can_bind.is_none()) {
        status::BLIND
    } else {
        status::FINE
    }
}

fn report(arguments: &Arguments, rows: &[Row], reasons: Vec<String>) -> u8 {
    let mut out = Output::stdout();
    Report {
        verb: "bind",
        schema: "plumb.bind/1",
        array: "binds",
        columns: &COLUMNS,
        chosen: &[],
        rows,
        members: Vec::new(),
        footer: screen::wrapped(footer(rows), arguments.form.form(), arguments.form.color),
        reasons,
    }
    .write(&arguments.form, &mut out)
}

fn footer(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        lines.push(String::new());
        lines.push(row.explanation.clone());
        let tried = match (&row.tried, &row.not_tried) {
            (Some(tried), _) => Some(match &tried.errno {
                None => String::from("tried: it was bound, and let go"),
                Some(errno) => format!("tried: {errno}"),
            }),
            (None, Some(why)) => Some(format!("not tried: {why}")),
            (None, None) => None,
        };
        lines.extend(tried.map(|text| format!("  {text}")));
        lines.extend(row.hints.iter().map(|hint| format!("  hint: {hint}")));
        lines.extend(
            row.notes
                .iter()
                .map(|note| format!("  note: {}", note.text)),
        );
        if let Some(first) = row.elsewhere.first() {
            lines.push(format!(
                "  not in the way: {} on this port in other network namespaces, first {} in {}",
                match row.elsewhere.len() {
                    1 => String::from("1 socket"),
                    several => format!("{several} sockets"),
                },
                first.local,
                first.netns.as_deref().unwrap_or("-")
            ));
        }
    }
    lines
}
