//! Random answers of the families that are no Internet ones.
//!
//! Layouts are those of `linux/{unix,packet,netlink,vm_sockets,xdp}_diag.h` and `tipc_netlink.h`.
//! What the original reads out of bounds for is left out: states it has no name for, names longer
//! than a socket address holds, attributes shorter than their struct.

use crate::random::Random;
use crate::ss::dump::{attribute, done, error, message, words};

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;

/// Makes one message of a table, without its header.
pub type MakeRow = fn(&mut Random) -> Vec<u8>;

/// The tables there are answers for, and how a message of each is made.
pub const TABLES: [(&str, MakeRow); 6] = [
    ("unix", unix),
    ("packet", packet),
    ("netlink", netlink),
    ("vsock", vsock),
    ("tipc", tipc),
    ("xdp", xdp),
];

/// Gives a whole answer: up to `most` messages and what ends them, now and then an error.
pub fn answer(random: &mut Random, row: MakeRow, most: usize) -> Vec<u8> {
    let rows = random.below(most + 1);
    let mut bytes: Vec<u8> = (0..rows)
        .flat_map(|_| message(BY_FAMILY, &row(random)))
        .collect();
    if random.chance(5) {
        let errno = *random.pick(&[1, 2, 13, 22, 95]);
        bytes.extend(error(errno));
    }
    bytes.extend(done());
    bytes
}

/// A word, small more often than not.
fn word(random: &mut Random) -> u32 {
    u32::try_from(random.any_size() & 0xffff_ffff).unwrap_or(0)
}

fn some_words(random: &mut Random, count: usize) -> Vec<u8> {
    let all: Vec<u32> = (0..count).map(|_| word(random)).collect();
    words(&all)
}

/// The counters of -m, as many as kernels have sent.
fn memory(random: &mut Random) -> Vec<u8> {
    let count = random.between(7, 10);
    some_words(random, count)
}

fn state(random: &mut Random) -> u8 {
    *random.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
}

/// A socket type: one that the family has, or another.
fn kind(random: &mut Random, known: &[u8]) -> u8 {
    if random.chance(10) {
        *random.pick(&[0, 3, 6, 10, 255])
    } else {
        *random.pick(known)
    }
}

/// Ends a message: an attribute of the future, one that came before, or what is none.
fn finish(random: &mut Random, mut bytes: Vec<u8>, again: u16) -> Vec<u8> {
    if random.chance(10) {
        attribute(&mut bytes, 99, b"later");
    }
    if random.chance(10) {
        let more = some_words(random, 16);
        attribute(&mut bytes, again, &more);
    }
    if random.chance(3) {
        bytes.extend([3, 0, 0, 0]);
    }
    bytes
}

fn unix(random: &mut Random) -> Vec<u8> {
    const NAMES: [&[u8]; 9] = [
        b"/run/a\0",
        b"/run/no-nul",
        b"\0abs",
        b"\0a\0b\0",
        b"",
        b"\0",
        b"with blank\n\x1b[1m",
        b"/cut\0here",
        b"@fake",
    ];
    let mut bytes = vec![1, kind(random, &[1, 2, 5]), state(random), 0];
    bytes.extend(some_words(random, 3));
    if random.chance(70) {
        let name: &[u8] = random.pick::<&[u8]>(&NAMES);
        attribute(&mut bytes, 0, name);
    }
    for (kind, count) in [(1, 2), (2, 1), (4, 2), (7, 1)] {
        if random.chance(60) {
            let content = some_words(random, count);
            attribute(&mut bytes, kind, &content);
        }
    }
    if random.chance(30) {
        let count = random.below(5);
        let content = some_words(random, count);
        attribute(&mut bytes, 3, &content);
    }
    if random.chance(60) {
        let content = memory(random);
        attribute(&mut bytes, 5, &content);
    }
    if random.chance(60) {
        attribute(&mut bytes, 6, &[*random.pick(&[0, 1, 2, 3, 4, 255])]);
    }
    finish(random, bytes, 4)
}

