//! Rules and chains of nftables (`include/uapi/linux/netfilter/nf_tables.h`), as far as they throw packets
//! away: the verdict, and the counter in front of it.
//!
//! Numbers in these attributes are in network order. Minimum kernel version: 3.13.

use plumb_model::firewall::{Refuser, Verdict, Wants};
use plumb_model::{Known, Reason};

use super::frame::attributes;
use super::request::Request;

/// `NFNL_SUBSYS_NFTABLES << 8`.
const NFTABLES: u16 = 10 << 8;
const GET_CHAIN: u16 = NFTABLES | 4;
const GET_RULE: u16 = NFTABLES | 7;
/// `NFT_MSG_NEWCHAIN`: a row of the chains.
pub const NEW_CHAIN: u16 = NFTABLES | 3;
/// `NFT_MSG_NEWRULE`: a row of the rules.
pub const NEW_RULE: u16 = NFTABLES | 6;
/// Bytes of `struct nfgenmsg`.
const HEAD_BYTES: usize = 4;
/// `NF_DROP`.
const DROP: u32 = 0;

/// `NFTA_CHAIN_*`.
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_POLICY: u16 = 5;
const CHAIN_COUNTERS: u16 = 8;
/// `NFTA_COUNTER_PACKETS`.
const COUNTER_PACKETS: u16 = 2;
/// `NFTA_RULE_*`.
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;
const RULE_EXPRESSIONS: u16 = 4;
/// `NFTA_LIST_ELEM`, `NFTA_EXPR_NAME`, `NFTA_EXPR_DATA`.
const ELEMENT: u16 = 1;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
/// `NFTA_MATCH_NAME`: a match of iptables.
const MATCH_NAME: u16 = 1;
/// `NFTA_IMMEDIATE_DATA`, `NFTA_DATA_VERDICT`, `NFTA_VERDICT_CODE`.
const IMMEDIATE_DATA: u16 = 2;
const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;

/// `NFTA_CHAIN_HOOK`, `NFTA_HOOK_HOOKNUM`.
const CHAIN_HOOK: u16 = 4;
const HOOK_NUMBER: u16 = 1;
/// `NFTA_META_DREG`, `NFTA_META_KEY`, and `NFT_META_L4PROTO`.
const META_REGISTER: u16 = 1;
const META_KEY: u16 = 2;
const META_PROTOCOL: u32 = 16;
/// `NFTA_PAYLOAD_*`, and `NFT_PAYLOAD_TRANSPORT_HEADER`.
const PAYLOAD_REGISTER: u16 = 1;
const PAYLOAD_BASE: u16 = 2;
const PAYLOAD_OFFSET: u16 = 3;
const PAYLOAD_LEN: u16 = 4;
const TRANSPORT: u32 = 2;
/// `NFTA_CMP_*`, `NFT_CMP_EQ`, `NFTA_DATA_VALUE`.
const COMPARE_REGISTER: u16 = 1;
const COMPARE_OPERATION: u16 = 2;
const COMPARE_DATA: u16 = 3;
const IS_EQUAL: u32 = 0;
const DATA_VALUE: u16 = 1;

/// A base chain: family, table, name, and the hook at which packets come to it.
pub type Hooked = (&'static str, Vec<u8>, Vec<u8>, u32);

/// Asks for every chain of every table.
pub fn encode_chains() -> Vec<u8> {
    Request::dump(GET_CHAIN, &[0; HEAD_BYTES]).finish()
}

/// Asks for every rule of every table.
pub fn encode_rules() -> Vec<u8> {
    Request::dump(GET_RULE, &[0; HEAD_BYTES]).finish()
}

/// Decodes a chain whose policy is to drop; `None` for all others.
pub fn decode_dropping_chain(payload: &[u8]) -> Option<Refuser> {
    let (head, rest) = payload.split_at_checked(HEAD_BYTES)?;
    let of = |wanted: u16| find(rest, wanted);
    if be32(of(CHAIN_POLICY)?)? != DROP {
        return None;
    }
    let packets = of(CHAIN_COUNTERS)
        .and_then(|counters| find(counters, COUNTER_PACKETS))
        .and_then(be64);
    Some(Refuser {
        family: family(*head.first()?),
        table: name(of(CHAIN_TABLE)?),
        chain: name(of(CHAIN_NAME)?),
        handle: 0,
        verdict: Verdict::Drop,
        packets: packets.map_or(Known::Unknown(Reason::NotInSource), Known::Known),
        by_chance: false,
        hook: decode_hook(payload).map(|(.., hook)| hook),
        wants: Wants::default(),
    })
}

/// Decodes where packets come to a chain; `None` for one that others jump to. The numbers of IPv4, IPv6 and both alone are
/// told: other families have others.
pub fn decode_hook(payload: &[u8]) -> Option<Hooked> {
    let (head, rest) = payload.split_at_checked(HEAD_BYTES)?;
    let of = |wanted: u16| find(rest, wanted);
    let hook = be32(find(of(CHAIN_HOOK)?, HOOK_NUMBER)?)?;
    let family = family(*head.first()?);
    let known = matches!(family, "ip" | "ip6" | "inet");
    known.then_some((family, name(of(CHAIN_TABLE)?), name(of(CHAIN_NAME)?), hook))
}

/// What a register was loaded with.
#[derive(Clone, Copy)]
enum Loaded {
    Protocol,
    Port,
}

/// Gives what an expression loads a register with that a rule may ask for.
fn loads(expression: &[u8], data: &[u8]) -> Option<(u32, Loaded)> {
    let of = |wanted: u16| find(data, wanted).and_then(be32);
    match expression {
        b"meta" if of(META_KEY)? == META_PROTOCOL => Some((of(META_REGISTER)?, Loaded::Protocol)),
        b"payload" => {
            let [base, at, len] = [PAYLOAD_BASE, PAYLOAD_OFFSET, PAYLOAD_LEN].map(of);
            let is_port = (base?, at?, len?) == (TRANSPORT, 2, 2);
            is_port.then_some((of(PAYLOAD_REGISTER)?, Loaded::Port))
        }
        _ => None,
    }
}

/// Notes what a comparison asks for, of what was loaded.
fn compare(wants: &mut Wants, data: &[u8], (register, loaded): (u32, Loaded)) -> Option<()> {
    let of = |wanted: u16| find(data, wanted).and_then(be32);
    if of(COMPARE_REGISTER)? != register || of(COMPARE_OPERATION)? != IS_EQUAL {
        return None;
    }
    let value = find(find(data, COMPARE_DATA)?, DATA_VALUE)?;
    match loaded {
        Loaded::Protocol => wants.protocol = value.first().copied(),
        Loaded::Port => wants.port = value.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)),
    }
    Some(())
}

