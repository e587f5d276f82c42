//! Who may hold a socket, as the socket itself says it.

use std::net::{IpAddr, Ipv4Addr};

/// What names begin with; behind it stand the holders.
const PREFIX: &[u8] = b"\0plumb-churn ";

/// A process, exactly: its id, and when it started (field 22 of `/proc/PID/stat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Who {
    /// Its id.
    pub pid: u32,
    /// When it started; `None` where the socket has no room to say so.
    pub start: Option<u64>,
}

impl Who {
    /// Reads when a process started.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let end = stat.iter().rposition(|&b| b == b')')?;
        let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
        let start = rest.split_whitespace().nth(19)?.parse().ok()?;
        Some(Self {
            pid,
            start: Some(start),
        })
    }

    /// Says whether a process that was named as the holder may be this one.
    pub fn is(&self, pid: u32, start: Option<u64>) -> bool {
        let same_start = match (self.start, start) {
            (Some(truth), Some(told)) => truth == told,
            _ => true,
        };
        self.pid == pid && same_start
    }
}

/// Gives the name of a socket that these may hold; `number` tells it from others of theirs.
pub fn name(holders: &[Who], number: usize) -> Vec<u8> {
    let mut name = PREFIX.to_vec();
    name.extend(number.to_string().as_bytes());
    for who in holders {
        let start = who.start.unwrap_or(0);
        name.extend(format!(" {}:{start}", who.pid).as_bytes());
    }
    name
}

/// Reads who may hold a socket out of its name; `None` when it is none of ours.
pub fn of_name(name: &[u8]) -> Option<Vec<Who>> {
    let text = std::str::from_utf8(name.strip_prefix(PREFIX)?).ok()?;
    let holders = text.split(' ').skip(1).map(|word| {
        let (pid, start) = word.split_once(':')?;
        Some(Who {
            pid: pid.parse().ok()?,
            start: Some(start.parse().ok()?),
        })
    });
    holders.collect()
}

/// Gives the address that says whose a listener is: 127 and the id.
pub fn address(pid: u32) -> Ipv4Addr {
    let [_, high, middle, low] = pid.to_be_bytes();
    Ipv4Addr::new(127, high, middle, low)
}

/// Reads the id out of an address; `None` when it is none of ours.
pub fn of_address(address: IpAddr) -> Option<Who> {
    match address {
        IpAddr::V4(address) if address.is_loopback() => {
            let [_, high, middle, low] = address.octets();
            Some(Who {
                pid: u32::from_be_bytes([0, high, middle, low]),
                start: None,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_say_who() {
        let holders = [(7, 100), (300, 2)].map(|(pid, start)| Who {
            pid,
            start: Some(start),
        });
        assert_eq!(of_name(&name(&holders, 3)).as_deref(), Some(&holders[..]));
        assert_eq!(of_name(b"\0somebody else's"), None);
        let who = of_address(address(70_000).into()).expect("it is loopback");
        assert!(who.is(70_000, Some(5)));
        assert!(!who.is(70_001, None));
        assert!(holders[0].is(7, Some(100)) && holders[0].is(7, None));
        assert!(!holders[0].is(7, Some(101)));
    }

    #[test]
    fn we_know_ourselves() {
        let us = std::process::id();
        let who = Who::of(us).expect("we live");
        assert!(who.is(us, Who::of(us).and_then(|who| who.start)));
    }
}
