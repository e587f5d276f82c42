//! Questions and answers of the domain name system, matched by their ends and their number.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use plumb_model::notice::NameServer;
use plumb_wire::packet::NamePacket;
use rustc_hash::{FxHashMap, FxHashSet};

/// What a server says when it could not: FORMERR, SERVFAIL, NOTIMP, REFUSED. NXDOMAIN is an answer.
const FAILURES: [u8; 4] = [1, 2, 4, 5];
/// A question without an answer for so long is unanswered.
const PATIENCE: Duration = Duration::from_secs(1);
/// Questions that are kept while they wait.
const MOST: usize = 65_536;

/// Client, server, number.
type Question = (SocketAddr, SocketAddr, u16);

/// What was asked so far.
#[derive(Debug)]
pub(super) struct NameServers {
    /// When the watch began: a question that it did not see was asked before.
    began: Instant,
    waiting: FxHashMap<Question, Instant>,
    /// Those that were answered, by host of the client: who asks again may do so from another port.
    answered: FxHashSet<(IpAddr, SocketAddr, u16)>,
    servers: FxHashMap<SocketAddr, NameServer>,
}

impl NameServers {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            waiting: FxHashMap::default(),
            answered: FxHashSet::default(),
            servers: FxHashMap::default(),
        }
    }

    /// Notes a packet: questions of ours as they leave, answers as they come.
    pub(super) fn note(&mut self, packet: &NamePacket, outgoing: bool) {
        let key = (packet.client, packet.server, packet.id);
        let host = (packet.client.ip(), packet.server, packet.id);
        match packet.answer {
            None if outgoing && self.waiting.len() < MOST => {
                // A question that is sent again waits since the first time.
                self.waiting.entry(key).or_insert_with(Instant::now);
                let again = self.answered.remove(&host);
                let server = self.server(packet.server);
                server.questions += 1;
                server.unheard += u64::from(again);
            }
            Some(code) if !outgoing => {
                let asked = match self.waiting.remove(&key) {
                    Some(asked) => asked,
                    // A second answer is none; one to a question that was not seen took at least so long.
                    None if self.answered.contains(&host) => return,
                    None => self.began,
                };
                if self.answered.len() < MOST {
                    self.answered.insert(host);
                }
                let us = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
                let server = self.server(packet.server);
                server.answers += 1;
                server.failures += u64::from(FAILURES.contains(&code));
                server.total_us = server.total_us.saturating_add(us);
                server.slowest_us = server.slowest_us.max(us);
            }
            _ => {}
        }
    }

    fn server(&mut self, server: SocketAddr) -> &mut NameServer {
        self.servers.entry(server).or_insert(NameServer {
            server,
            questions: 0,
            answers: 0,
            failures: 0,
            unanswered: 0,
            unheard: 0,
            total_us: 0,
            slowest_us: 0,
        })
    }

    /// Gives the servers in a fixed order; what waits too long is unanswered.
    pub(super) fn finish(mut self) -> Vec<NameServer> {
        let old: Vec<SocketAddr> = self
            .waiting
            .iter()
            .filter(|(_, asked)| asked.elapsed() >= PATIENCE)
            .map(|((_, server, _), _)| *server)
            .collect();
        for server in old {
            self.server(server).unanswered += 1;
        }
        let mut servers: Vec<NameServer> = self.servers.into_values().collect();
        servers.sort_unstable_by_key(|server| server.server);
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(id: u16, answer: Option<u8>) -> NamePacket {
        NamePacket {
            client: ([10, 0, 0, 1], 40_000).into(),
            server: ([10, 0, 0, 53], 53).into(),
            id,
            answer,
        }
    }

    #[test]
    fn an_answer_to_a_question_from_before_the_watch_counts_and_took_as_long_as_that_at_least() {
        let mut servers = NameServers::new();
        servers.began = Instant::now()
            .checked_sub(Duration::from_millis(1_200))
            .expect("the machine is up for longer");
        servers.note(&packet(1, Some(0)), false);
        // The same again, and one that was seen.
        servers.note(&packet(1, Some(0)), false);
        servers.note(&packet(2, None), true);
        servers.note(&packet(2, Some(0)), false);
        let all = servers.finish();
        assert_eq!((all[0].questions, all[0].answers), (1, 2));
        assert!((1_200_000..60_000_000).contains(&all[0].slowest_us));
    }
}
