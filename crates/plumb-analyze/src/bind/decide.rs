//! The decision: address and privilege, then every socket on the port.

use super::address::{self, AddressSettings, Checked};
use super::likely::Likely;
use super::overlap::overlap;
use super::udp::{self, Verdict};
use super::{Answer, Attempt, Decision, Overlap, Protocol, Rival, Rule, tcp, vrf};

/// Decides about one port. `rivals` are the sockets on it in the same namespace, in the order of the dump.
pub fn decide(attempt: &Attempt, settings: &AddressSettings, rivals: &[Rival]) -> Decision {
    let device = match address::check(attempt, settings) {
        Checked::Fine(device) => device,
        Checked::Refused(rule) => return Decision::by(Answer::No, rule),
        Checked::Unsure(rule) => return Decision::by(Answer::Unsure, rule),
    };
    let attempt = Attempt { device, ..*attempt };
    let mut decision = Decision::by(Answer::Yes, Rule::Free);
    let mut verdicts = Vec::new();
    for rival in rivals {
        let apart = attempt.device != 0 && rival.device != 0 && attempt.device != rival.device;
        let (overlaps, how) = overlap(&attempt, rival);
        let overlaps = overlaps & !in_other_vrf(&attempt, settings, rival);
        if apart || overlaps == Likely::No {
            continue;
        }
        let verdict = match attempt.protocol {
            Protocol::Udp => udp::verdict(&attempt, rival, overlaps),
            Protocol::Tcp if !tcp::has_port(rival) => continue,
            Protocol::Tcp => match tcp::refuses(&attempt, rival) & overlaps {
                Likely::Yes => Verdict::Refuses,
                Likely::No => Verdict::Silent,
                Likely::Unsure => Verdict::Unsure,
            },
        };
        verdicts.push((rival.ip.is_ipv6(), verdict));
        decision.note(rival.place, how, verdict, overlaps);
    }
    decision.answer = match attempt.protocol {
        Protocol::Udp => udp::answer(&attempt, &verdicts),
        Protocol::Tcp => all_must_agree(&decision),
    };
    decision.rule = match decision.answer {
        Answer::Yes if decision.shares.is_empty() => Rule::Free,
        Answer::Yes if attempt.reuse_addr => Rule::SharedByReuseAddr,
        Answer::Yes => Rule::SharedByReusePort,
        Answer::No | Answer::Unsure => Rule::InUse,
    };
    decision
}

/// Says whether a VRF keeps a socket out of our way.
fn in_other_vrf(attempt: &Attempt, settings: &AddressSettings, rival: &Rival) -> Likely {
    match attempt.protocol {
        Protocol::Udp => Likely::No,
        Protocol::Tcp => vrf::tcp_keeps_apart(
            &settings.vrfs,
            settings.tcp_l3mdev_accept,
            (attempt.device, rival.device),
        ),
    }
}

/// Decides about port 0, for which the kernel chooses: `rivals_of` gives the sockets on a port.
/// `ports` are those of the range that are not reserved.
pub fn any_port(
    attempt: &Attempt,
    settings: &AddressSettings,
    ports: impl IntoIterator<Item = u16>,
    mut rivals_of: impl FnMut(u16) -> Vec<Rival>,
) -> Decision {
    // Flags do not help: a port that was not asked for is shared with nobody.
    let alone = Attempt {
        reuse_addr: false,
        reuse_port: false,
        ..*attempt
    };
    let mut unsure = false;
    for port in ports {
        // Port 0 needs no privilege, so none of those it may become is looked at for that.
        let attempt = Attempt {
            port,
            privileged: plumb_model::Known::Known(true),
            ..alone
        };
        let decision = decide(&attempt, settings, &rivals_of(port));
        match (decision.answer, decision.rule) {
            (Answer::Yes, _) => return Decision::by(Answer::Yes, Rule::Free),
            (Answer::No, Rule::InUse) => {}
            (Answer::Unsure, Rule::InUse | Rule::Vrf) => unsure = true,
            // The address is at fault, which every port would say.
            _ => return decision,
        }
    }
    let answer = if unsure { Answer::Unsure } else { Answer::No };
    Decision::by(answer, Rule::RangeExhausted)
}

fn all_must_agree(decision: &Decision) -> Answer {
    if !decision.blockers.is_empty() {
        Answer::No
    } else if !decision.unsure.is_empty() {
        Answer::Unsure
    } else {
        Answer::Yes
    }
}

impl Decision {
    fn by(answer: Answer, rule: Rule) -> Self {
        Self {
            answer,
            rule,
            blockers: Vec::new(),
            unsure: Vec::new(),
            shares: Vec::new(),
        }
    }

