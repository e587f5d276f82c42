//! The decision: address and privilege, then every socket on the port.

use super::address::{self, AddressSettings, Checked};
use super::likely::Likely;
use super::overlap::overlap;
use super::udp::{self, Verdict};
use super::{Answer, Attempt, Decision, Overlap, Protocol, Rival, Rule, tcp};

/// Decides about one port. `rivals` are the sockets on it in the same namespace, in the order of the dump.
pub fn decide(attempt: &Attempt, settings: &AddressSettings, rivals: &[Rival]) -> Decision {
    if let Some(unsure) = in_a_vrf(attempt, settings, rivals) {
        return unsure;
    }
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

/// Gives the answer where a VRF has a part in it: unknown, with all who may be in the way. `None` where none has.
fn in_a_vrf(attempt: &Attempt, settings: &AddressSettings, rivals: &[Rival]) -> Option<Decision> {
    let is_in = |device: u32| settings.vrf_interfaces.contains(&device);
    let devices = [attempt.device, attempt.scope_id].into_iter();
    let mut devices = devices.chain(rivals.iter().map(|rival| rival.device));
    devices.any(is_in).then(|| {
        let places = rivals
            .iter()
            .map(|rival| (rival.place, overlap(attempt, rival).1));
        Decision {
            unsure: places.collect(),
            ..Decision::by(Answer::Unsure, Rule::Vrf)
        }
    })
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
    use std::net::{IpAddr, Ipv4Addr};

    use plumb_model::socket::SocketState;
    use plumb_model::{Known, Uid};

    use super::*;

    /// Interface 9 belongs to a VRF.
    fn decided(device: u32, rival_device: Option<u32>) -> (Answer, Rule, usize) {
        let settings = AddressSettings {
            unprivileged_start: Known::Known(1024),
            nonlocal_v4: Known::Known(false),
            nonlocal_v6: Known::Known(false),
            addresses: Vec::new(),
            local_routes: Vec::new(),
            interfaces: vec![1, 2, 9],
            vrf_interfaces: vec![9],
        };
        let attempt = Attempt {
            protocol: Protocol::Tcp,
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            scope_id: 0,
            port: 8080,
            reuse_addr: false,
            reuse_port: false,
            v6only: false,
            device,
            uid: Uid(0),
            privileged: Known::Known(true),
        };
        let rival = |device| Rival {
            place: 0,
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            device,
            state: SocketState::LISTEN,
            is_stub: false,
            uid: Known::Known(Uid(0)),
            reuse_addr: Known::Known(false),
            reuse_port: Known::Known(false),
            v6only: Known::Known(false),
        };
        let rivals: Vec<Rival> = rival_device.map(rival).into_iter().collect();
        let decision = decide(&attempt, &settings, &rivals);
        (decision.answer, decision.rule, decision.unsure.len())
    }

    #[test]
    fn where_a_vrf_has_a_part_nothing_is_guessed() {
        assert_eq!(decided(9, None), (Answer::Unsure, Rule::Vrf, 0));
        assert_eq!(decided(0, Some(9)), (Answer::Unsure, Rule::Vrf, 1));
        assert_eq!(decided(0, Some(2)), (Answer::No, Rule::InUse, 0));
        assert_eq!(decided(1, Some(2)), (Answer::Yes, Rule::Free, 0));
    }
}
