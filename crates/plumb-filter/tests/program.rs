//! The kernel's program: its bytes, and that it decides as evaluation does. The interpreter follows the
//! rules of linux/inet_diag.h: forward jumps, and the end reached exactly means the row is sent.

mod machine;

use machine::{EPHEMERAL, Socket, parse};
use plumb_filter::{Family, Verdict, bytecode};
use proptest::prelude::*;

fn program(text: &str, extended: bool) -> Option<Vec<u8>> {
    let parsed = parse(text, extended).expect("the filter is well formed");
    bytecode(&parsed.expr.expect("the filter is not empty"))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0);
    digits
        .chunks(2)
        .map(|pair| u8::try_from(value(pair[0]) << 4 | value(pair[1])).unwrap_or(0))
        .collect()
}

/// Programs that ss 6.1 was seen to send (little-endian machine, bytes it leaves to chance zeroed).
#[test]
fn programs_are_the_originals() {
    for (filter, bytes) in [
        (
            "( sport = :22 or sport = :8080 ) and not dst 10.0.0.0/8",
            "07101400 00000000 16000000 00000000 01041400 07102800 00000000 901f0000 00000000
             08101400 02080000 ffffffff 0a000000 01040800",
        ),
        (
            "src [::1]:22",
            "071c2000 0a800000 16000000 00000000 00000000 00000000 00000001",
        ),
        ("sport = *", "07101400 00000000 ffffffff 00000000"),
        ("sport >= *", "02080c00 0000ffff"),
        ("sport le 70000", "03080c00 00007011"),
        ("dport > 5", "05080c00 00000500 01040800"),
        ("fwmark 0x10/0xff", "0a0c1000 10000000 ff000000"),
        ("fwmark ne 5", "0a0c1000 05000000 ffffffff 01040800"),
        ("cgroup /found", "0d0c1000 2a000000 00000000"),
        ("not autobound", "06040800 01040800"),
        (
            "src two",
            "07101400 02200000 ffffffff 0a000001 01042800 07101400 02200000 ffffffff 0a000001
             01041400 07101400 02200000 ffffffff 0a000001",
        ),
        ("src link:ip:lo", "07101400 11200000 01000000 00080000"),
        ("src unix:abc", "07101400 01180000 ffffffff 00000000"),
    ] {
        assert_eq!(program(filter, false), Some(hex(bytes)), "{filter}");
    }
}

#[test]
fn a_device_test_anywhere_means_no_program() {
    assert_eq!(program("sport = 22 and dev lo", false), None);
    assert_eq!(program("dev != lo", false), None);
}

#[test]
fn what_the_kernel_cannot_decide_is_left_out_where_that_is_safe() {
    let port = program("sport = 22", false);
    assert_eq!(program("sport = 22 and pid = 1", true), port);
    assert_eq!(program("pid = 1 sport = 22", true), port);
    assert_eq!(program("pid = 1 or sport = 22", true), None);
    let either = program("sport = 22 or dport = 22", false);
    assert_eq!(program(":22 and pid = 1", true), either);
    assert_eq!(
        program("local = 10.0.0.1", true),
        program("src 10.0.0.1", false)
    );
    assert_eq!(program("not ( sport = 22 and pid = 1 )", true), None);
    assert_eq!(
        program(
            "( sport = 22 and pid = 1 ) or ( sport = 22 and pid = 2 )",
            true
        ),
        program("sport = 22 or sport = 22", false)
    );
}

#[test]
fn a_program_too_long_for_its_attribute_is_not_sent() {
    let long = vec!["sport = 1"; 5_000].join(" or ");
    assert_eq!(program(&long, false), None);
}

