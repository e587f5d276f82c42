//! The dumps of the plan: each shows one matter in every variant. All but [`RECORDED`] are
//! hand-made with [`dump`](super::dump).

use std::net::SocketAddr;

use super::dump::attribute as kind;
use super::dump::{Row, attribute, done, dump, error, words};
use super::tcp_info::{FIELDS, TcpInfo};

/// What `ss -tanim --tos -D FILE` of iproute2 6.1 wrote on Linux 6.18, in a sandbox with the
/// sockets of [`fixture`](super::fixture): IPv4, DONE, IPv6, DONE.
pub const RECORDED: &[u8] = include_bytes!("../../fixtures/linux-6.18/ss/tcp.dump");

/// How many rows the dump `many` has: enough for ss to write them in several batches.
const MANY: u32 = 90_000;

/// A name and what makes its dump.
type Maker = (&'static str, fn() -> Vec<u8>);

/// Names and makers of all dumps.
#[rustfmt::skip]
const DUMPS: &[Maker] = &[
    ("rows", rows), ("none", || dump(&[])), ("recorded", || RECORDED.to_vec()),
    ("many", many), ("every-tcp-info", every_tcp_info), ("congestion", congestion),
    ("rates", rates), ("timers", timers), ("memory", memory), ("ulp", ulp),
    ("shutdown", shutdown), ("v6only", v6only), ("interface", interface),
    ("info-lengths", info_lengths), ("protocols", protocols), ("sctp", sctp),
    ("sockopt", sockopt), ("md5", md5), ("states", states), ("queues", queues),
    ("details", details), ("error", with_error), ("cut", cut), ("no-done", no_done),
];

/// Gives the dump of a name.
pub fn named(name: &str) -> Vec<u8> {
    let found = DUMPS.iter().find(|(known, _)| *known == name);
    let (_, make) = found.unwrap_or_else(|| panic!("there is no dump {name}"));
    make()
}

/// Gives the names of all dumps.
pub fn names() -> impl Iterator<Item = &'static str> {
    DUMPS.iter().map(|(name, _)| *name)
}

fn between(local: &str, peer: &str) -> Row {
    let address = |text: &str| -> SocketAddr { text.parse().expect("an address and a port") };
    Row::between(address(local), address(peer))
}

/// The three rows of the specification's samples.
fn three() -> [Row; 3] {
    let mut listener = between("127.0.0.1:22", "0.0.0.0:0");
    (listener.state, listener.queues, listener.inode) = (10, (0, 128), 411);
    let mut waiting = Row::plain();
    (waiting.queues, waiting.uid) = ((5000, 0), 1000);
    (waiting.timer, waiting.expires) = ((1, 2), 200);
    let mut closing = between("[2001:db8::1]:443", "[::ffff:1.2.3.4]:65535");
    (closing.state, closing.inode) = (5, 501);
    [listener, waiting, closing]
}

fn rows() -> Vec<u8> {
    dump(&three())
}

/// Rows whose cells grow, so that later batches are wider than the first.
fn many() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..MANY {
        let mut row = Row::plain();
        row.ports = (
            u16::try_from(1 + number % 65_535).unwrap_or(1),
            u16::try_from(number / 1_000).unwrap_or(1),
        );
        row.state = u8::try_from(1 + number / 9_000).unwrap_or(1);
        row.cookie = u64::from(number) * u64::from(number);
        row.uid = number / 10;
        row.inode = number;
        bytes.extend(row.message());
    }
    bytes.extend(done());
    bytes
}

fn every_tcp_info() -> Vec<u8> {
    let mut rows = Vec::new();
    for round in [1, 2, 1_000, 70_000, 0xffff_ffff, u64::MAX] {
        let mut info = TcpInfo::default();
        for (index, (_, offset, len)) in FIELDS.iter().enumerate() {
            let number = u64::try_from(index).unwrap_or(0);
            info.put(*offset, *len, number.wrapping_mul(round));
        }
        rows.push(Row::plain().with(kind::INFO, info.bytes()));
    }
    // One field at a time, with a value that nothing hides.
    for (_, offset, len) in FIELDS {
        let mut info = TcpInfo::default();
        info.put(*offset, *len, 0x0f);
        rows.push(Row::plain().with(kind::INFO, info.bytes()));
    }
    for (row, state) in rows.iter_mut().zip((1..=11).cycle()) {
        row.state = state;
        row.timer = (1, 2);
        row.expires = 200;
    }
    dump(&rows)
}