    fn note(&mut self, place: usize, how: Overlap, verdict: Verdict, overlaps: Likely) {
        match verdict {
            Verdict::Refuses => self.blockers.push((place, how)),
            Verdict::Unsure => self.unsure.push((place, how)),
            Verdict::LetsIn => self.shares.push((place, how)),
            Verdict::Silent if overlaps == Likely::Yes => self.shares.push((place, how)),
            Verdict::Silent => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use plumb_model::rtnl::{Address, Route, RouteType};
    use plumb_model::socket::SocketState;
    use plumb_model::{Known, Uid};

    use super::super::Vrf;
    use super::*;

    /// Interface 9 is a VRF with table 10, and 8 belongs to it. It has 10.0.0.1; outside of it is 10.0.0.2.
    fn settings(accept: bool) -> AddressSettings {
        let vrf = Vrf {
            device: 9,
            table: Some(10),
            members: vec![8],
        };
        let route = |table, ip: [u8; 4]| Route {
            destination: Some(IpAddr::from(ip)),
            prefix_len: 32,
            table,
            kind: RouteType::LOCAL,
            family: 2,
            protocol: 2,
            scope: 254,
            source: None,
            gateway: None,
            interface: None,
            priority: None,
            mtu: None,
            hop_limit: None,
            expires_s: None,
            is_learned: false,
            next_hops: Vec::new(),
        };
        let address = |interface, ip: [u8; 4]| Address {
            interface,
            ip: IpAddr::from(ip),
            prefix_len: 24,
            scope: 0,
            flags: 0,
        };
        AddressSettings {
            unprivileged_start: Known::Known(1024),
            nonlocal_v4: Known::Known(false),
            nonlocal_v6: Known::Known(false),
            addresses: vec![address(8, [10, 0, 0, 1]), address(2, [10, 0, 0, 2])],
            routes: vec![route(10, [10, 0, 0, 1]), route(255, [10, 0, 0, 2])],
            interfaces: vec![1, 2, 8, 9],
            vrfs: vec![vrf],
            tcp_l3mdev_accept: Known::Known(accept),
        }
    }

    fn attempt(protocol: Protocol, ip: [u8; 4], device: u32) -> Attempt {
        Attempt {
            protocol,
            ip: IpAddr::from(ip),
            scope_id: 0,
            port: 8080,
            reuse_addr: false,
            reuse_port: false,
            v6only: false,
            device,
            uid: Uid(0),
            privileged: Known::Known(true),
        }
    }

    fn decided(protocol: Protocol, accept: bool, device: u32, rival_device: u32) -> Answer {
        let any = [0, 0, 0, 0];
        let rival = Rival {
            place: 0,
            ip: IpAddr::from(any),
            device: rival_device,
            state: SocketState::LISTEN,
            is_stub: false,
            uid: Known::Known(Uid(0)),
            reuse_addr: Known::Known(false),
            reuse_port: Known::Known(false),
            v6only: Known::Known(false),
        };
        decide(&attempt(protocol, any, device), &settings(accept), &[rival]).answer
    }

    #[test]
    fn tcp_keeps_the_ports_of_a_vrf_apart_unless_told_otherwise() {
        for (device, rival, accept, answer) in [
            (9, 0, false, Answer::Yes),
            (8, 0, false, Answer::Yes),
            (0, 9, false, Answer::Yes),
            (9, 0, true, Answer::No),
            (0, 8, true, Answer::No),
            (9, 9, false, Answer::No),
            (8, 9, false, Answer::Yes),
            (2, 0, false, Answer::No),
        ] {
            let said = decided(Protocol::Tcp, accept, device, rival);
            assert_eq!(said, answer, "{device} beside {rival}, accept {accept}");
        }
    }

    #[test]
    fn udp_keeps_nothing_apart_but_interfaces() {
        for (device, rival, answer) in [(9, 0, Answer::No), (0, 8, Answer::No), (9, 8, Answer::Yes)]
        {
            let said = decided(Protocol::Udp, false, device, rival);
            assert_eq!(said, answer, "{device} beside {rival}");
        }
    }

    #[test]
    fn an_address_is_that_of_the_vrf_the_socket_is_bound_to() {
        let (inside, outside) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        for (ip, device, rule) in [
            (inside, 9, Rule::Free),
            (inside, 8, Rule::Free),
            (inside, 0, Rule::AddressInOtherVrf),
            (outside, 9, Rule::AddressInOtherVrf),
            (outside, 0, Rule::Free),
            ([10, 0, 0, 3], 9, Rule::AddressNotLocal),
        ] {
            let decision = decide(&attempt(Protocol::Tcp, ip, device), &settings(false), &[]);
            assert_eq!(decision.rule, rule, "{ip:?} on {device}");
        }
        let mut settings = settings(false);
        settings.vrfs[0].table = None;
        let decision = decide(&attempt(Protocol::Tcp, inside, 9), &settings, &[]);
        assert_eq!(
            (decision.answer, decision.rule),
            (Answer::Unsure, Rule::Vrf)
        );
    }
}