/// Runs a program on a row as the kernel does; `None` when the program is malformed.
fn run(program: &[u8], row: &Socket) -> Option<bool> {
    let mut at = 0;
    while at < program.len() {
        let op = program.get(at..at + 4)?;
        let no = usize::from(u16::from_ne_bytes([op[2], op[3]]));
        let arguments = program.get(at + 4..)?;
        let port_at = |limit: &[u8]| i64::from(u16::from_ne_bytes([limit[2], limit[3]]));
        let yes = match op[0] {
            1 => false,
            2 => row.local.1 >= port_at(arguments.get(..4)?),
            3 => row.local.1 <= port_at(arguments.get(..4)?),
            4 => row.peer.1 >= port_at(arguments.get(..4)?),
            5 => row.peer.1 <= port_at(arguments.get(..4)?),
            6 => EPHEMERAL.contains(&row.local.1),
            7 => condition(arguments, row.family, &row.local)?,
            8 => condition(arguments, row.family, &row.peer)?,
            10 => {
                let word = |at: usize| {
                    Some(u32::from_ne_bytes(
                        arguments.get(at..at + 4)?.try_into().ok()?,
                    ))
                };
                row.mark & word(4)? == word(0)?
            }
            _ => return None,
        };
        at += if yes { usize::from(op[1]) } else { no };
    }
    Some(at == program.len())
}

fn condition(arguments: &[u8], family: Family, end: &(Vec<u8>, i64)) -> Option<bool> {
    let port = i32::from_ne_bytes(arguments.get(4..8)?.try_into().ok()?);
    if port != -1 && i64::from(port) != end.1 {
        return Some(false);
    }
    let (wanted, prefix) = (*arguments.first()?, usize::from(*arguments.get(1)?));
    let address = match end
        .0
        .strip_prefix(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
    {
        Some(mapped) if wanted == 2 => mapped,
        _ if wanted != 0 && wanted != family.number() => return Some(false),
        _ => end.0.as_slice(),
    };
    let pattern = arguments.get(8..8 + address.len().min(prefix.div_ceil(8)))?;
    let bit = |bytes: &[u8], index: usize| bytes[index / 8] >> (7 - index % 8) & 1;
    Some((0..prefix).all(|index| bit(pattern, index) == bit(address, index)))
}

/// A filter as the test itself understands it.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(&'static str),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

impl Tree {
    fn spell(&self) -> String {
        match self {
            Self::Leaf(text) => (*text).to_owned(),
            Self::Not(inner) => format!("not ( {} )", inner.spell()),
            Self::And(left, right) => format!("( {} ) and ( {} )", left.spell(), right.spell()),
            Self::Or(left, right) => format!("( {} ) or ( {} )", left.spell(), right.spell()),
        }
    }

    fn holds(&self, row: &Socket) -> bool {
        match self {
            Self::Leaf(text) => {
                let parsed = parse(text, true).expect("a leaf is well formed");
                parsed.expr.expect("a leaf is not empty").evaluate(row) == Verdict::Match
            }
            Self::Not(inner) => !inner.holds(row),
            Self::And(left, right) => left.holds(row) && right.holds(row),
            Self::Or(left, right) => left.holds(row) || right.holds(row),
        }
    }
}

/// Tests on which kernel and user space agree: small ports, one address, no `inet:any`.
const PLAIN: [&str; 14] = [
    "sport = 22",
    "sport != 22",
    "dport >= 443",
    "dport < 443",
    "sport > 22",
    "sport <= 32768",
    "src 10.0.0.1",
    "dst 10.0.0.0/9:443",
    "src [fd00::1]",
    "dst fd00::/12",
    "src any",
    "src = *:22",
    "fwmark 1/3",
    "autobound",
];

const OURS: [&str; 7] = [
    "pid = 1",
    "dev lo",
    "recv-q > 0",
    "state = listen",
    ":22",
    "port != 443",
    "peer = 10.0.0.0/9",
];

fn tree(leaves: Vec<&'static str>) -> impl Strategy<Value = Tree> {
    let leaf = proptest::sample::select(leaves).prop_map(Tree::Leaf);
    leaf.prop_recursive(5, 24, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|inner| Tree::Not(Box::new(inner))),
            pair.clone()
                .prop_map(|(left, right)| Tree::And(Box::new(left), Box::new(right))),
            pair.prop_map(|(left, right)| Tree::Or(Box::new(left), Box::new(right))),
        ]
    })
}