/// An ordinary connection's numbers.
fn usual_info() -> TcpInfo {
    TcpInfo::default()
        .set("rtt", 12_345)
        .set("rttvar", 678)
        .set("snd_mss", 1_448)
        .set("snd_cwnd", 10)
        .set("rto", 204_000)
}

fn congestion() -> Vec<u8> {
    let row = |name: &str| {
        Row::plain()
            .with(kind::INFO, usual_info().bytes())
            .with(kind::CONG, [name.as_bytes(), &[0]].concat())
    };
    let mut rows = Vec::new();
    for name in ["", "cubic", "fifteen-letters", "sixteen-letters!"] {
        rows.push(row(name));
    }
    for (enabled, rtt) in [(1, 5_000), (0, 5_000), (1, 0x7fff_ffff), (1, 0)] {
        rows.push(row("vegas").with(kind::VEGAS, words(&[enabled, 1, rtt, 2])));
    }
    for enabled in [1_u8, 0] {
        let half = |number: u16| number.to_ne_bytes();
        let mut content = [half(u16::from(enabled)), half(1)].concat();
        content.extend(words(&[1024, 7, 70_000]));
        rows.push(row("dctcp").with(kind::DCTCP, content));
    }
    for bbr in [
        [1_000_000, 0, 50_000, 739, 512],
        [0, 0, 0, 0, 0],
        [u32::MAX, u32::MAX, u32::MAX, u32::MAX, u32::MAX],
    ] {
        rows.push(row("bbr").with(kind::BBR, words(&bbr)));
    }
    dump(&rows)
}

fn rates() -> Vec<u8> {
    let mut rows = Vec::new();
    for power in [
        1_u64,
        125,
        1_000,
        125_000,
        1_000_000,
        125_000_000,
        125_000_000_000,
        125_000_000_000_000,
    ] {
        for rate in [power - 1, power, power + power / 3, power * 999 / 1000] {
            let info = TcpInfo::default()
                .set("pacing_rate", rate)
                .set("max_pacing_rate", rate / 2)
                .set("delivery_rate", rate)
                .set("rtt", rate / 7 + 1)
                .set("snd_mss", rate % 1_500)
                .set("snd_cwnd", rate % 77);
            rows.push(Row::plain().with(kind::INFO, info.bytes()));
        }
    }
    let info = TcpInfo::default()
        .set("pacing_rate", u64::MAX)
        .set("max_pacing_rate", u64::MAX)
        .set("delivery_rate", u64::MAX);
    rows.push(Row::plain().with(kind::INFO, info.bytes()));
    dump(&rows)
}

fn timers() -> Vec<u8> {
    let mut rows = Vec::new();
    for code in 0..=7 {
        for expires in [
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
        ] {
            let mut row = Row::plain();
            row.timer = (code, 3);
            row.expires = expires;
            rows.push(row);
        }
    }
    dump(&rows)
}

fn memory() -> Vec<u8> {
    let mut rows = Vec::new();
    for count in [7, 8, 9, 10] {
        let content: Vec<u32> = (1..=count).map(|word| word * 1_000_003).collect();
        rows.push(Row::plain().with(kind::SKMEMINFO, words(&content)));
    }
    rows.push(Row::plain().with(kind::MEMINFO, words(&[1, 2, 3, u32::MAX])));
    let both = Row::plain().with(kind::MEMINFO, words(&[1, 2, 3, 4]));
    rows.push(both.with(kind::SKMEMINFO, words(&[u32::MAX; 9])));
    rows.push(Row::plain());
    dump(&rows)
}

