//! Random words for ss's command line: mostly meaningful, often combined, sometimes wrong.
//!
//! `-E` never comes among them: it runs until it is killed.

use super::filters;
use crate::random::Random;

/// Letters that make a sensible listing.
const MODIFIERS: &[u8] = b"aaannnnlooeeemiiipTHHOOb46tttuwx0dSMrs";
/// Every letter but `D` and `E`, and some that are none.
const LETTERS: &[u8] = b"hVvnralBoemipTbZzNsKHQO460xtuwdSMfAFYg?-=1";
/// Long options.
#[rustfmt::skip]
const LONG: &[&str] = &[
    "help", "version", "numeric", "resolve", "all", "listening", "bound-inactive", "options",
    "extended", "memory", "processes", "threads", "info", "bpf", "context", "contexts", "net",
    "summary", "kill", "no-header", "no-queues", "oneline", "ipv4", "ipv6", "packet", "unix",
    "tcp", "udp", "raw", "dccp", "sctp", "mptcp", "tipc", "vsock", "xdp", "family", "query",
    "socket", "filter", "tos", "cgroup", "inet-sockopt", "tipcinfo", "bpf-maps",
];
/// Words for -A.
#[rustfmt::skip]
const TABLES: &[&str] = &[
    "tcp", "udp", "tcp", "all", "inet", "dccp", "mptcp", "sctp", "raw", "unix", "unix_stream",
    "u_str", "unix_dgram", "u_dgr", "unix_seqpacket", "u_seq", "packet", "packet_raw", "p_raw",
    "packet_dgram", "p_dgr", "netlink", "tipc", "vsock", "vsock_stream", "v_str", "vsock_dgram",
    "v_dgr", "xdp",
];
/// Words for -f.
#[rustfmt::skip]
const FAMILIES: &[&str] = &[
    "inet", "inet6", "link", "unix", "netlink", "vsock", "tipc", "xdp", "help", "bogus", "",
];

/// Gives the words after `ss`.
pub(super) fn words(random: &mut Random) -> Vec<String> {
    let mut words = Vec::new();
    if random.chance(85) {
        words.push(cluster(random, MODIFIERS, 8));
    }
    for _ in 0..*random.pick(&[0, 0, 1, 1, 2, 3]) {
        one_more(random, &mut words);
    }
    if random.chance(45) {
        filters::operands(random, &mut words);
    }
    if random.chance(10) {
        let at = random.below(words.len() + 1);
        words.insert(at, cluster(random, MODIFIERS, 3));
    }
    words
}

fn one_more(random: &mut Random, words: &mut Vec<String>) {
    match random.below(16) {
        0 | 1 => words.push(cluster(random, MODIFIERS, 4)),
        2 => words.push(cluster(random, LETTERS, 3)),
        3..=5 => words.push(long(random)),
        6 | 7 => words.extend(["-A".to_owned(), tables(random)]),
        8 => words.push(format!("-A{}", tables(random))),
        9 => words.extend(["-f".to_owned(), (*random.pick(FAMILIES)).to_owned()]),
        10 => words.push(format!("--family={}", random.pick(FAMILIES))),
        11 => words.extend([
            "-F".to_owned(),
            (*random.pick(&["filter", "-", "none"])).to_owned(),
        ]),
        12 | 13 => words.push((*random.pick(&["--tos", "--cgroup", "--inet-sockopt"])).to_owned()),
        14 => words.extend([
            "-D".to_owned(),
            (*random.pick(&["dump", "none/x"])).to_owned(),
        ]),
        _ => words.push(odd(random)),
    }
}

fn cluster(random: &mut Random, letters: &[u8], longest: usize) -> String {
    let count = random.between(1, longest);
    let letters = (0..count).map(|_| char::from(*random.pick(letters)));
    std::iter::once('-').chain(letters).collect()
}

fn long(random: &mut Random) -> String {
    let name = *random.pick(LONG);
    let len = if random.chance(40) {
        random.between(1, name.len())
    } else {
        name.len()
    };
    // An abbreviation of --events would never end, one of --diag would write somewhere.
    if "events".starts_with(&name[..len]) || "diag".starts_with(&name[..len]) {
        return "--all".to_owned();
    }
    let argument = match random.below(10) {
        0 => format!("={}", tables(random)),
        1 => format!("={}", random.pick(FAMILIES)),
        _ => String::new(),
    };
    format!("--{}{argument}", &name[..len])
}

fn tables(random: &mut Random) -> String {
    let mut names = Vec::new();
    for _ in 0..random.between(1, 4) {
        let sign = if random.chance(15) { "!" } else { "" };
        let name = if random.chance(5) {
            *random.pick(&["", "bogus", "TCP", "tcp "])
        } else {
            *random.pick(TABLES)
        };
        names.push(format!("{sign}{name}"));
    }
    names.join(",")
}

fn odd(random: &mut Random) -> String {
    #[rustfmt::skip]
    const ODD: &[&str] = &[
    "--", "-", "", "--bogus", "--all=1", "--li", "--ip", "--no", "--tcp=1", "-?", "--=", "---",
    "-\u{e9}", "-A", "-f", "-N", "--net", "-1", "--fam=inet6", "--inet", "--so=tcp",
    "--bpf-map-id=1", "--tc", "--t", "--con",
    ];
    (*random.pick(ODD)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_runs_for_ever_and_most_lines_list_something() {
        let mut random = Random::new(1);
        let lines: Vec<Vec<String>> = (0..2_000).map(|_| words(&mut random)).collect();
        for word in lines.iter().flatten() {
            let is_cluster = word.starts_with('-') && !word.starts_with("--");
            assert!(!is_cluster || !word.contains('E'), "{word}");
            assert!(!word.starts_with("--ev"), "{word}");
        }
        let listing = lines
            .iter()
            .filter(|line| line.iter().any(|word| word.contains('t')));
        assert!(listing.count() > 1_000);
    }
}
