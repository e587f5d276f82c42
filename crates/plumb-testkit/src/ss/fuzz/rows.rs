//! Random dumps: rows with any attributes, mostly as kernels send them, sometimes odd or damaged.
//!
//! Attributes are never shorter than the original takes for granted: it shows memory behind them.

use std::net::IpAddr;

use crate::random::Random;
use crate::ss::dump::attribute as kind;
use crate::ss::dump::{Row, attribute, done, dump, error, octets, words};
use crate::ss::tcp_info::{self, TcpInfo};
use crate::states::random::{endpoint, number};

/// Gives a whole dump, damaged now and then.
pub(super) fn random_dump(random: &mut Random) -> Vec<u8> {
    let count = *random.pick(&[0, 1, 1, 2, 3, 3, 5, 8, 20]);
    let rows: Vec<Row> = (0..count).map(|_| row(random)).collect();
    if random.chance(88) {
        return dump(&rows);
    }
    damaged(random, &rows)
}

/// A file that ends early, holds an error, or goes on behind its end.
fn damaged(random: &mut Random, rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let at = random.below(rows.len() + 1);
    let kind = random.below(5);
    for (index, row) in rows.iter().enumerate() {
        if index == at {
            match kind {
                0 => bytes.extend(error(i32::try_from(random.below(110)).unwrap_or(0))),
                1 => bytes.extend(done()),
                2 => bytes.extend(unlike_a_row(random, row)),
                _ => {}
            }
        }
        bytes.extend(row.message());
    }
    match kind {
        3 => bytes.truncate(random.below(bytes.len().max(1))),
        4 => {}
        _ => bytes.extend(done()),
    }
    bytes
}

/// A row under another type (`NLMSG_NOOP`, `NLMSG_OVERRUN`, one of no meaning). It has a row's
/// length: of shorter messages the original shows what lay behind them in memory.
fn unlike_a_row(random: &mut Random, row: &Row) -> Vec<u8> {
    let mut message = row.message();
    message[4..6].copy_from_slice(&random.pick(&[1_u16, 4, 99]).to_ne_bytes());
    message
}

/// Gives a row.
pub(super) fn row(random: &mut Random) -> Row {
    let v6 = random.chance(40);
    let mut row = Row::between(endpoint(random, v6), endpoint(random, v6));
    if random.chance(20) {
        row.ports.1 = 0;
        row.addresses.1 = [0; 16];
    }
    row.state = byte(random, 12);
    if random.chance(50) {
        row.timer = (byte(random, 8), byte(random, 255));
        row.expires = *random.pick(&[
            0,
            1,
            999,
            1_000,
            1_001,
            9_999,
            10_000,
            59_999,
            60_000,
            61_000,
            599_999,
            600_000,
            u32::MAX,
        ]);
        if random.chance(50) {
            row.expires = number(random);
        }
    }
    if random.chance(10) {
        row.interface = *random.pick(&[1, 2, 77]);
    }
    row.cookie = random.any_size();
    row.queues = (number(random), number(random));
    row.uid = *random.pick(&[0, 0, 1000, 65_534, u32::MAX]);
    row.inode = number(random);
    for _ in 0..*random.pick(&[0, 1, 3, 6, 12]) {
        let (number, mut content) = some_attribute(random);
        // Half a key would be taken for a whole one.
        if random.chance(5) && number != kind::MD5SIG {
            content.extend(some_words(random, 3));
        }
        row.attributes.push((number, content));
    }
    if row.attributes.contains(&(kind::PROTOCOL, vec![132])) {
        // Beyond SCTP's eight states the original reads behind its table of names.
        row.state %= 8;
        for (number, content) in &mut row.attributes {
            if *number == kind::INFO {
                *content = sctp_info(random);
            }
        }
    }
    row
}

fn byte(random: &mut Random, below: usize) -> u8 {
    u8::try_from(random.below(below)).unwrap_or(0)
}

fn some_words(random: &mut Random, count: usize) -> Vec<u8> {
    words(&(0..count).map(|_| number(random)).collect::<Vec<_>>())
}

fn some_attribute(random: &mut Random) -> (u16, Vec<u8>) {
    match random.below(25) {
        0 => (kind::MEMINFO, some_words(random, 4)),
        1..=4 => (kind::INFO, info(random)),
        5 => (kind::VEGAS, vegas(random)),
        6 | 7 => (kind::CONG, congestion(random)),
        8 => (kind::TOS, vec![byte(random, 256)]),
        9 => (kind::TCLASS, vec![byte(random, 256)]),
        10 => {
            let count = *random.pick(&[9, 9, 9, 8, 7, 10]);
            (kind::SKMEMINFO, some_words(random, count))
        }
        11 => (kind::SHUTDOWN, vec![byte(random, 6)]),
        12 => (kind::DCTCP, dctcp(random)),
        13 => {
            let protocol = *random.pick(&[0, 1, 6, 17, 33, 58, 132, 255]);
            (kind::PROTOCOL, vec![protocol])
        }
        14 => (kind::V6ONLY, vec![byte(random, 3)]),
        15 => (kind::LOCALS, addresses(random)),
        16 => (kind::PEERS, addresses(random)),
        17 => (kind::MARK, some_words(random, 1)),
        18 => (kind::BBR, some_words(random, 5)),
        19 => (kind::CLASS_ID, some_words(random, 1)),
        20 => (kind::MD5SIG, md5(random)),
        21 => (kind::ULP_INFO, ulp(random)),
        22 => (kind::CGROUP_ID, some_words(random, 2)),
        23 => (kind::SOCKOPT, vec![byte(random, 256), byte(random, 256)]),
        _ => unknown(random),
    }
}

