//! Which routing rule decides about a packet of this host, and by which route of its table.
//!
//! The kernel tells the route it would take, not the rule, and of an unreachable one nothing but an
//! error. So the rules are walked as `fib_rules_lookup` does: from the lowest priority, each that matches is
//! asked, and the longest prefix of its table decides; of equal ones the lowest metric. `goto` leads further
//! down. Where a rule has a test that cannot be made here, nothing behind it is guessed.

use std::net::IpAddr;

use plumb_model::rtnl::{Route, RouteType, Rule, RuleAction};

/// What rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where it goes.
    pub destination: IpAddr,
    /// Its source, where a socket chose one.
    pub source: Option<IpAddr>,
    /// The interface a socket is bound to: its name and index.
    pub interface: Option<(&'a [u8], u32)>,
    /// Its mark.
    pub mark: u32,
    /// Whose socket sends it.
    pub uid: u32,
    /// IP protocol.
    pub protocol: u8,
    /// Destination port; 0 for none.
    pub port: u16,
    /// Type of service.
    pub tos: u8,
}

/// What decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The route of its table; `None` where the rule itself refuses.
    pub route: Option<&'a Route>,
}

/// A rule that may decide, by what cannot be seen from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// What it asks for, in the words of `ip rule`.
    pub test: String,
}

/// The bits of the type of service that are not for congestion.
const DS_FIELD: u8 = 0xfc;
/// `throw`: as if the table had no such route.
const THROW: u8 = 9;

/// Finds rule and route; `None` when no table has a way, `Err` when a rule on the way cannot be told.
pub fn decide_route<'a>(
    rules: &'a [Rule],
    routes: &'a [Route],
    packet: &Packet<'_>,
) -> Result<Option<Decided<'a>>, Undecided<'a>> {
    let mut asked: Vec<&Rule> = rules.iter().collect();
    asked.sort_by_key(|rule| rule.priority);
    let mut rest = asked.as_slice();
    while let [rule, behind @ ..] = rest {
        rest = behind;
        if !matches(rule, packet)? {
            continue;
        }
        match (rule.action, rule.action.word()) {
            (RuleAction::LOOKUP, _) => {
                let found = in_table(rule, routes, packet);
                if let Some(route) = found {
                    let route = Some(route);
                    return Ok(Some(Decided { rule, route }));
                }
            }
            (RuleAction::GOTO, _) => rest = target(rule, behind),
            (_, Some("blackhole" | "unreachable" | "prohibit")) => {
                return Ok(Some(Decided { rule, route: None }));
            }
            (_, Some(_)) => {}
            (action, None) => {
                let test = format!("action {}", action.0);
                return Err(Undecided { rule, test });
            }
        }
    }
    Ok(None)
}

/// Gives the rules from the target of a jump on. A target that is not there is passed over by the kernel,
/// and there is no way back up.
fn target<'r, 'a>(rule: &Rule, behind: &'r [&'a Rule]) -> &'r [&'a Rule] {
    let is_target = |other: &&Rule| Some(other.priority) == rule.target;
    let place = behind.iter().position(is_target);
    place
        .and_then(|place| behind.get(place..))
        .unwrap_or(behind)
}

fn in_table<'a>(rule: &Rule, routes: &'a [Route], packet: &Packet<'_>) -> Option<&'a Route> {
    let bound = packet.interface.map(|(_, index)| index);
    let fits = |route: &&Route| {
        let leaves_by = |index| {
            route.interface == Some(index)
                || route.next_hops.iter().any(|hop| hop.interface == index)
        };
        route.table == rule.table
            && !route.is_learned
            && route.covers(packet.destination)
            // What is for this host itself is so whatever the socket is bound to.
            && (route.kind != RouteType::UNICAST || bound.is_none_or(leaves_by))
    };
    let best = routes
        .iter()
        .filter(fits)
        .min_by_key(|route| (u8::MAX - route.prefix_len, route.priority.unwrap_or(0)))?;
    let suppressed = rule
        .suppress_prefix_len
        .is_some_and(|len| u32::from(best.prefix_len) <= len);
    (best.kind.0 != THROW && !suppressed).then_some(best)
}

