//! Random states and filter expressions, valid and not.

use crate::random::Random;

#[rustfmt::skip]
const STATES: &[&str] = &[
    "established", "syn-sent", "syn-recv", "syn-rcv", "fin-wait-1", "fin-wait-2", "time-wait",
    "close", "closed", "unconnected", "close-wait", "last-ack", "listening", "closing", "unknown",
    "all", "connected", "synchronized", "bucket", "big", "LISTENING", "Established", "listen",
    "bogus", "",
];
#[rustfmt::skip]
const HOSTS: &[&str] = &[
    "10.0.0.1", "10.1.2.3", "10.1.2.3:22", "10", "10/8", "127.1", "127/8", "0.0.0.0", "0.0.0.0/0",
    "192.168.100.200:*", "*", "*:22", ":22", "[::1]", "[::1]:443", "[::1]443", "::1", "::1/128",
    "[::ffff:10.1.2.3]", "[2001:db8::1]/64:80", "2001:db8::/32", "any", "all", "default",
    "localhost", "localhost:ssh", "nosuchhost", "inet:10.1.2.3", "inet6:[::1]", "inet6:10.1.2.3",
    "unix:*", "unix:/run/*", "link:ip:lo", "netlink:rtnl:kernel", "vsock:1:2", "/run/*", "@*",
    "10.0.0.0/255.0.0.0", "10.0.0.0/255.0.255.0", "10.0.0.1/33", "[::1", "::/0", "[::]:*",
    "0x0a000001", "10.1.2.3:http", "256.1.1.1", "1.2.3.4.5", "", "bogus:*", "[*]:1", "arp:lo",
    "300:lo", "0:kernel", "6:12", "-:-", ":", "inet:", "inet::22", "10.1.2.3:0", "::ffff:1.2.3.4",
    "all:80", "/run/with\\ space.sock", "\\*:22", "unix:\\", "/run/[a-m]*", "@?*", "UNIX:*",
];
#[rustfmt::skip]
const PORTS: &[&str] = &[
    "22", ":22", "0", "1001", ":8080", "ssh", ":ssh", "http", "http-alt", "https", "*", ":*",
    "0x16", "022", "65535", "65536", "70000", "-1", "2147483647", "2147483648", "nosuch", ":", "",
    "inet:22", "unix:1", "22x", "alpha", "beta", "eth0", "lo", "kernel", "4294967295",
    "99999999999", "netlink:kernel", "link:lo", "vsock:1", "+5", " 22",
];
#[rustfmt::skip]
const DEVICES: &[&str] = &[
    "lo", "1", "0", "77", "if1", "if99", "nosuch", "-1", "if", "2",
];
#[rustfmt::skip]
const MARKS: &[&str] = &[
    "0", "1", "0x10", "0x10/0xff", "4660/0xffff", "zz", "1/", "/1", "1/zz", "-1", "010",
];
#[rustfmt::skip]
const CGROUPS: &[&str] = &["/", "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/proc", "/none", "", "."];
const SIGNS: &[&str] = &[
    "=", "==", "eq", "!=", "ne", "neq", ">=", "ge", "geq", "<=", "le", "leq", ">", "gt", "<", "lt",
];

/// Appends state operands and an expression.
pub(super) fn operands(random: &mut Random, words: &mut Vec<String>) {
    for _ in 0..*random.pick(&[0, 0, 0, 1, 1, 2]) {
        let word = *random.pick(&["state", "state", "exclude", "excl"]);
        words.push(word.to_owned());
        let usual = if random.chance(93) {
            STATES.len() - 3
        } else {
            STATES.len()
        };
        words.push((*random.pick(&STATES[..usual])).to_owned());
    }
    if random.chance(75) {
        let tokens = expression(random);
        spell(random, &tokens, words);
    }
}

