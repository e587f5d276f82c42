//! Counter files as `plumb stats` reads them: what is no number is left out, never taken for 0, and what
//! is not understood ends nothing.
//!
//! The decoders of [`super::snmp`] and [`super::nstat`] follow netstat and nstat with damaged files; here
//! the truth counts.

use plumb_model::counters::Reading;

use super::dev::decode_dev;

/// A file: the group its counters belong to, where it names none itself, and its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// The group, as `softnet`.
    pub group: &'static str,
    /// The path, as `/proc/net/softnet_stat`.
    pub source: &'static str,
}

impl File {
    /// A reading of this file.
    pub fn reading(self, instance: Option<String>, name: String, value: u64) -> Reading {
        Reading {
            group: self.group.to_owned(),
            instance,
            name,
            value,
            source: self.source,
        }
    }
}

/// How a file is read.
pub type Decode = fn(&[u8], File) -> Vec<Reading>;

/// The files of counters, in the order in which their counters are shown.
pub const FILES: [(File, Decode); 15] = [
    (file("snmp", "/proc/net/snmp"), decode_paired),
    (file("netstat", "/proc/net/netstat"), decode_paired),
    (file("snmp6", "/proc/net/snmp6"), |content, file| {
        decode_listed(content, file, &["Ip6", "Icmp6", "Udp6", "UdpLite6"])
    }),
    (file("sctp", "/proc/net/sctp/snmp"), |content, file| {
        decode_listed(content, file, &["Sctp"])
    }),
    (file("xfrm", "/proc/net/xfrm_stat"), |content, file| {
        decode_listed(content, file, &["Xfrm"])
    }),
    (file("tls", "/proc/net/tls_stat"), |content, file| {
        decode_listed(content, file, &["Tls"])
    }),
    (file("sockstat", "/proc/net/sockstat"), decode_sockstat),
    (file("sockstat", "/proc/net/sockstat6"), decode_sockstat),
    (file("protocols", "/proc/net/protocols"), decode_protocols),
    (file("softnet", "/proc/net/softnet_stat"), decode_softnet),
    (file("arp_cache", "/proc/net/stat/arp_cache"), decode_stat),
    (
        file("ndisc_cache", "/proc/net/stat/ndisc_cache"),
        decode_stat,
    ),
    (file("rt_cache", "/proc/net/stat/rt_cache"), decode_stat),
    (
        file("nf_conntrack", "/proc/net/stat/nf_conntrack"),
        decode_stat,
    ),
    (file("synproxy", "/proc/net/stat/synproxy"), decode_stat),
];

const fn file(group: &'static str, source: &'static str) -> File {
    File { group, source }
}

/// Columns of `softnet_stat`; those without a name have been 0 since Linux 2.6.
const SOFTNET: [&str; 15] = [
    "processed",
    "dropped",
    "time_squeeze",
    "",
    "",
    "",
    "",
    "",
    "cpu_collision",
    "received_rps",
    "flow_limit_count",
    "backlog_len",
    "",
    "input_qlen",
    "process_qlen",
];
/// Where a row of `softnet_stat` tells its processor (Linux 5.10 and later).
const SOFTNET_CPU: usize = 12;

/// Decodes `snmp` or `netstat`: a line of names, a line of values, each behind the group and a colon.
pub fn decode_paired(content: &[u8], file: File) -> Vec<Reading> {
    let mut found = Vec::new();
    let mut lines = content.split(|&b| b == b'\n');
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((group, names)), Some((other, values))) = (split(names), split(values)) else {
            continue;
        };
        if group != other {
            continue;
        }
        found.extend(words(names).zip(words(values)).filter_map(|(name, value)| {
            Some(Reading {
                group: text(group),
                ..file.reading(None, text(name), signed(value)?)
            })
        }));
    }
    found
}

/// Decodes a file of lines `NAME VALUE`: `snmp6`, `sctp/snmp`, `xfrm_stat`, `tls_stat`. The group is the
/// longest of `groups` that a name begins with; it is taken off the name.
pub fn decode_listed(content: &[u8], file: File, groups: &[&str]) -> Vec<Reading> {
    let line = |line: &[u8]| {
        let mut words = words(line);
        let (name, value) = (text(words.next()?), number(words.next()?)?);
        let group = groups
            .iter()
            .filter(|group| name.len() > group.len() && name.starts_with(**group))
            .max_by_key(|group| group.len())
            .map(|group| (*group).to_owned());
        Some(match group {
            None => file.reading(None, name, value),
            Some(group) => {
                let name = name.get(group.len()..).unwrap_or_default().to_owned();
                Reading {
                    group,
                    ..file.reading(None, name, value)
                }
            }
        })
    };
    content.split(|&b| b == b'\n').filter_map(line).collect()
}

