//! Every counter of the network namespace this thread is in: one [`Counters`].
//!
//! `/proc/net` is the main thread's, so a namespace has to be entered by that one. What the kernel does not
//! have is no gap; what it does not let us read is one.

use plumb_model::counters::Counters;
use plumb_model::finding::Gap;
use plumb_model::{Known, Reason};
use plumb_wire::proc::counters::{FILES, File, decode_interfaces};
use plumb_wire::proc::sockstat::decode_numbers;
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use crate::proc::read_file;
use crate::{links, routing};

const CONNTRACK_MAX: File = File {
    group: "nf_conntrack",
    source: "/proc/sys/net/netfilter/nf_conntrack_max",
};
/// A setting of the whole host, which other namespaces do not see.
const ONLY_IN_THE_FIRST: &str = "/proc/sys/net/core/netdev_max_backlog";
const DEV: File = File {
    group: "interface",
    source: "/proc/net/dev",
};
const RTNETLINK: File = File {
    group: "interface",
    source: "rtnetlink IFLA_STATS64",
};

/// Reads all of them. Never fails: what could not be read is in `gaps`.
pub fn read() -> Counters {
    let mut counters = Counters {
        at_us: boottime_us(),
        ..Counters::default()
    };
    for (file, decode) in FILES {
        if let Some(content) = content(file, &mut counters.gaps) {
            counters.readings.extend(decode(&content, file));
        }
    }
    let max = content(CONNTRACK_MAX, &mut counters.gaps);
    if let Some([max]) = max.and_then(|content| decode_numbers(&content)) {
        let reading = CONNTRACK_MAX.reading(None, "max".to_owned(), max);
        counters.readings.push(reading);
    }
    neighbour_tables(&mut counters);
    interfaces(&mut counters);
    counters
}

/// Adds the tables of neighbours, whose files the first namespace has alone.
fn neighbour_tables(counters: &mut Counters) {
    for table in routing::dump_neighbour_tables().unwrap_or_default() {
        let known = FILES
            .iter()
            .find(|(file, _)| file.group.as_bytes() == table.name);
        let Some((file, _)) = known else { continue };
        if counters
            .readings
            .iter()
            .any(|known| known.group == file.group)
        {
            continue;
        }
        let file = File {
            source: "rtnetlink NDTA_STATS",
            ..*file
        };
        let counts = table.counts.into_iter();
        let readings = counts.map(|(name, value)| file.reading(None, name.to_owned(), value));
        counters.readings.extend(readings);
    }
}

fn content(file: File, gaps: &mut Vec<Gap>) -> Option<Vec<u8>> {
    match read_file(file.source) {
        Ok(content) => Some(content),
        // This kernel does not have it, or not in this namespace.
        Err(Errno::NOENT | Errno::NODEV) => None,
        Err(errno) => {
            gaps.push(gap(file.source, errno));
            None
        }
    }
}

fn gap(what: &str, errno: Errno) -> Gap {
    Gap {
        what: format!("{what}: {errno}"),
        reason: match errno {
            Errno::PERM | Errno::ACCESS => Reason::PermissionDenied,
            _ => Reason::NotSupported,
        },
    }
}

/// Interfaces from rtnetlink, which tells every cause apart; else from `/proc/net/dev`.
fn interfaces(counters: &mut Counters) {
    let Ok(links) = links::read_links() else {
        if let Some(content) = content(DEV, &mut counters.gaps) {
            counters.readings.extend(decode_interfaces(&content, DEV));
        }
        return;
    };
    for link in links {
        let Known::Known(statistics) = &link.statistics else {
            continue;
        };
        let name = String::from_utf8_lossy(&link.base.name);
        let readings = statistics
            .named()
            .map(|(counter, value)| RTNETLINK.reading(Some(name.to_string()), counter, value));
        counters.readings.extend(readings);
    }
}

/// Gives for how many seconds the counters of this namespace have counted: since the machine started in
/// the first namespace, which nobody made. When another was made nobody knows.
pub fn age_s() -> Known<f64> {
    // The kernel shows this setting in the first namespace alone.
    if read_file(ONLY_IN_THE_FIRST).is_err() {
        return Known::Unknown(Reason::NotInSource);
    }
    Known::Known(std::time::Duration::from_micros(boottime_us()).as_secs_f64())
}

/// Gives microseconds since the machine started, sleep included.
pub(crate) fn boottime_us() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds * 1_000_000 + nanoseconds / 1000
}

#[cfg(test)]
mod tests {
    use plumb_model::counters::Reading;

    use super::*;

    #[test]
    fn this_machine_counts_what_every_machine_counts() {
        let counters = read();
        for (group, name) in [
            ("Ip", "InReceives"),
            ("Tcp", "OutSegs"),
            ("TcpExt", "ListenOverflows"),
            ("sockstat", "inuse"),
            ("softnet", "processed"),
            ("protocols", "sockets"),
            ("interface", "rx_otherhost_dropped"),
        ] {
            assert!(counters.get(group, name).ok().is_some(), "{group}.{name}");
        }
        let mut names: Vec<String> = counters.readings.iter().map(Reading::full_name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "a name stands for one counter");
        let later = read();
        assert!(later.seconds_since(&counters) > 0.0);
    }
}
