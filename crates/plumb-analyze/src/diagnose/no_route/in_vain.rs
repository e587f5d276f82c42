//! Whether a host is tried again and again and never answers: then one word of a router, which limits how often it speaks, is
//! enough.

use std::collections::HashSet;
use std::net::IpAddr;

use plumb_model::notice::{Direction, Notice, What};
use plumb_model::socket::SocketState;

use super::SEVERAL;
use crate::diagnose::flow::{Flow, lasting};
use crate::diagnose::{Case, sockets};

/// Says whether this host tried to connect to another several times, and nothing came of any of it. What waited when the
/// watch began is an attempt as well: who tries once a second may begin one other in a watch.
pub(super) fn is_tried(case: &Case<'_>, ip: IpAddr) -> bool {
    let at_host = |notice: &&Notice| notice.peer.ip().to_canonical() == ip;
    let syns = case.notices.of(Direction::Sent, |what| what == What::Syn);
    let syns: Vec<&Notice> = syns.filter(at_host).collect();
    let seen: HashSet<_> = syns.iter().map(|syn| sockets::plain(syn.local)).collect();
    let waited = sockets::tcp(case.span.before, SocketState::SYN_SENT).filter(|(_, socket)| {
        let ends = socket.local.inet().zip(socket.peer.inet());
        ends.is_some_and(|(local, peer)| {
            peer.ip().to_canonical() == ip && !seen.contains(&sockets::plain(local))
        })
    });
    let tries = syns.iter().map(|syn| syn.count).sum::<u64>();
    let tries = tries.saturating_add(u64::try_from(waited.count()).unwrap_or(u64::MAX));
    let answers =
        |what: What| what.is_reset() || matches!(what, What::SynAck | What::Refusal | What::Syn);
    let mut came = case.notices.of(Direction::Received, answers);
    let talks = |flow: Flow<'_>| flow.host() == Some(ip) && flow.is.segs_in != flow.was.segs_in;
    tries >= SEVERAL && !came.any(|notice| at_host(&notice)) && !lasting(case).any(talks)
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::Notices;
    use plumb_model::rtnl::Address;
    use plumb_model::sample::Sample;
    use plumb_model::snapshot::End;

    use super::super::{ID, check};
    use super::*;
    use crate::counters::concerned::tests::socket;
    use crate::made_up;

    /// What is found where a router says that it knows no way for the one attempt of a watch, and `waited` others waited
    /// when that began.
    fn told_once(waited: u16, answered: bool) -> Vec<&'static str> {
        let attempt = |number: u16| {
            let mut socket = socket(SocketState::SYN_SENT, 40_000 + number, (0, 0), [0; 9]);
            socket.local = End::Inet(([10, 0, 0, 1], 40_000 + number).into());
            socket.peer = End::Inet(([10, 7, 0, 1], 80).into());
            socket
        };
        let mut before = Sample::default();
        before.snapshot.sockets = (1..=waited).map(attempt).collect();
        let mut after = Sample::default();
        after.snapshot.sockets = vec![attempt(9)];
        after.addresses = vec![Address {
            ip: [10, 0, 0, 1].into(),
            prefix_len: 24,
            interface: 2,
            scope: 0,
            flags: 0,
        }];
        let notice = |what, direction| Notice {
            what,
            direction,
            protocol: 6,
            local: ([10, 0, 0, 1], 40_009).into(),
            peer: ([10, 7, 0, 1], 80).into(),
            interface: 2,
            count: 1,
            age_us: 900_000,
            last_age_us: 900_000,
        };
        let by = [10, 0, 0, 254].into();
        let unreachable = What::Unreachable { code: 0, by };
        let mut all = vec![
            notice(What::Syn, Direction::Sent),
            notice(unreachable, Direction::Received),
        ];
        all.extend(answered.then(|| notice(What::SynAck, Direction::Received)));
        let notices = Notices {
            all,
            ..Notices::default()
        };
        let found = check(&Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        });
        found.into_iter().map(|found| found.kind).collect()
    }

    #[test]
    fn one_word_of_a_router_is_enough_where_an_attempt_waited_before_the_watch() {
        assert_eq!(told_once(1, false), [ID]);
        assert_eq!(told_once(0, false), [""; 0]);
        assert_eq!(told_once(1, true), [""; 0]);
    }
}