fn unknown(random: &mut Random) -> (u16, Vec<u8>) {
    let kind = *random.pick(&[0, 14, 20, 23, 24, 99, 0x3fff]);
    let count = random.below(5);
    (kind, some_words(random, count))
}

fn info(random: &mut Random) -> Vec<u8> {
    let mut info = TcpInfo::default();
    let percent = *random.pick(&[10, 50, 100]);
    for (_, offset, len) in tcp_info::FIELDS {
        if random.chance(percent) {
            info.put(*offset, *len, random.any_size());
        }
    }
    if random.chance(70) {
        return info.bytes();
    }
    let len = *random.pick(&[8, 10, 104, 192, 224, 232, 236, 248, 300]);
    info.truncated(len)
}

/// `struct sctp_info`: tag, state, and words of any size.
fn sctp_info(random: &mut Random) -> Vec<u8> {
    let mut info: Vec<u32> = (0..60).map(|_| number(random)).collect();
    info[1] = u32::try_from(random.below(8)).unwrap_or(0);
    words(&info)
}

fn vegas(random: &mut Random) -> Vec<u8> {
    let enabled = u32::try_from(random.below(2)).unwrap_or(0);
    let rtt = *random.pick(&[0, 1, 12_345, 0x7fff_ffff, u32::MAX]);
    words(&[enabled, number(random), rtt, number(random)])
}

fn dctcp(random: &mut Random) -> Vec<u8> {
    let half = |random: &mut Random| {
        let bits = random.u32().to_ne_bytes();
        [bits[0], bits[1]]
    };
    let enabled = [byte(random, 2), 0];
    let mut bytes = [enabled, half(random)].concat();
    bytes.extend(some_words(random, 3));
    bytes
}

fn congestion(random: &mut Random) -> Vec<u8> {
    let name = *random.pick(&[
        "cubic",
        "reno",
        "bbr",
        "vegas",
        "dctcp",
        "",
        "abcdefghijklmno",
    ]);
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// `struct sockaddr_storage`s: families and addresses of SCTP's associations.
fn addresses(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.between(1, 3) {
        let v6 = random.chance(40);
        let end = endpoint(random, v6);
        let mut storage = vec![0; 128];
        storage[0] = if v6 { 10 } else { 2 };
        storage[2..4].copy_from_slice(&end.port().to_be_bytes());
        match end.ip() {
            IpAddr::V4(address) => storage[4..8].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => storage[8..24].copy_from_slice(&address.octets()),
        }
        bytes.extend(storage);
    }
    bytes
}

/// `struct tcp_diag_md5sig`s: family, prefix length, key length, address, key of up to 80 bytes.
fn md5(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.between(1, 2) {
        let v6 = random.chance(40);
        let len = random.below(81);
        bytes.extend([if v6 { 10 } else { 2 }, byte(random, 129)]);
        bytes.extend(u16::try_from(len).unwrap_or(0).to_ne_bytes());
        bytes.extend(octets(endpoint(random, v6).ip()));
        let mut key: Vec<u8> = (0..len).map(|_| byte(random, 256)).collect();
        key.resize(80, 0);
        bytes.extend(key);
    }
    bytes
}

/// A nested attribute: the name (1), and what tls (2) or mptcp (3) have to say.
fn ulp(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    let name = *random.pick(&["tls", "mptcp", "espintcp", ""]);
    if random.chance(95) {
        attribute(&mut bytes, 1, &[name.as_bytes(), &[0]].concat());
    }
    if random.chance(60) {
        attribute(&mut bytes, 2, &tls(random));
    }
    if random.chance(60) {
        attribute(&mut bytes, 3, &mptcp(random));
    }
    bytes
}

fn half(random: &mut Random) -> Vec<u8> {
    let value = *random.pick(&[0_u16, 1, 2, 3, 4, 51, 52, 0x303, 0x304, 0xffff]);
    value.to_ne_bytes().to_vec()
}

/// `TLS_INFO_*`: version, cipher, receive and transmit configuration, two flags.
fn tls(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for kind in 1..=4 {
        if random.chance(75) {
            attribute(&mut bytes, kind, &half(random));
        }
    }
    for kind in 5..=6 {
        if random.chance(30) {
            attribute(&mut bytes, kind, &[]);
        }
    }
    bytes
}

/// `MPTCP_SUBFLOW_ATTR_*`: tokens, sequence numbers, length, flags, address ids.
fn mptcp(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, len) in [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 8),
        (5, 4),
        (6, 4),
        (7, 2),
        (8, 4),
        (9, 1),
        (10, 1),
    ] {
        if random.chance(80) {
            attribute(&mut bytes, kind, &random.any_size().to_le_bytes()[..len]);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_dumps_end_with_done_and_some_are_damaged() {
        let mut random = Random::new(1);
        let whole = (0..500).filter(|_| random_dump(&mut random).ends_with(&done()));
        assert!((430..500).contains(&whole.count()));
    }
}
