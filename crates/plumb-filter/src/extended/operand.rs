//! Reads the operands of plumb's own tests. The error says what was expected.

use super::entries::{KINDS, Reading, Unit};
use super::states::states_of;
use super::{Attribute, Entry, Fact, Predicate};
use crate::{Compare, Resolve};

/// Reads the operand of a test that is no other spelling of the original's.
pub(crate) fn read(
    entry: &Entry,
    compare: Compare,
    text: &[u8],
    resolve: &mut dyn Resolve,
) -> Result<Predicate, &'static str> {
    let number = |fact, value| Predicate::Number {
        fact,
        compare,
        value,
    };
    match entry.reading {
        Reading::Number(fact, unit) => quantity(unit, text).map(|value| number(fact, value)),
        Reading::Text(attribute) => Ok(glob(attribute, text)),
        Reading::Kind => kind(text),
        Reading::Pid => pid(text),
        Reading::Fd => fd(text),
        Reading::User => user(text, resolve).map(|uid| number(Fact::Uid, uid)),
        Reading::Netns => Ok(netns(compare, text, resolve)),
        Reading::Owner => owner(text),
        Reading::State => states_of(text)
            .map(Predicate::States)
            .ok_or("a state, as listen, estab or time-wait"),
        Reading::EitherPort | Reading::Local | Reading::Peer => Err("an operand of this test"),
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// A count, in hexadecimal behind `0x`.
fn count(text: &[u8]) -> Option<u64> {
    match text.strip_prefix(b"0x") {
        Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
            u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
        }
        _ => decimal(text),
    }
}

fn quantity(unit: Unit, text: &[u8]) -> Result<u64, &'static str> {
    const SECOND: u64 = 1_000_000;
    match unit {
        Unit::Count => count(text).ok_or("a number"),
        Unit::Bytes => {
            let units: [(&[u8], u64); 5] = [
                (b"", 1),
                (b"k", 1 << 10),
                (b"K", 1 << 10),
                (b"M", 1 << 20),
                (b"G", 1 << 30),
            ];
            scaled(text, &units).ok_or("a number of bytes, as 100, 64k, 2M or 1G")
        }
        Unit::Time => {
            let units: [(&[u8], u64); 6] = [
                (b"us", 1),
                (b"ms", 1_000),
                (b"s", SECOND),
                (b"m", 60 * SECOND),
                (b"h", 3_600 * SECOND),
                (b"d", 86_400 * SECOND),
            ];
            scaled(text, &units).ok_or("a time with its unit (us, ms, s, m, h, d), as 20ms")
        }
    }
}

/// Cuts a number from the unit behind it and gives its value in the unit's measure.
fn scaled(text: &[u8], units: &[(&[u8], u64)]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    decimal(number)?.checked_mul(*factor)
}

fn glob(attribute: Attribute, text: &[u8]) -> Predicate {
    Predicate::Text {
        attribute,
        glob: text.to_vec(),
    }
}

fn kind(text: &[u8]) -> Result<Predicate, &'static str> {
    let is_glob = text.iter().any(|byte| b"*?[".contains(byte));
    let is_kind = KINDS.iter().any(|kind| kind.as_bytes() == text);
    if is_glob || is_kind {
        Ok(glob(Attribute::Kind, text))
    } else {
        Err("a kind of socket, as tcp, udp, raw, unix, netlink, packet or vsock")
    }
}

fn pid(text: &[u8]) -> Result<Predicate, &'static str> {
    let pid = decimal(text).and_then(|pid| u32::try_from(pid).ok());
    pid.map(Predicate::Pid).ok_or("a process id")
}

fn fd(text: &[u8]) -> Result<Predicate, &'static str> {
    let fd = decimal(text).and_then(|fd| i32::try_from(fd).ok());
    fd.map(Predicate::Fd).ok_or("a descriptor's number")
}

fn user(text: &[u8], resolve: &mut dyn Resolve) -> Result<u64, &'static str> {
    let number = || decimal(text).and_then(|uid| u32::try_from(uid).ok());
    let uid = resolve.user(text).or_else(number);
    uid.map(u64::from).ok_or("a user of this machine")
}

fn netns(compare: Compare, text: &[u8], resolve: &mut dyn Resolve) -> Predicate {
    let inode = decimal(text).map(|number| resolve.netns_of_process(number).unwrap_or(number));
    match inode {
        Some(value) => Predicate::Number {
            fact: Fact::Netns,
            compare,
            value,
        },
        None => glob(Attribute::Netns, text),
    }
}

fn owner(text: &[u8]) -> Result<Predicate, &'static str> {
    match text {
        b"known" => Ok(Predicate::Owner { known: true }),
        b"unknown" => Ok(Predicate::Owner { known: false }),
        _ => Err("'known' or 'unknown'; why it is unknown is asked by owner-unknown"),
    }
}
