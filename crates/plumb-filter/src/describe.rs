//! What a test means, in a few words: the resolved operand, not the text.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::extended::state_names;
use crate::{Compare, Fact, Family, Pattern, Predicate, Side, Test};

/// Says what a test asks. `negated` turns it around.
pub(crate) fn describe(test: &Test, negated: bool) -> String {
    match test {
        Test::Port {
            side,
            compare: Compare::Equal,
            patterns,
        } if patterns.iter().all(|pattern| pattern.prefix == 0) => {
            is(*side, " port", negated, patterns, |pattern| {
                pattern
                    .port
                    .map_or_else(|| "any".to_owned(), |port| port.to_string())
            })
        }
        Test::Host { side, patterns }
        | Test::Port {
            side,
            compare: Compare::Equal,
            patterns,
        } => is(*side, "", negated, patterns, pattern),
        Test::Port {
            side,
            compare,
            patterns,
        } => {
            let port = patterns
                .first()
                .and_then(|pattern| pattern.port)
                .unwrap_or(-1);
            format!("{} port {} {port}", end(*side), sign(*compare, negated))
        }
        Test::Device(index) => format!(
            "bound to interface index {} {index}",
            sign(Compare::Equal, negated)
        ),
        Test::Mark { value, mask } => {
            format!(
                "mark & {mask:#x} {} {value:#x}",
                sign(Compare::Equal, negated)
            )
        }
        Test::Cgroup(id) => format!("cgroup id {} {id}", sign(Compare::Equal, negated)),
        Test::Autobound => "the kernel chose the local port or name".to_owned(),
        Test::Extended(predicate) => extended(predicate, negated),
    }
}

fn is(
    side: Side,
    what: &str,
    negated: bool,
    patterns: &[Pattern],
    say: fn(&Pattern) -> String,
) -> String {
    let all: Vec<String> = patterns.iter().map(say).collect();
    let is = if negated { "is not" } else { "is" };
    format!("{}{what} {is} {}", end(side), all.join(" or "))
}

fn end(side: Side) -> &'static str {
    match side {
        Side::Local => "local",
        Side::Peer => "peer",
    }
}

fn sign(compare: Compare, negated: bool) -> &'static str {
    match (compare, negated) {
        (Compare::Equal, false) => "=",
        (Compare::Equal, true) => "!=",
        (Compare::AtLeast, false) => ">=",
        (Compare::AtLeast, true) => "<",
        (Compare::AtMost, false) => "<=",
        (Compare::AtMost, true) => ">",
    }
}

fn pattern(pattern: &Pattern) -> String {
    let mut out = match pattern.family {
        Some(Family::Unix) => {
            return format!("a unix name that fits '{}'", pattern.address.escape_ascii());
        }
        Some(Family::Link | Family::Netlink | Family::Vsock) => word(pattern),
        _ => address(pattern),
    };
    if let Some(port) = pattern.port {
        let _ = write!(out, " port {port}");
    }
    out
}

fn address(pattern: &Pattern) -> String {
    if pattern.prefix == 0 {
        return "any address".to_owned();
    }
    let text = match (
        <[u8; 4]>::try_from(pattern.address.as_slice()),
        <[u8; 16]>::try_from(pattern.address.as_slice()),
    ) {
        (Ok(bytes), _) => Ipv4Addr::from(bytes).to_string(),
        (_, Ok(bytes)) => Ipv6Addr::from(bytes).to_string(),
        _ => pattern.address.escape_ascii().to_string(),
    };
    let whole = usize::from(pattern.prefix) == pattern.address.len() * 8;
    if whole {
        text
    } else {
        format!("{text}/{}", pattern.prefix)
    }
}

/// An address that is a single number: a protocol or a context id.
fn word(pattern: &Pattern) -> String {
    let number = <[u8; 4]>::try_from(pattern.address.as_slice()).map_or(0, u32::from_ne_bytes);
    let family = pattern.family.map_or("", Family::word);
    let any = if pattern.family == Some(Family::Vsock) {
        number == u32::MAX
    } else {
        pattern.prefix == 0
    };
    match pattern.family {
        _ if any => format!("any {family}"),
        Some(Family::Vsock) => format!("vsock context {number}"),
        _ => format!("{family} protocol {number:#x}"),
    }
}

fn extended(predicate: &Predicate, negated: bool) -> String {
    let equal = sign(Compare::Equal, negated);
    match predicate {
        Predicate::Number {
            fact,
            compare,
            value,
        } => {
            let (name, value) = match fact {
                Fact::RecvQ => ("recv-q", format!("{value} bytes")),
                Fact::SendQ => ("send-q", format!("{value} bytes")),
                Fact::RttUs => ("round trip time", duration(*value)),
                Fact::AgeUs => ("age", duration(*value)),
            };
            format!("{name} {} {value}", sign(*compare, negated))
        }
        Predicate::Pid(pid) => format!("process id of a holder {equal} {pid}"),
        Predicate::Process(glob) => format!("name of a holder {equal} '{}'", glob.escape_ascii()),
        Predicate::Uid(uid) => format!("uid {equal} {uid}"),
        Predicate::States(states) => {
            let is = if negated { "is not" } else { "is" };
            format!("state {is} {}", state_names(*states).join(" or "))
        }
    }
}

/// A time in the largest unit that leaves no rest.
fn duration(us: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (24 * 3600 * 1_000_000, "d"),
        (3600 * 1_000_000, "h"),
        (60 * 1_000_000, "min"),
        (1_000_000, "s"),
        (1000, "ms"),
    ];
    let whole = UNITS
        .iter()
        .find(|(unit, _)| us != 0 && us.is_multiple_of(*unit));
    whole.map_or_else(
        || format!("{us} us"),
        |(unit, name)| format!("{} {name}", us / unit),
    )
}
