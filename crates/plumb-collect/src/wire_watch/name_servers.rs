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
#[derive(Debug, Default)]
pub(super) struct NameServers {
    waiting: FxHashMap<Question, Instant>,
    /// Those that were answered, by host of the client: who asks again may do so from another port.
    answered: FxHashSet<(IpAddr, SocketAddr, u16)>,
    servers: FxHashMap<SocketAddr, NameServer>,
}

impl NameServers {
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
                let Some(asked) = self.waiting.remove(&key) else {
                    return;
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
