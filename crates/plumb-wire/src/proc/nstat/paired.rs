//! `/proc/net/snmp` and `/proc/net/netstat`: a line `Prefix: name name …`, then a line
//! `Prefix: value value …`; a counter is called prefix + name.
//!
//! The original takes the values from the end of their line backwards and gives each to the name
//! before the last one served, back into earlier blocks if it must. It stops near where the prefix
//! of the *names* ended. So a short line serves the last names, and the first stay 0. Linux 2.4
//! had a value too many; such values are read, and dropped from the end.

use plumb_model::counter::RatedCounter;

use super::Damage;
use crate::lines::before_nul;
use crate::scan::Scanner;

/// Longest name that is kept.
const NAME_BYTES: usize = 4095;

/// Decodes the whole file.
pub fn decode_paired(text: &[u8]) -> Result<Vec<RatedCounter>, Damage> {
    let mut counters = Vec::new();
    let mut lines = text.split_inclusive(|&b| b == b'\n');
    while let Some(names) = lines.next() {
        let colon = before_nul(names).iter().position(|&b| b == b':');
        let colon = colon.ok_or(Damage::NoColon)?;
        add_names(&mut counters, names, colon)?;
        let values = before_nul(lines.next().ok_or(Damage::NoValues)?);
        let surplus = words(values).saturating_sub(words(before_nul(names)));
        let reading = Reading {
            values,
            stop: colon + 2,
            surplus,
        };
        reading.give(&mut counters)?;
    }
    Ok(counters)
}

/// Counts what separates words: blanks and line ends, not tabs.
fn words(line: &[u8]) -> usize {
    line.iter().filter(|&&b| matches!(b, b' ' | b'\n')).count()
}

/// Adds a counter for each name of the line, which must end in a line end.
fn add_names(counters: &mut Vec<RatedCounter>, line: &[u8], colon: usize) -> Result<(), Damage> {
    let prefix = line.get(..colon).unwrap_or(&[]);
    // The byte behind the colon is taken for a blank, whatever it is.
    let names = before_nul(line.get(colon + 2..).unwrap_or(&[]));
    if names.is_empty() {
        return Ok(());
    }
    let names = names.strip_suffix(b"\n").ok_or(Damage::NoValues)?;
    counters.extend(names.split(|&b| b == b' ').map(|name| RatedCounter {
        name: full_name(prefix, name),
        value: 0,
        rate: 0.0,
    }));
    Ok(())
}

fn full_name(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    let mut full = [prefix, name].concat();
    full.truncate(NAME_BYTES);
    full
}

/// One line of values, on its way to the counters.
struct Reading<'a> {
    values: &'a [u8],
    /// The blank at or before which the reading ends.
    stop: usize,
    /// How many values at the end nobody gets.
    surplus: usize,
}

impl Reading<'_> {
    fn give(&self, counters: &mut [RatedCounter]) -> Result<(), Damage> {
        let mut rest = self.values;
        let mut surplus = self.surplus;
        let mut left = counters.len();
        loop {
            let blank = rest.iter().rposition(|&b| b == b' ');
            let blank = blank.ok_or(Damage::TooFewValues)?;
            let value = Scanner::new(rest.get(blank + 1..).unwrap_or(&[])).decimal();
            let value = value.ok_or(Damage::NoNumber)?;
            // The original writes through a null pointer when no name is left.
            let last = left.checked_sub(1).ok_or(Damage::TooFewValues)?;
            if let Some(counter) = counters.get_mut(last) {
                counter.value = value;
            }
            if surplus > 0 {
                surplus -= 1;
            } else {
                left = last;
            }
            if blank <= self.stop {
                return Ok(());
            }
            rest = rest.get(..blank).unwrap_or(&[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<String, Damage> {
        let counters = decode_paired(text.as_bytes())?;
        let shown: Vec<String> = counters
            .iter()
            .map(|c| format!("{}={}", c.name.escape_ascii(), c.value))
            .collect();
        Ok(shown.join(" "))
    }

    #[test]
    fn names_carry_their_prefix() {
        // Linux 6.18 /proc/net/netstat, shortened.
        let text =
            "TcpExt: SyncookiesSent SyncookiesRecv\nTcpExt: 1 2\nIpExt: InOctets\nIpExt: 55\n";
        let expected = "TcpExtSyncookiesSent=1 TcpExtSyncookiesRecv=2 IpExtInOctets=55";
        assert_eq!(decoded(text), Ok(expected.into()));
    }

    #[test]
    fn values_are_dealt_from_the_end() {
        for (text, expected) in [
            ("Ip: A B C\nIp: 1 2\n", "IpA=0 IpB=1 IpC=2"),
            ("Ip: A B\nIp: 1 2 3\n", "IpA=1 IpB=2"),
            ("Ip: A B C\n3 4 5 6\n", "IpA=0 IpB=5 IpC=6"),
            ("Ip: A B C\n3 4 5 6 7x 8y 9", "IpA=5 IpB=6 IpC=7"),
            ("Ip:A B\nIp:1 2\n", "Ip=0 IpB=2"),
            ("Ip: A B \nIp: 1 2\n", "IpA=0 IpB=1 Ip=2"),
            ("Ip: A B\nIp: 1\t2 3\n", "IpA=1 IpB=3"),
            ("T: A B C\nT: 1 2 3\nT:\nT: 4\n", "TA=1 TB=2 TC=4"),
            ("T:\0A B\nT: 1 2\n", "TA=0 TB=1"),
            (": A\n: 1\n", "A=1"),
        ] {
            assert_eq!(decoded(text), Ok(expected.into()), "{text:?}");
        }
    }

    #[test]
    fn damage_is_named() {
        for (text, damage) in [
            ("Ip A\nIp 1\n", Damage::NoColon),
            ("\nIp: A\nIp: 1\n", Damage::NoColon),
            ("Ip: A\n", Damage::NoValues),
            ("Ip: A\nIp:\n", Damage::TooFewValues),
            ("Ip: A\n1", Damage::TooFewValues),
            ("Ip: A B\nIp: 1 x\n", Damage::NoNumber),
            ("Ip: A B\nIp: 1 2 \n", Damage::NoNumber),
            ("a b: C\nxxxxxxxx 4 5\n", Damage::TooFewValues),
        ] {
            assert_eq!(decoded(text), Err(damage), "{text:?}");
        }
    }
}
