//! What a test means, in a few words: the resolved operand, not the text.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::extended::{Reading, Unit, entries, state_names};
use crate::{Attribute, Compare, Fact, Family, Pattern, Predicate, Side, Test};

/// Says what a test asks. `negated` turns it around.
pub(crate) fn describe(test: &Test, negated: bool) -> String {
    match test {
        Test::Port {
            side,
            compare: Compare::Equal,
            patterns,
        } if patterns.iter().all(|pattern| pattern.prefix == 0) => {
            is(*side, " port", negated, patterns, port)
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
        Test::EitherPort(patterns) => {
            let ports: Vec<String> = patterns.iter().map(port).collect();
            let subject = if negated { "neither" } else { "either" };
            format!("{subject} port is {}", ports.join(" or "))
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

fn port(pattern: &Pattern) -> String {
    let port = pattern.port.map(|port| port.to_string());
    port.unwrap_or_else(|| "any".to_owned())
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
        } => number(*fact, sign(*compare, negated), *value),
        Predicate::Pid(pid) => format!("process id of a holder {equal} {pid}"),
        Predicate::Fd(fd) => format!("descriptor of a holder {equal} {fd}"),
        Predicate::Text { attribute, glob } => {
            let asked = |reading| reading == Reading::Text(*attribute);
            let what = match attribute {
                Attribute::Kind => "kind of socket",
                Attribute::Netns => "name of the network namespace",
                _ => meaning(asked),
            };
            format!("{what} {equal} '{}'", glob.escape_ascii())
        }
        Predicate::Owner { known } => {
            let word = if *known == negated {
                "unknown"
            } else {
                "known"
            };
            format!("a holder is {word}")
        }
        Predicate::States(states) => {
            let is = if negated { "is not" } else { "is" };
            format!("state {is} {}", state_names(*states).join(" or "))
        }
    }
}

fn number(fact: Fact, sign: &str, value: u64) -> String {
    let entry = entries().iter().find_map(|entry| match entry.reading {
        Reading::Number(of, unit) if of == fact => Some((entry, unit)),
        _ => None,
    });
    match (fact, entry) {
        (Fact::Netns, _) => format!("number of the network namespace {sign} {value}"),
        (Fact::RttUs, _) => format!("round trip time {sign} {}", duration(value)),
        (_, Some((entry, Unit::Time))) => format!("{} {sign} {}", entry.name(), duration(value)),
        (_, Some((entry, Unit::Bytes))) => format!("{} {sign} {value} bytes", entry.name()),
        (_, Some((entry, Unit::Count))) => format!("{} {sign} {value}", entry.name()),
        (_, None) => format!("{sign} {value}"),
    }
}

/// What a test asks, as its entry says it.
fn meaning(asked: impl Fn(Reading) -> bool) -> &'static str {
    let entry = entries().iter().find(|entry| asked(entry.reading));
    entry.map_or("text", |entry| entry.meaning)
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