/// Says whether a rule is for a packet; `Err` where that hangs on a test that cannot be made here.
fn matches<'a>(rule: &'a Rule, packet: &Packet<'_>) -> Result<bool, Undecided<'a>> {
    let within = |range: Option<(u16, u16)>, port: u16| {
        range.is_none_or(|(first, last)| port != 0 && (first..=last).contains(&port))
    };
    let interface = packet.interface.map(|(name, _)| name);
    let all = [
        rule.destination
            .is_none_or(|prefix| prefix.contains(packet.destination)),
        rule.source
            .is_none_or(|prefix| packet.source.is_some_and(|source| prefix.contains(source))),
        // What this host sends comes "in" by loopback.
        rule.incoming.as_deref().is_none_or(|name| name == b"lo"),
        rule.outgoing
            .as_deref()
            .is_none_or(|name| interface == Some(name)),
        rule.mark
            .is_none_or(|(mark, mask)| packet.mark & mask == mark),
        rule.users
            .is_none_or(|(first, last)| (first..=last).contains(&packet.uid)),
        rule.protocol
            .is_none_or(|protocol| protocol == packet.protocol),
        within(rule.destination_ports, packet.port),
        // The kernel chooses the source port after the route.
        rule.source_ports.is_none(),
        rule.tos == 0 || rule.tos == packet.tos & DS_FIELD,
        rule.dscp.is_none_or(|dscp| dscp.is_of(packet.tos)),
        // Only a socket that is bound to an interface may be one of a VRF.
        !rule.l3mdev || interface.is_some(),
    ];
    let fits = all.iter().all(|&one| one);
    match unknown_test(rule) {
        Some(test) if fits => Err(Undecided { rule, test }),
        _ => Ok(fits != rule.inverted),
    }
}

/// Names a test of a rule that cannot be made here.
fn unknown_test(rule: &Rule) -> Option<String> {
    if rule.l3mdev {
        return Some("l3mdev".to_owned());
    }
    let kind = *rule.other_tests.first()?;
    Some(Rule::test_word(kind).map_or_else(|| format!("attribute {kind}"), str::to_owned))
}

#[cfg(test)]
mod tests {
    use plumb_model::rtnl::{Dscp, Prefix};

    use super::*;

    fn route(text: &str, len: u8, table: u32, kind: u8) -> Route {
        let ip: IpAddr = text.parse().expect("an address");
        Route {
            family: 2,
            destination: (len > 0).then_some(ip),
            prefix_len: len,
            table,
            kind: RouteType(kind),
            protocol: 0,
            scope: 0,
            source: None,
            gateway: None,
            interface: Some(u32::from(len)),
            priority: None,
            mtu: None,
            hop_limit: None,
            expires_s: None,
            is_learned: false,
            next_hops: Vec::new(),
        }
    }

    fn rule(priority: u32, table: u32) -> Rule {
        Rule {
            priority,
            table,
            action: RuleAction::LOOKUP,
            ..Rule::default()
        }
    }