/// Decodes a rule that drops or rejects; `None` for all others.
pub fn decode_refusing_rule(payload: &[u8]) -> Option<Refuser> {
    let (head, rest) = payload.split_at_checked(HEAD_BYTES)?;
    let of = |wanted: u16| find(rest, wanted);
    let mut packets = Known::Unknown(Reason::NotInSource);
    let mut verdict = None;
    let mut by_chance = false;
    let (mut wants, mut loaded) = (Wants::default(), None);
    for (_, expression) in attributes(of(RULE_EXPRESSIONS)?).filter(|(kind, _)| *kind == ELEMENT) {
        let data = find(expression, EXPRESSION_DATA).unwrap_or(&[]);
        let expression = name(find(expression, EXPRESSION_NAME)?);
        // What something else makes of a register is not followed.
        let next = loads(&expression, data);
        match expression.as_slice() {
            b"counter" => {
                if let Some(count) = find(data, COUNTER_PACKETS).and_then(be64) {
                    packets = Known::Known(count);
                }
            }
            b"numgen" => by_chance = true,
            b"match" if find(data, MATCH_NAME).map(name).as_deref() == Some(b"statistic") => {
                by_chance = true;
            }
            b"reject" => verdict = Some(Verdict::Reject),
            b"immediate" if drops(data) => verdict = Some(Verdict::Drop),
            b"cmp" => {
                let _ = loaded.and_then(|loaded| compare(&mut wants, data, loaded));
            }
            _ => {}
        }
        loaded = next;
    }
    Some(Refuser {
        family: family(*head.first()?),
        table: name(of(RULE_TABLE)?),
        chain: name(of(RULE_CHAIN)?),
        handle: of(RULE_HANDLE).and_then(be64)?,
        verdict: verdict?,
        packets,
        by_chance,
        hook: None,
        wants,
    })
}

fn drops(immediate: &[u8]) -> bool {
    let verdict = find(immediate, IMMEDIATE_DATA).and_then(|data| find(data, DATA_VERDICT));
    verdict
        .and_then(|verdict| find(verdict, VERDICT_CODE))
        .and_then(be32)
        == Some(DROP)
}

fn find(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut found = attributes(bytes).filter(|(kind, _)| *kind == wanted);
    found.next().map(|(_, payload)| payload)
}

fn be32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn be64(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Cuts a string at its NUL.
fn name(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|&b| b == 0).next().unwrap_or(bytes).to_vec()
}

