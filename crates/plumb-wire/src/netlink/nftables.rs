//! Rules and chains of nftables (`include/uapi/linux/netfilter/nf_tables.h`), as far as they throw packets
//! away: the verdict, and the counter in front of it.
//!
//! Numbers in these attributes are in network order. Minimum kernel version: 3.13.

use plumb_model::firewall::{Refuser, Verdict};
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
    })
}

/// Decodes a rule that drops or rejects; `None` for all others.
pub fn decode_refusing_rule(payload: &[u8]) -> Option<Refuser> {
    let (head, rest) = payload.split_at_checked(HEAD_BYTES)?;
    let of = |wanted: u16| find(rest, wanted);
    let mut packets = Known::Unknown(Reason::NotInSource);
    let mut verdict = None;
    let mut by_chance = false;
    for (_, expression) in attributes(of(RULE_EXPRESSIONS)?).filter(|(kind, _)| *kind == ELEMENT) {
        let data = find(expression, EXPRESSION_DATA).unwrap_or(&[]);
        match name(find(expression, EXPRESSION_NAME)?).as_slice() {
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
            _ => {}
        }
    }
    Some(Refuser {
        family: family(*head.first()?),
        table: name(of(RULE_TABLE)?),
        chain: name(of(RULE_CHAIN)?),
        handle: of(RULE_HANDLE).and_then(be64)?,
        verdict: verdict?,
        packets,
        by_chance,
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
    fn every_cut_is_survived() {
        let mut bytes = rule(DROP);
        while bytes.pop().is_some() {
            let _ = decode_refusing_rule(&bytes);
            let _ = decode_dropping_chain(&bytes);
        }
    }
}
