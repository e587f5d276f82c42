//! `plumb path HOST[:PORT]`: the way of a packet, on this host and beyond.
//!
//! The kernel is asked for rule, route, source, neighbour and MTU; then probes of rising TTL ask the hops, and
//! what they say is judged by `plumb_analyze::path`. Works without privileges where the kernel lets it.

pub(super) mod cross;
mod found;
mod local;
pub(super) mod mtu;
mod row;
mod target;
pub(super) mod trace;
mod words;

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use plumb_analyze::path::End;
use plumb_collect::interface_index::interface_index;
use plumb_collect::probe::{Method, icmp_method};
use plumb_collect::sys::signal;
use rustix::io::Errno;

use self::found::Found;
use self::local::{Local, Question};
use self::mtu::PathMtu;
use self::target::{Family, Target};
use self::trace::{Plan, Trace};
use super::form::FormArguments;
use super::{place, status, watch};
use crate::errno;

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
    #[arg(short = 'N', long, value_name = "NETNS")]
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
  0 the destination answers (with --route: there is a way); 1 it does not; 2 usage; 3 nothing could
  be sent, or the last hop of -m passes probes on.";

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
    let target = match target.by(device) {
        Ok(target) => target,
        Err(text) => return status::complain("path", &text, status::USAGE),
    };
    if let Some(source) = arguments.source
        && source.is_ipv4() != target.address.is_ipv4()
    {
        let text = format!("--source {source} is an address of the other IP version");
        return status::complain("path", &text, status::USAGE);
    }
    let method = match arguments.method(&target) {
        Ok(method) => method,
        Err((text, status)) => return status::complain("path", &text, status),
    };
    let plan = arguments.plan(&target, method, device);
    find(arguments, &target, &plan)
}

fn find(arguments: &Arguments, target: &Target, plan: &Plan) -> u8 {
    let mut reasons = Vec::new();
    let mut local = local::ask(
        &Question {
            // As the first probe goes, of which a rule may ask for the port.
            destination: plan.probe(1, 0).destination,
            source: plan.source,
            device: plan.device,
            protocol: protocol(plan.method, plan.destination.is_ipv6()),
            tos: arguments.tos,
        },
        &mut reasons,
    );
    let asks = !arguments.route && local.has_way();
    let of_many = local.is_of_many().filter(|_| asks);
    reasons.extend(of_many.map(|kind| {
        format!("nothing is sent: {kind} reaches many, and the way to each is another")
    }));
    let trace = (asks && of_many.is_none()).then(|| trace::run(plan));
    let of_many = of_many.is_some();
    if let Some(errno) = trace.as_ref().and_then(|trace| trace.unsent) {
        let by = if errno == Errno::PERM {
            ": a rule of this host's own firewall drops it, or a policy forbids it"
        } else {
            ""
        };
        reasons.push(format!(
            "a probe could not be sent: {}{by}",
            errno::words(errno)
        ));
    }
    let impostor = trace.as_ref().filter(|_| !signal::interrupted());
    let impostor = impostor.and_then(|trace| cross::check(plan, trace));
    let mtu = match &trace {
        Some(trace) if !arguments.no_mtu && impostor.is_none() && !signal::interrupted() => {
            find_mtu(plan, &local, trace)
        }
        _ => None,
    };
    local.look_at_neighbour();
    let found = Found {
        target,
        plan,
        local,
        trace,
        impostor,
        of_many,
        mtu,
    };
    found.tell(arguments, reasons)
}

/// Big packets are sent as ICMP or UDP; a SYN is small.
fn find_mtu(plan: &Plan, local: &Local, trace: &Trace) -> Option<PathMtu> {
    let End::Reached { ttl, .. } = trace.end else {
        return None;
    };
    let mut plan = Plan {
        wait: trace.patience(plan),
        ..*plan
    };
    if plan.method == Method::Tcp {
        plan.method = icmp_method(plan.destination.is_ipv6()).unwrap_or(Method::Udp);
        plan.destination.set_port(0);
    }
    mtu::find(&plan, local.mtu_to_try()?, ttl)
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
            // Who only asks for the route sends none.
            let icmp = || icmp().or(self.route.then_some(Method::Ping));
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