/// Names an `NFPROTO_*` number.
fn family(number: u8) -> &'static str {
    match number {
        1 => "inet",
        2 => "ip",
        3 => "arp",
        5 => "netdev",
        7 => "bridge",
        10 => "ip6",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Frame, Frames};
    use super::*;

    /// A rule as the kernel sends it: `ip lab in … counter packets 7 drop`.
    fn rule(verdict: u32) -> Vec<u8> {
        rule_with(b"counter\0", COUNTER_PACKETS, &7_u64.to_be_bytes(), verdict)
    }

    /// A rule with one expression, which has one attribute, and a verdict.
    fn rule_with(expression: &[u8], attribute: u16, value: &[u8], verdict: u32) -> Vec<u8> {
        let message = Request::single(NEW_RULE, &[2, 0, 0, 0])
            .attribute(RULE_TABLE, b"lab\0")
            .attribute(RULE_CHAIN, b"in\0")
            .attribute(RULE_HANDLE, &4_u64.to_be_bytes())
            .nested(RULE_EXPRESSIONS, |list| {
                list.nested(ELEMENT, |element| {
                    element
                        .attribute(EXPRESSION_NAME, expression)
                        .nested(EXPRESSION_DATA, |data| data.attribute(attribute, value))
                })
                .nested(ELEMENT, |expression| {
                    expression
                        .attribute(EXPRESSION_NAME, b"immediate\0")
                        .nested(EXPRESSION_DATA, |data| {
                            data.nested(IMMEDIATE_DATA, |data| {
                                data.nested(DATA_VERDICT, |data| {
                                    data.attribute(VERDICT_CODE, &verdict.to_be_bytes())
                                })
                            })
                        })
                })
            })
            .finish();
        let Some(Frame::Data { payload, .. }) = Frames::new(&message).next() else {
            panic!("one message");
        };
        payload.to_vec()
    }

    #[test]
    fn a_rule_that_drops_is_told_with_its_counter_and_one_that_accepts_is_not() {
        let dropping = decode_refusing_rule(&rule(DROP)).expect("it drops");
        assert_eq!(
            (dropping.table.as_slice(), dropping.chain.as_slice()),
            (&b"lab"[..], &b"in"[..])
        );
        assert_eq!((dropping.handle, dropping.packets), (4, Known::Known(7)));
        assert_eq!(decode_refusing_rule(&rule(1)), None);
    }

    #[test]
    fn a_rule_that_counts_or_rolls_dice_drops_by_chance() {
        let decides = |expression: &[u8], value: &[u8]| {
            let rule = decode_refusing_rule(&rule_with(expression, MATCH_NAME, value, DROP));
            rule.expect("it drops").by_chance
        };
        assert!(decides(b"numgen\0", &1_u32.to_be_bytes()));
        assert!(decides(b"match\0", b"statistic\0"));
        assert!(!decides(b"match\0", b"conntrack\0"));
        assert!(!decides(b"limit\0", &1_u64.to_be_bytes()));
    }

    #[test]
    fn what_a_rule_asks_for_is_what_it_compares_with_what_it_loaded() {
        type List = fn(Request) -> Request;
        let wants = |port: u16| {
            let register = 1_u32.to_be_bytes();
            let compare = |list: Request, value: &[u8]| {
                list.nested(ELEMENT, |element| {
                    element
                        .attribute(EXPRESSION_NAME, b"cmp\0")
                        .nested(EXPRESSION_DATA, |data| {
                            data.attribute(COMPARE_REGISTER, &register)
                                .attribute(COMPARE_OPERATION, &IS_EQUAL.to_be_bytes())
                                .nested(COMPARE_DATA, |data| data.attribute(DATA_VALUE, value))
                        })
                })
            };
            let protocol: List = |list| {
                list.nested(ELEMENT, |element| {
                    element
                        .attribute(EXPRESSION_NAME, b"meta\0")
                        .nested(EXPRESSION_DATA, |data| {
                            data.attribute(META_REGISTER, &1_u32.to_be_bytes())
                                .attribute(META_KEY, &META_PROTOCOL.to_be_bytes())
                        })
                })
            };
            let port_of: List = |list| {
                list.nested(ELEMENT, |element| {
                    element.attribute(EXPRESSION_NAME, b"payload\0").nested(
                        EXPRESSION_DATA,
                        |data| {
                            data.attribute(PAYLOAD_REGISTER, &1_u32.to_be_bytes())
                                .attribute(PAYLOAD_BASE, &TRANSPORT.to_be_bytes())
                                .attribute(PAYLOAD_OFFSET, &2_u32.to_be_bytes())
                                .attribute(PAYLOAD_LEN, &2_u32.to_be_bytes())
                        },
                    )
                })
            };
            let reject: List = |list| {
                list.nested(ELEMENT, |element| {
                    element.attribute(EXPRESSION_NAME, b"reject\0")
                })
            };
            let message = Request::single(NEW_RULE, &[2, 0, 0, 0])
                .attribute(RULE_TABLE, b"lab\0")
                .attribute(RULE_CHAIN, b"in\0")
                .attribute(RULE_HANDLE, &4_u64.to_be_bytes())
                .nested(RULE_EXPRESSIONS, |list| {
                    let list = compare(protocol(list), &[6]);
                    reject(compare(port_of(list), &port.to_be_bytes()))
                })
                .finish();
            let Some(Frame::Data { payload, .. }) = Frames::new(&message).next() else {
                panic!("one message");
            };
            decode_refusing_rule(payload).expect("it rejects").wants
        };
        let (protocol, port) = (Some(6), Some(8080));
        assert_eq!(wants(8080), Wants { protocol, port });
    }

    #[test]
    fn every_cut_is_survived() {
        let mut bytes = rule(DROP);
        while bytes.pop().is_some() {
            let _ = decode_refusing_rule(&bytes);
            let _ = decode_dropping_chain(&bytes);
            let _ = decode_hook(&bytes);
        }
    }
}