/// Decodes a file of `/proc/net/stat`: a line of names, then for each processor a line of hexadecimal
/// numbers. Gives the sums; `entries`, which every line repeats, is not summed.
pub fn decode_stat(content: &[u8], file: File) -> Vec<Reading> {
    let mut lines = content.split(|&b| b == b'\n');
    let names: Vec<&[u8]> = lines.next().map(words).into_iter().flatten().collect();
    let mut sums: Vec<Option<u64>> = vec![None; names.len()];
    for line in lines {
        for ((sum, name), word) in sums.iter_mut().zip(&names).zip(words(line)) {
            let Some(value) = hexadecimal(word) else {
                continue;
            };
            *sum = match *sum {
                Some(before) if *name != b"entries" => Some(before.wrapping_add(value)),
                _ => Some(value),
            };
        }
    }
    let named = names
        .iter()
        .zip(sums)
        .filter_map(|(name, sum)| Some(file.reading(None, text(name), sum?)));
    named.collect()
}

/// Decodes `softnet_stat`: for each processor a line of hexadecimal numbers without names. A column that
/// we do not know is called by its place, where it is not 0.
pub fn decode_softnet(content: &[u8], file: File) -> Vec<Reading> {
    let lines = content
        .split(|&b| b == b'\n')
        .filter(|line| !line.is_empty());
    let mut found = Vec::new();
    for (row, line) in lines.enumerate() {
        let numbers: Vec<Option<u64>> = words(line).map(hexadecimal).collect();
        let told = numbers.get(SOFTNET_CPU).copied().flatten();
        let processor = told.unwrap_or(u64::try_from(row).unwrap_or(0));
        for (column, value) in numbers.iter().enumerate() {
            let name = match SOFTNET.get(column) {
                Some(&"") if column == SOFTNET_CPU || *value == Some(0) => continue,
                Some(&"") | None => format!("column_{column}"),
                Some(name) => (*name).to_owned(),
            };
            let instance = Some(format!("cpu{processor}"));
            found.extend(value.map(|value| file.reading(instance, name, value)));
        }
    }
    found
}

/// Decodes `protocols`: sockets, memory in pages and memory pressure of every protocol. Memory that a
/// protocol does not account for (-1), and pressure it does not know (`NI`), are left out.
pub fn decode_protocols(content: &[u8], file: File) -> Vec<Reading> {
    let mut lines = content.split(|&b| b == b'\n');
    let heads: Vec<&[u8]> = lines.next().map(words).into_iter().flatten().collect();
    let mut found = Vec::new();
    for line in lines {
        let fields: Vec<&[u8]> = words(line).collect();
        let field = |head: &[u8]| {
            let place = heads.iter().position(|known| *known == head)?;
            fields.get(place).copied()
        };
        let Some(protocol) = fields.first() else {
            continue;
        };
        let pressure = match field(b"press") {
            Some(b"yes") => Some(1),
            Some(b"no") => Some(0),
            _ => None,
        };
        let numbers = [
            ("sockets", field(b"sockets").and_then(number)),
            ("memory", field(b"memory").and_then(number)),
            ("pressure", pressure),
        ];
        found.extend(numbers.into_iter().filter_map(|(name, value)| {
            Some(file.reading(Some(text(protocol)), name.to_owned(), value?))
        }));
    }
    found
}

/// Decodes `sockstat` and `sockstat6`: `PROTOCOL: name value name value`. Sums over processors that are
/// below 0 for a moment are left out.
pub fn decode_sockstat(content: &[u8], file: File) -> Vec<Reading> {
    let mut found = Vec::new();
    for line in content.split(|&b| b == b'\n') {
        let Some((protocol, rest)) = split(line) else {
            continue;
        };
        let mut words = words(rest);
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            let instance = Some(text(protocol));
            found.extend(number(value).map(|value| file.reading(instance, text(name), value)));
        }
    }
    found
}