    fn packet(to: &str) -> Packet<'static> {
        Packet {
            destination: to.parse().expect("an address"),
            source: None,
            interface: None,
            mark: 0,
            uid: 0,
            protocol: 17,
            port: 0,
            tos: 0,
        }
    }

    #[test]
    fn the_longest_prefix_of_the_first_table_that_has_one_decides() {
        let rules = [rule(32766, 254), rule(0, 255), rule(100, 7)];
        let routes = [
            route("0.0.0.0", 0, 254, 1),
            route("10.0.0.0", 8, 254, 1),
            route("10.1.0.0", 16, 7, 9),
            route("10.2.0.0", 16, 7, 7),
        ];
        let decided = |to: &str| {
            let decided = decide_route(&rules, &routes, &packet(to)).expect("every test is known");
            let decided = decided.expect("a default route");
            let route = decided.route.expect("no rule refuses");
            (decided.rule.table, route.prefix_len, route.kind.0)
        };
        assert_eq!(decided("10.9.9.9"), (254, 8, 1));
        assert_eq!(decided("10.1.1.1"), (254, 8, 1), "thrown");
        assert_eq!(decided("10.2.1.1"), (7, 16, 7), "unreachable");
        assert_eq!(decided("8.8.8.8"), (254, 0, 1));
    }

    #[test]
    fn tests_of_rules_count_and_can_be_turned_round() {
        let mut by_source = rule(1, 7);
        by_source.source = Some(Prefix {
            ip: "10.0.0.0".parse().expect("an address"),
            len: 8,
        });
        let routes = [route("0.0.0.0", 0, 7, 1)];
        let to = packet("8.8.8.8");
        assert_eq!(
            decide_route(std::slice::from_ref(&by_source), &routes, &to),
            Ok(None)
        );
        let from = Packet {
            source: "10.3.3.3".parse().ok(),
            ..to.clone()
        };
        assert!(matches!(
            decide_route(std::slice::from_ref(&by_source), &routes, &from),
            Ok(Some(_))
        ));
        by_source.inverted = true;
        assert!(matches!(
            decide_route(std::slice::from_ref(&by_source), &routes, &to),
            Ok(Some(_))
        ));
        by_source.suppress_prefix_len = Some(0);
        assert_eq!(
            decide_route(std::slice::from_ref(&by_source), &routes, &to),
            Ok(None)
        );
    }

    #[test]
    fn a_jump_leads_down_and_one_into_the_void_is_passed_over() {
        let jump = |target| Rule {
            action: RuleAction::GOTO,
            target: Some(target),
            ..rule(10, 0)
        };
        let routes = [route("0.0.0.0", 0, 7, 1), route("0.0.0.0", 0, 8, 1)];
        let table = |target| {
            let rules = [jump(target), rule(20, 7), rule(30, 8)];
            let decided = decide_route(&rules, &routes, &packet("8.8.8.8"));
            let decided = decided.expect("every test is known");
            decided.expect("a default route").rule.table
        };
        assert_eq!(table(30), 8);
        assert_eq!(table(20), 7);
        assert_eq!(table(25), 7, "there is no such rule");
        assert_eq!(table(10), 7, "it does not lead to itself");
    }

    #[test]
    fn a_dscp_is_compared_by_the_bits_that_count() {
        let decided = |value, mask, tos| {
            let dscp = Some(Dscp { value, mask });
            let rules = [
                Rule {
                    dscp,
                    ..rule(10, 7)
                },
                rule(20, 8),
            ];
            let routes = [route("0.0.0.0", 0, 7, 1), route("0.0.0.0", 0, 8, 1)];
            let packet = Packet {
                tos,
                ..packet("8.8.8.8")
            };
            let decided = decide_route(&rules, &routes, &packet).expect("every test is known");
            decided.expect("a default route").rule.table
        };
        // Bits for congestion are none of it.
        assert_eq!(decided(46, Dscp::ALL_BITS, 0xb9), 7);
        assert_eq!(decided(46, Dscp::ALL_BITS, 0xb0), 8);
        assert_eq!(decided(40, 0b11_1000, 0xb8), 7);
        // None is a value: it is not "any".
        assert_eq!(decided(0, Dscp::ALL_BITS, 0), 7);
        assert_eq!(decided(0, Dscp::ALL_BITS, 0x10), 8);
    }

    #[test]
    fn what_cannot_be_tested_is_said_and_not_guessed() {
        let mut odd = rule(10, 7);
        odd.other_tests = vec![12];
        let rules = [odd, rule(20, 8)];
        let routes = [route("0.0.0.0", 0, 8, 1)];
        let undecided = decide_route(&rules, &routes, &packet("8.8.8.8"));
        assert_eq!(
            undecided.map_err(|undecided| undecided.test),
            Err("tun_id".to_owned())
        );
        // Another test already says that the rule is not for it.
        let [mut odd, other] = rules;
        odd.protocol = Some(6);
        let rules = [odd, other];
        let decided = decide_route(&rules, &routes, &packet("8.8.8.8"));
        assert!(matches!(decided, Ok(Some(Decided { rule, .. })) if rule.table == 8));
    }
}
