//! Random words for netstat's command line: mostly meaningful, often combined, sometimes wrong.

use crate::random::Random;

/// Letters that change what is shown.
const MODIFIERS: &[u8] = b"aalnnnNeeeoppvWW46tuUwSxgdFC";
/// Every letter, and some that are none.
const LETTERS: &[u8] = b"CFMadeghilnNoprsStuUvVwWx2f46Z?AmITbLkq0=-";
/// Long options, the original's table.
const LONG: &[&str] = &[
    "ax25",
    "x25",
    "ip",
    "ipx",
    "appletalk",
    "netrom",
    "inet",
    "inet6",
    "ddp",
    "rose",
    "unix",
    "bluetooth",
    "tcpip",
    "version",
    "interfaces",
    "help",
    "route",
    "masquerade",
    "protocol",
    "tcp",
    "sctp",
    "udp",
    "udplite",
    "raw",
    "l2cap",
    "rfcomm",
    "listening",
    "all",
    "timers",
    "continuous",
    "extend",
    "programs",
    "verbose",
    "statistics",
    "wide",
    "numeric",
    "numeric-hosts",
    "numeric-ports",
    "numeric-users",
    "symbolic",
    "cache",
    "fib",
    "groups",
    "context",
];
/// Words for -A, right and wrong.
const FAMILIES: &[&str] = &[
    "inet",
    "inet6",
    "ip",
    "ip6",
    "tcpip",
    "unix",
    "ipx",
    "ax25",
    "x25",
    "netrom",
    "rose",
    "ddp",
    "appletalk",
    "econet",
    "ash",
    "bluetooth",
    "bogus",
    "",
    "INET",
    "inet ",
    "ec",
];

/// Gives the words after `netstat`.
pub(super) fn words(random: &mut Random) -> Vec<String> {
    let mut words = Vec::new();
    if random.chance(80) {
        words.push(sensible(random));
    }
    for _ in 0..random.below(3) {
        let word = match random.below(10) {
            0..=3 => cluster(random, MODIFIERS, 4),
            4 => cluster(random, LETTERS, 4),
            5 | 6 => long(random),
            7 => {
                words.push("-A".to_owned());
                families(random)
            }
            8 => format!("-A{}", families(random)),
            _ => odd(random),
        };
        words.push(word);
    }
    words
}

/// A mode with modifiers, in one cluster.
fn sensible(random: &mut Random) -> String {
    let mode = *random.pick(&["", "", "", "", "r", "s", "i", "g", "M", "x", "S"]);
    let modifiers = cluster(random, MODIFIERS, 6);
    let repeat = if random.chance(1) { "c" } else { "" };
    format!("-{mode}{repeat}{}", &modifiers[1..])
}

fn cluster(random: &mut Random, letters: &[u8], longest: usize) -> String {
    let count = random.between(1, longest);
    let letters = (0..count).map(|_| char::from(*random.pick(letters)));
    std::iter::once('-').chain(letters).collect()
}

fn long(random: &mut Random) -> String {
    let name = *random.pick(LONG);
    // One that repeats itself takes long; it comes often enough by its letter.
    let name = if name == "continuous" {
        "numeric"
    } else {
        name
    };
    let len = if random.chance(40) {
        random.between(1, name.len())
    } else {
        name.len()
    };
    let argument = match random.below(8) {
        0 => format!("={}", families(random)),
        _ => String::new(),
    };
    format!("--{}{argument}", &name[..len])
}

fn families(random: &mut Random) -> String {
    let count = random.between(1, 3);
    // Wrong words end the program; most lists shall have none.
    let known = if random.chance(20) { FAMILIES.len() } else { 6 };
    let list: Vec<&str> = (0..count)
        .map(|_| *random.pick(&FAMILIES[..known]))
        .collect();
    list.join(",")
}

fn odd(random: &mut Random) -> String {
    const ODD: &[&str] = &[
        "5",
        "eth0",
        "--",
        "-",
        "",
        "--bogus",
        "--all=1",
        "--num",
        "-?",
        "--i",
        "--u",
        "--tc",
        "--route=5",
        "---",
        "--=",
        "-\u{e9}",
        "--protocol",
        "-A",
    ];
    (*random.pick(ODD)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_command_lines_are_short_and_all_modes_come() {
        let mut random = Random::new(1);
        let lines: Vec<Vec<String>> = (0..500).map(|_| words(&mut random)).collect();
        assert!(lines.iter().all(|line| line.len() <= 5));
        for letter in ["-r", "-s", "-i", "-g", "-M", "-S"] {
            assert!(
                lines.iter().flatten().any(|word| word.starts_with(letter)),
                "{letter}"
            );
        }
    }
}