/// Decodes `/proc/net/dev` for where rtnetlink cannot be asked: what that file sums up (`drop` holds
/// missed packets, `frame` four kinds of errors) has the name of its main part and says so nowhere, so only
/// what is the same in both is given.
pub fn decode_interfaces(content: &[u8], file: File) -> Vec<Reading> {
    let mut found = Vec::new();
    for line in decode_dev(content) {
        let (rx, tx) = (line.statistics.rx, line.statistics.tx);
        let numbers = [
            ("rx_packets", rx.packets),
            ("tx_packets", tx.packets),
            ("rx_bytes", rx.bytes),
            ("tx_bytes", tx.bytes),
            ("rx_errors", rx.errors),
            ("tx_errors", tx.errors),
            ("tx_dropped", tx.dropped),
            ("multicast", rx.multicast),
            ("collisions", tx.collisions),
        ];
        found.extend(
            numbers
                .map(|(name, value)| file.reading(Some(text(&line.name)), name.to_owned(), value)),
        );
    }
    found
}

/// Splits a line at its colon.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&b| b == b':')?;
    Some((line.get(..colon)?, line.get(colon + 1..)?))
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// As [`number`]; -1, which `Tcp.MaxConn` is where there is no limit, is all ones.
fn signed(word: &[u8]) -> Option<u64> {
    let negative = || std::str::from_utf8(word).ok()?.parse::<i64>().ok();
    number(word).or_else(|| negative().map(i64::cast_unsigned))
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File {
        group: "file",
        source: "/proc/net/file",
    };

    fn shown(readings: &[Reading]) -> String {
        let shown: Vec<String> = readings
            .iter()
            .map(|reading| format!("{}={}", reading.full_name(), reading.value))
            .collect();
        shown.join(" ")
    }

    #[test]
    fn what_has_no_value_is_left_out_and_not_zero() {
        let text = b"Tcp: MaxConn InSegs X\nTcp: -1 7\nUdp: A\nIp: 5\nIpExt: A B\nIpExt: x 2\n";
        let expected = "Tcp.MaxConn=18446744073709551615 Tcp.InSegs=7 IpExt.B=2";
        assert_eq!(shown(&decode_paired(text, FILE)), expected);
    }

    #[test]
    fn groups_are_taken_off_names_and_other_names_stay_whole() {
        let text = b"Udp6InDatagrams 1\nUdpLite6InDatagrams 2\nNew 3\nUdp6\nIp6InOctets \t 4\n";
        let readings = decode_listed(text, FILE, &["Ip6", "Udp6", "UdpLite6"]);
        let expected = "Udp6.InDatagrams=1 UdpLite6.InDatagrams=2 file.New=3 Ip6.InOctets=4";
        assert_eq!(shown(&readings), expected);
    }

    #[test]
    fn processors_are_summed_but_not_what_they_repeat() {
        // Linux 6.18, shortened.
        let text =
            b"entries  allocs   destroys\n00000002 00000033 00000032\n00000002 00000020 0000001f\n";
        assert_eq!(
            shown(&decode_stat(text, FILE)),
            "file.entries=2 file.allocs=83 file.destroys=81"
        );
        assert_eq!(shown(&decode_stat(b"entries new\n", FILE)), "");
    }

    #[test]
    fn columns_of_softnet_have_names_and_processors() {
        // Linux 5.10: 13 columns, the last the processor; 6.18: two more.
        let text = b"000014a4 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000003 00000000 00000004 00000007\n";
        assert_eq!(
            shown(&decode_softnet(text, FILE)),
            "file.cpu7.processed=5284 file.cpu7.dropped=1 file.cpu7.time_squeeze=2 \
             file.cpu7.cpu_collision=0 file.cpu7.received_rps=3 file.cpu7.flow_limit_count=0 \
             file.cpu7.backlog_len=4"
        );
        let future = b"1 0 0 9 0 0 0 0 0 0 0 0 0 0 0 5\n";
        let readings = decode_softnet(future, FILE);
        assert!(shown(&readings).ends_with("file.cpu0.process_qlen=0 file.cpu0.column_15=5"));
        assert!(shown(&readings).contains("file.cpu0.column_3=9"));
    }

    #[test]
    fn what_a_protocol_does_not_account_for_is_left_out() {
        let text = b"protocol  size sockets  memory press maxhdr\nPACKET 1600 0 -1 NI 0\nTCP 2304 1 412 yes 192\n";
        assert_eq!(
            shown(&decode_protocols(text, FILE)),
            "file.PACKET.sockets=0 file.TCP.sockets=1 file.TCP.memory=412 file.TCP.pressure=1"
        );
    }

    #[test]
    fn sockstat_has_pairs_behind_each_protocol() {
        let text = b"sockets: used 17\nTCP: inuse 1 orphan -1 tw\nx\n";
        assert_eq!(
            shown(&decode_sockstat(text, FILE)),
            "file.sockets.used=17 file.TCP.inuse=1"
        );
    }
}