fn ulp() -> Vec<u8> {
    let row = |name: &str, kind_of: u16, inner: &[(u16, &[u8])]| {
        let mut nested = Vec::new();
        for (number, content) in inner {
            attribute(&mut nested, *number, content);
        }
        let mut content = Vec::new();
        attribute(&mut content, 1, &[name.as_bytes(), &[0]].concat());
        if kind_of != 0 {
            attribute(&mut content, kind_of, &nested);
        }
        Row::plain()
            .with(kind::INFO, usual_info().bytes())
            .with(kind::ULP_INFO, content)
    };
    let mut rows = vec![row("espintcp", 0, &[]), row("tls", 2, &[])];
    for version in [[4, 3], [3, 3], [9, 3]] {
        for cipher in [[51, 0], [52, 0], [54, 0], [99, 0]] {
            for conf in [[1, 0], [2, 0], [3, 0], [4, 0], [7, 0]] {
                let inner: &[(u16, &[u8])] = &[(1, &version), (2, &cipher), (3, &conf), (4, &conf)];
                rows.push(row("tls", 2, inner));
            }
        }
    }
    rows.push(row("tls", 2, &[(5, &[]), (6, &[])]));
    let four = 0xa583_5ca7_u32.to_ne_bytes();
    let eight = 0x5077_ed60_680b_5dc9_u64.to_ne_bytes();
    for flags in [0_u32, 0x1ff, 0x155, 0xffff_ffff] {
        let flags = flags.to_ne_bytes();
        let inner: &[(u16, &[u8])] = &[
            (1, &four),
            (2, &four),
            (3, &four),
            (4, &eight),
            (5, &four),
            (6, &four),
            (7, &[7, 1]),
            (8, &flags),
            (9, &[3]),
            (10, &[4]),
        ];
        rows.push(row("mptcp", 3, inner));
        rows.push(row("mptcp", 3, &inner[..8]));
        rows.push(row("mptcp", 3, &inner[5..]));
    }
    dump(&rows)
}

fn shutdown() -> Vec<u8> {
    let rows: Vec<Row> = (0..=4)
        .map(|bits| Row::plain().with(kind::SHUTDOWN, [bits]))
        .collect();
    dump(&rows)
}

fn v6only() -> Vec<u8> {
    let mut rows = vec![between("[::]:9001", "[::]:0")];
    for only in [0, 1, 2] {
        rows.push(between("[::]:9001", "[::]:0").with(kind::V6ONLY, [only]));
        rows.push(between("[2001:db8::1]:9001", "[::]:0").with(kind::V6ONLY, [only]));
        rows.push(Row::plain().with(kind::V6ONLY, [only]));
    }
    rows.push(between("0.0.0.0:9001", "0.0.0.0:0"));
    dump(&rows)
}

fn interface() -> Vec<u8> {
    let mut rows = Vec::new();
    for index in [1, 77, u32::MAX] {
        for local in ["0.0.0.0:22", "[fe80::1]:22", "[::]:22"] {
            let mut row = between(
                local,
                if local.starts_with('0') {
                    "0.0.0.0:0"
                } else {
                    "[::]:0"
                },
            );
            row.interface = index;
            rows.push(row);
        }
    }
    dump(&rows)
}

fn info_lengths() -> Vec<u8> {
    let mut full = TcpInfo::default();
    for (index, (_, offset, len)) in FIELDS.iter().enumerate() {
        full.put(*offset, *len, u64::try_from(index + 5).unwrap_or(0));
    }
    let mut rows = Vec::new();
    for len in [0, 4, 8, 10, 60, 104, 192, 224, 232, 240, 248, 280, 400] {
        rows.push(Row::plain().with(kind::INFO, full.clone().truncated(len)));
    }
    dump(&rows)
}

fn protocols() -> Vec<u8> {
    let mut rows = Vec::new();
    for protocol in [0, 1, 6, 17, 33, 58, 132, 255] {
        for row in three() {
            rows.push(row.with(kind::PROTOCOL, [protocol]));
        }
    }
    dump(&rows)
}

/// `struct sctp_info` (`linux/sctp.h`) with every word set: tag, state and what follows them.
fn sctp_info(state: u32) -> Vec<u8> {
    let mut info: Vec<u32> = (0..60).map(|word| 0x1000 + word).collect();
    info[1] = state;
    words(&info)
}