fn packet(random: &mut Random) -> Vec<u8> {
    const PROTOCOLS: [u16; 8] = [0, 3, 4, 0x800, 0x806, 0x86dd, 0x88cc, 0x1234];
    let mut bytes = vec![17, kind(random, &[2, 3])];
    bytes.extend(random.pick(&PROTOCOLS).to_ne_bytes());
    bytes.extend(some_words(random, 3));
    if random.chance(90) {
        let interface = *random.pick(&[0, 1, 99]);
        let mut info = words(&[interface]);
        info.extend(some_words(random, 4));
        info.extend(words(&[*random.pick(&[
            0,
            1,
            2,
            3,
            6,
            0x1f,
            0x20,
            u32::MAX,
        ])]));
        attribute(&mut bytes, 0, &info);
    }
    for ring in [2, 3] {
        if random.chance(40) {
            let content = some_words(random, 7);
            attribute(&mut bytes, ring, &content);
        }
    }
    if random.chance(40) {
        let kind = *random.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 0x1000, 0x8001]);
        attribute(&mut bytes, 4, &words(&[kind << 16 | 7]));
    }
    if random.chance(50) {
        attribute(&mut bytes, 5, &words(&[*random.pick(&[0, 1000])]));
    }
    if random.chance(97) {
        let content = memory(random);
        attribute(&mut bytes, 6, &content);
    }
    if random.chance(40) {
        let instructions = random.below(4);
        let content = some_words(random, 2 * instructions);
        attribute(&mut bytes, 7, &content);
    }
    finish(random, bytes, 6)
}

fn netlink(random: &mut Random) -> Vec<u8> {
    let protocol = *random.pick(&[0, 2, 4, 9, 16, 21, 22, 77, 255]);
    let mut bytes = vec![16, 3, protocol, *random.pick(&[0, 1, 7])];
    // Port ids of processes would show which program asked.
    let port = *random.pick(&[0, 999_999_999, u32::MAX, 0xffff_fe0c]);
    bytes.extend(words(&[port]));
    bytes.extend(some_words(random, 5));
    if random.chance(80) {
        let content = memory(random);
        attribute(&mut bytes, 0, &content);
    }
    if random.chance(60) {
        let content = some_words(random, 2);
        attribute(&mut bytes, 1, &content);
    }
    finish(random, bytes, 0)
}

fn vsock(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![40, kind(random, &[1, 2]), state(random), 3];
    for _ in 0..4 {
        let any = random.chance(30);
        let number = if any { u32::MAX } else { word(random) };
        bytes.extend(words(&[number]));
    }
    bytes.extend(some_words(random, 3));
    bytes
}

fn tipc(random: &mut Random) -> Vec<u8> {
    let mut socket = Vec::new();
    // Types that TIPC does not have have no name in the original, which prints a null pointer.
    for (kind, number) in [
        (6, *random.pick(&[1, 2, 3, 4, 5])),
        (1, word(random)),
        (2, word(random)),
        (7, word(random)),
        (8, *random.pick(&[0, 1000])),
        (9, u32::from(state(random))),
    ] {
        attribute(&mut socket, kind, &words(&[number]));
    }
    let cookie = some_words(random, 2);
    attribute(&mut socket, 10, &cookie);
    if random.chance(60) {
        let peer = tipc_peer(random);
        attribute(&mut socket, 3, &peer);
    }
    let mut statistics = Vec::new();
    for kind in [0, 1, 4] {
        attribute(&mut statistics, kind, &words(&[word(random)]));
    }
    for flag in [2, 3] {
        if random.chance(40) {
            attribute(&mut statistics, flag, b"");
        }
    }
    attribute(&mut socket, 5, &statistics);
    if random.chance(40) {
        attribute(&mut socket, 4, b"");
    }
    let mut bytes = Vec::new();
    attribute(&mut bytes, 2, &socket);
    bytes
}

fn tipc_peer(random: &mut Random) -> Vec<u8> {
    let mut peer = Vec::new();
    for kind in [2, 3] {
        attribute(&mut peer, kind, &words(&[word(random)]));
    }
    if random.chance(50) {
        attribute(&mut peer, 1, b"");
        for kind in [4, 5] {
            attribute(&mut peer, kind, &words(&[word(random)]));
        }
    }
    peer
}

fn xdp(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![44, 3, 0, 0];
    bytes.extend(some_words(random, 3));
    if random.chance(80) {
        let interface = *random.pick(&[0, 1, 99]);
        attribute(&mut bytes, 1, &words(&[interface, word(random)]));
    }
    for (kind, count) in [(2, 1), (3, 1), (4, 1), (5, 10), (6, 1), (7, 1), (9, 12)] {
        if random.chance(60) {
            let content = some_words(random, count);
            attribute(&mut bytes, kind, &content);
        }
    }
    if random.chance(70) {
        let content = memory(random);
        attribute(&mut bytes, 8, &content);
    }
    finish(random, bytes, 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_and_a_seed_gives_it_again() {
        for (table, row) in TABLES {
            let give = |seed| answer(&mut Random::new(seed), row, 20);
            assert!(give(3).ends_with(&done()[4..]), "{table}");
            assert_eq!(give(3), give(3), "{table}");
            assert_ne!(give(3), give(4), "{table}");
        }
    }
}