/// Gives lines for a filter file.
pub(super) fn file(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..random.below(4) {
        match random.below(8) {
            0 => text.push_str("# a comment"),
            1 => text.push_str("0 looks like one, too"),
            2 => {}
            3 => text.push_str("  "),
            4 if random.chance(10) => text.push_str(&" sport = :22 and".repeat(64)),
            _ => text.push_str(&expression(random).join(" ")),
        }
        text.push('\n');
    }
    if random.chance(10) {
        text.pop();
    }
    text.into_bytes()
}

/// Gives the tokens of an expression; now and then one is lost, doubled or wrong.
fn expression(random: &mut Random) -> Vec<String> {
    let mut tokens = Vec::new();
    list(random, &mut tokens, 3);
    if random.chance(10) && !tokens.is_empty() {
        let at = random.below(tokens.len());
        match random.below(3) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[at].clone()),
            _ => tokens[at] = wrong(random),
        }
    }
    tokens
}

fn wrong(random: &mut Random) -> String {
    (*random.pick(&["(", ")", "not", "or", "bogus", "sport", "="])).to_owned()
}

fn list(random: &mut Random, tokens: &mut Vec<String>, depth: usize) {
    term(random, tokens, depth);
    for _ in 0..*random.pick(&[0, 0, 0, 1, 1, 2, 3]) {
        let between = *random.pick(&["and", "or", "&", "&&", "|", "||", "", ""]);
        if !between.is_empty() {
            tokens.push(between.to_owned());
        }
        term(random, tokens, depth);
    }
}

fn term(random: &mut Random, tokens: &mut Vec<String>, depth: usize) {
    match random.below(8) {
        0 if depth > 0 => {
            tokens.push("(".to_owned());
            list(random, tokens, depth - 1);
            tokens.push(")".to_owned());
        }
        1 if depth > 0 => {
            tokens.push((*random.pick(&["!", "not"])).to_owned());
            term(random, tokens, depth - 1);
        }
        _ => test(random, tokens),
    }
}

fn test(random: &mut Random, tokens: &mut Vec<String>) {
    let (keyword, signs, values): (&str, &[&str], &[&str]) = match random.below(12) {
        0..=2 => (
            *random.pick(&["src", "dst"]),
            &["=", "==", "eq", "=", "!="],
            HOSTS,
        ),
        3..=7 => (*random.pick(&["sport", "dport"]), SIGNS, PORTS),
        8 => ("dev", &SIGNS[..6], DEVICES),
        9 => ("fwmark", &SIGNS[..6], MARKS),
        10 => ("cgroup", &SIGNS[..6], CGROUPS),
        _ => {
            tokens.push("autobound".to_owned());
            return;
        }
    };
    // The first values are right, the later ones less so.
    let usual = if random.chance(80) {
        values.len() * 2 / 5
    } else {
        values.len()
    };
    tokens.push(keyword.to_owned());
    if random.chance(70) {
        let common = if random.chance(95) {
            signs.len().min(3)
        } else {
            signs.len()
        };
        let signs = if keyword.ends_with("port") {
            signs
        } else {
            &signs[..common]
        };
        tokens.push((*random.pick(signs)).to_owned());
    }
    tokens.push((*random.pick(&values[..usual.max(1)])).to_owned());
}

/// Spreads tokens over operands: blanks and tabs between them, or an operand each.
fn spell(random: &mut Random, tokens: &[String], words: &mut Vec<String>) {
    let mut word = String::new();
    for (index, token) in tokens.iter().enumerate() {
        word.push_str(token);
        if index + 1 == tokens.len() || random.chance(40) {
            words.push(std::mem::take(&mut word));
        } else {
            word.push_str(random.pick::<&str>(&[" ", " ", "  ", "\t"]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tokens_come_back_from_any_spelling() {
        let mut random = Random::new(5);
        for _ in 0..200 {
            let tokens = expression(&mut random);
            let mut words = Vec::new();
            spell(&mut random, &tokens, &mut words);
            let again: Vec<String> = words
                .join(" ")
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            let expected: Vec<&str> = tokens
                .iter()
                .flat_map(|token| token.split_whitespace())
                .collect();
            assert_eq!(again, expected);
        }
    }
}