fn sctp() -> Vec<u8> {
    let mut rows = Vec::new();
    for (state, inode) in [(1, 7), (5, 7), (7, 7), (1, 8), (2, 8), (3, 0), (4, 0)] {
        let mut row = between("1.1.1.1:1", "2.2.2.2:2").with(kind::PROTOCOL, [132]);
        (row.state, row.inode) = (state, inode);
        (row.timer, row.expires) = ((3, 4), 3_000);
        let mut addresses = vec![0; 256];
        addresses[..8].copy_from_slice(&[2, 0, 0, 1, 10, 0, 0, 1]);
        addresses[128..136].copy_from_slice(&[10, 0, 0, 1, 0, 0, 0, 0]);
        addresses[151] = 1;
        row = row
            .with(kind::LOCALS, addresses.clone())
            .with(kind::PEERS, addresses)
            .with(kind::INFO, sctp_info(u32::from(state)))
            .with(kind::SKMEMINFO, words(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
        rows.push(row);
    }
    dump(&rows)
}

fn sockopt() -> Vec<u8> {
    let mut rows: Vec<Row> = (0..16)
        .map(|bit| Row::plain().with(kind::SOCKOPT, (1_u16 << bit).to_ne_bytes()))
        .collect();
    rows.push(Row::plain().with(kind::SOCKOPT, [0, 0]));
    rows.push(Row::plain().with(kind::SOCKOPT, [0xff, 0xff]));
    dump(&rows)
}

fn md5() -> Vec<u8> {
    let key = |family: u8, prefix: u8, address: [u8; 16], text: &[u8]| {
        let mut bytes = vec![family, prefix];
        bytes.extend(u16::try_from(text.len()).unwrap_or(0).to_ne_bytes());
        bytes.extend(address);
        bytes.extend(text);
        bytes.resize(100, 0);
        bytes
    };
    let v4 = key(
        2,
        24,
        super::dump::octets([10, 7, 7, 0].into()),
        b"a b,c\\d\x01\xffe",
    );
    let v6 = key(10, 128, std::net::Ipv6Addr::LOCALHOST.octets(), b"");
    dump(&[
        Row::plain().with(kind::MD5SIG, v4.clone()),
        Row::plain().with(kind::MD5SIG, [v4, v6].concat()),
        Row::plain(),
    ])
}

fn states() -> Vec<u8> {
    let rows: Vec<Row> = (0..=11)
        .map(|state| {
            let mut row = Row::plain();
            row.state = state;
            row
        })
        .collect();
    dump(&rows)
}

fn queues() -> Vec<u8> {
    let mut rows = Vec::new();
    for queue in [0, 1, 999_999, 1_000_000, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let mut row = Row::plain();
        row.queues = (queue, queue.wrapping_add(1));
        rows.push(row);
    }
    dump(&rows)
}

fn details() -> Vec<u8> {
    let mut rows = Vec::new();
    for number in [0_u32, 1, 0xffff_ffff] {
        let mut row = Row::plain()
            .with(kind::TOS, [number.to_ne_bytes()[0]])
            .with(kind::TCLASS, [number.to_ne_bytes()[1]])
            .with(kind::CLASS_ID, words(&[number]))
            .with(kind::MARK, words(&[number]))
            .with(kind::CGROUP_ID, words(&[number, 0]));
        (row.uid, row.inode, row.cookie) = (number, number, u64::from(number) << 20);
        rows.push(row);
    }
    // The first of a kind counts, an unknown kind does not.
    rows.push(
        Row::plain()
            .with(kind::TOS, [1])
            .with(kind::TOS, [2])
            .with(99, [1, 2, 3]),
    );
    dump(&rows)
}

fn with_error() -> Vec<u8> {
    let mut bytes = three()[0].message();
    bytes.extend(error(libc::EPERM));
    bytes.extend(three()[1].message());
    bytes
}

fn cut() -> Vec<u8> {
    let mut bytes = rows();
    bytes.truncate(150);
    bytes
}

fn no_done() -> Vec<u8> {
    three().iter().flat_map(Row::message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_fits_the_originals_buffer() {
        for name in names() {
            let bytes = named(name);
            let mut rest = &bytes[..];
            while let Some(len) = rest.get(..4) {
                let len = u32::from_ne_bytes([len[0], len[1], len[2], len[3]]);
                assert!(len < 16 * 1024, "{name}");
                let len = usize::try_from(len)
                    .expect("it is small")
                    .next_multiple_of(4);
                rest = rest.get(len.max(16)..).unwrap_or_default();
            }
        }
    }
}