fn row() -> impl Strategy<Value = Socket> {
    let v4 = proptest::sample::select(vec!["10.0.0.1", "10.0.0.2", "10.128.0.1", "127.0.0.1"]);
    let v6 = proptest::sample::select(vec![
        "fd00::1",
        "fd0f::2",
        "fe80::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
    ]);
    let bytes4 = |text: &str| {
        text.parse::<std::net::Ipv4Addr>()
            .expect("an address")
            .octets()
            .to_vec()
    };
    let bytes6 = |text: &str| {
        text.parse::<std::net::Ipv6Addr>()
            .expect("an address")
            .octets()
            .to_vec()
    };
    let ends = prop_oneof![
        (v4.clone(), v4).prop_map(move |(local, peer)| (Family::Inet, bytes4(local), bytes4(peer))),
        (v6.clone(), v6).prop_map(move |(local, peer)| (
            Family::Inet6,
            bytes6(local),
            bytes6(peer)
        )),
    ];
    let port =
        || proptest::sample::select(vec![0_i64, 22, 23, 443, 32_767, 32_768, 60_999, 65_535]);
    (
        ends,
        port(),
        port(),
        0_u32..4,
        0_u32..2,
        0_u64..2,
        prop_oneof![Just(1_u8), Just(10)],
    )
        .prop_map(
            |((family, local, peer), sport, dport, mark, device, recv_q, state)| Socket {
                family,
                local: (local, sport),
                peer: (peer, dport),
                mark,
                device,
                recv_q: Some(recv_q),
                state,
                pids: (vec![device], true),
                ..Socket::tcp()
            },
        )
}

proptest! {
    #[test]
    fn kernel_and_user_space_decide_alike(tree in tree(PLAIN.to_vec()), row in row()) {
        let expr = parse(&tree.spell(), false).expect("well formed").expr.expect("not empty");
        let evaluated = expr.evaluate(&row) == Verdict::Match;
        prop_assert_eq!(evaluated, tree.holds(&row));
        let program = bytecode(&expr).expect("all of it can be compiled");
        prop_assert_eq!(run(&program, &row), Some(evaluated));
    }

    #[test]
    fn the_kernel_never_keeps_back_a_row_that_is_wanted(
        tree in tree(PLAIN.iter().chain(&OURS).copied().collect()),
        row in row(),
    ) {
        let expr = parse(&tree.spell(), true).expect("well formed").expr.expect("not empty");
        let wanted = expr.evaluate(&row) == Verdict::Match;
        prop_assert_eq!(wanted, tree.holds(&row));
        let sent = bytecode(&expr).map_or(Some(true), |program| run(&program, &row));
        prop_assert!(sent == Some(true) || sent == Some(false) && !wanted);
    }

    #[test]
    fn a_chain_is_read_from_left_to_right(
        leaves in proptest::collection::vec(proptest::sample::select(PLAIN.to_vec()), 1..6),
        joins in proptest::collection::vec(0..3_usize, 5),
        row in row(),
    ) {
        let mut text = leaves[0].to_owned();
        let mut tree = Tree::Leaf(leaves[0]);
        for (leaf, join) in leaves.iter().skip(1).zip(joins) {
            text = format!("{text} {} {leaf}", ["and", "or", ""][join]);
            let right = Box::new(Tree::Leaf(leaf));
            tree = if join == 1 { Tree::Or(Box::new(tree), right) } else { Tree::And(Box::new(tree), right) };
        }
        let expr = parse(&text, false).expect("well formed").expr.expect("not empty");
        prop_assert_eq!(expr.evaluate(&row) == Verdict::Match, tree.holds(&row));
    }
}
