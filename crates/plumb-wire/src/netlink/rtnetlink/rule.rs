//! `RTM_NEWRULE`: routing rules (`linux/fib_rules.h`).

use std::net::IpAddr;

use plumb_model::rtnl::{Dscp, Prefix, Rule, RuleAction};

use super::super::frame::{attributes, u16_at, u32_at};
use super::{ip, name, word};

/// Bytes of `struct fib_rule_hdr`.
const BODY_BYTES: usize = 12;
/// `RTM_NEWRULE`.
pub const NEW_RULE: u16 = 32;

const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_FLOW: u16 = 11;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_PAD: u16 = 18;
const FRA_L3MDEV: u16 = 19;
const FRA_UID_RANGE: u16 = 20;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;
/// Since 6.13: the six bits of the DSCP.
const FRA_DSCP: u16 = 25;
/// Since 6.14: which bits of the flow label count.
const FRA_FLOWLABEL_MASK: u16 = 27;
/// Since 6.15: which bits of a port count. All do where `ip rule` was given a port alone.
const FRA_SPORT_MASK: u16 = 28;
const FRA_DPORT_MASK: u16 = 29;
/// Since 6.15: which of them count; before, all do.
const FRA_DSCP_MASK: u16 = 30;
/// `FIB_RULE_INVERT`.
const INVERT: u32 = 2;

/// Decodes the payload of a message.
pub fn decode_rule(payload: &[u8]) -> Option<Rule> {
    let &[
        family,
        destination_len,
        source_len,
        tos,
        table,
        _,
        _,
        action,
    ] = payload.first_chunk::<8>()?;
    let mut rule = Rule {
        family,
        action: RuleAction(action),
        table: table.into(),
        inverted: u32_at(payload, 8)? & INVERT != 0,
        tos,
        ..Rule::default()
    };
    let (mut mark, mut mask) = (None, u32::MAX);
    let (mut dscp, mut dscp_mask) = (None, Dscp::ALL_BITS);
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            FRA_DST => rule.destination = prefix(ip(value), destination_len),
            FRA_SRC => rule.source = prefix(ip(value), source_len),
            FRA_IIFNAME => rule.incoming = Some(name(value)),
            FRA_OIFNAME => rule.outgoing = Some(name(value)),
            FRA_PRIORITY => rule.priority = word(value).unwrap_or(0),
            FRA_FWMARK => mark = word(value),
            FRA_FWMASK => mask = word(value).unwrap_or(mask),
            // All bits set stands for "suppresses nothing".
            FRA_SUPPRESS_PREFIXLEN => {
                rule.suppress_prefix_len = word(value).filter(|&len| len != u32::MAX);
            }
            FRA_TABLE => rule.table = word(value).unwrap_or(rule.table),
            FRA_L3MDEV => rule.l3mdev = value.first().is_some_and(|&on| on != 0),
            FRA_UID_RANGE => rule.users = u32_at(value, 0).zip(u32_at(value, 4)),
            FRA_IP_PROTO => rule.protocol = value.first().copied(),
            FRA_SPORT_RANGE => rule.source_ports = u16_at(value, 0).zip(u16_at(value, 2)),
            FRA_DPORT_RANGE => rule.destination_ports = u16_at(value, 0).zip(u16_at(value, 2)),
            FRA_GOTO => rule.target = word(value),
            FRA_DSCP => dscp = value.first().copied(),
            FRA_DSCP_MASK => dscp_mask = value.first().copied().unwrap_or(dscp_mask),
            // What it sets and who made it are no tests; the mask comes with what it masks.
            FRA_FLOW | FRA_PROTOCOL | FRA_PAD | FRA_FLOWLABEL_MASK => {}
            FRA_SUPPRESS_IFGROUP if word(value) == Some(u32::MAX) => {}
            FRA_SPORT_MASK | FRA_DPORT_MASK if u16_at(value, 0) == Some(u16::MAX) => {}
            other => rule.other_tests.push(other),
        }
    }
    rule.mark = mark.filter(|_| mask != 0).map(|mark| (mark, mask));
    rule.dscp = dscp.map(|value| Dscp {
        value,
        mask: dscp_mask,
    });
    Some(rule)
}

fn prefix(ip: Option<IpAddr>, len: u8) -> Option<Prefix> {
    Some(Prefix { ip: ip?, len })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_its_tests_and_its_table() {
        let mut payload = vec![2, 0, 24, 0, 100, 0, 0, 1, 2, 0, 0, 0];
        payload.extend([8, 0, 2, 0, 10, 1, 2, 0, 8, 0, 6, 0, 0xe8, 3, 0, 0]);
        payload.extend([8, 0, 10, 0, 7, 0, 0, 0, 8, 0, 15, 0, 44, 1, 0, 0]);
        payload.extend([8, 0, 14, 0, 255, 255, 255, 255]);
        payload.extend([8, 0, 24, 0, 80, 0, 90, 0]);
        let rule = decode_rule(&payload).expect("a whole message");
        assert_eq!((rule.priority, rule.table), (1000, 300));
        assert_eq!(rule.action.word(), Some("lookup"));
        assert!(rule.inverted);
        assert_eq!(rule.source.map(|source| source.len), Some(24));
        assert_eq!(rule.mark, Some((7, u32::MAX)));
        assert_eq!(rule.suppress_prefix_len, None);
        assert_eq!(rule.destination_ports, Some((80, 90)));
        assert_eq!(decode_rule(&payload[..11]), None);
    }

    #[test]
    fn a_dscp_of_none_is_a_test_and_its_mask_may_be_missing() {
        let rule = |attributes: &[u8]| {
            let mut payload = vec![2, 0, 0, 0, 100, 0, 0, 1, 0, 0, 0, 0];
            payload.extend(attributes);
            decode_rule(&payload).expect("a whole message").dscp
        };
        assert_eq!(rule(&[]), None);
        let dscp = |value, mask| Some(Dscp { value, mask });
        assert_eq!(rule(&[5, 0, 25, 0, 0, 0, 0, 0]), dscp(0, 63));
        let masked = [5, 0, 25, 0, 40, 0, 0, 0, 5, 0, 30, 0, 56, 0, 0, 0];
        assert_eq!(rule(&masked), dscp(40, 56));
    }

    #[test]
    fn a_jump_has_its_target_and_tests_nobody_knows_are_kept() {
        let mut payload = vec![2, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, 0];
        payload.extend([8, 0, 4, 0, 200, 0, 0, 0]);
        payload.extend([5, 0, 21, 0, 4, 0, 0, 0, 8, 0, 13, 0, 255, 255, 255, 255]);
        payload.extend([6, 0, 29, 0, 255, 255, 0, 0, 8, 0, 99, 0, 1, 0, 0, 0]);
        let rule = decode_rule(&payload).expect("a whole message");
        assert_eq!((rule.action, rule.target), (RuleAction::GOTO, Some(200)));
        assert_eq!(rule.tos, 16);
        assert_eq!(rule.other_tests, [99]);
    }
}
