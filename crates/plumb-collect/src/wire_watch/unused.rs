//! Resets of connections that were not used: who checks whether a server is there connects and leaves so.
//!
//! The numbers behind both SYNs say that nothing was exchanged (RFC 9293 3.4). A reset that answers a segment for a
//! socket that is gone has no acknowledgement number, and so is none of these.

use std::net::SocketAddr;

use plumb_model::notice::What;
use plumb_wire::packet::{Numbers, Told};
use rustc_hash::FxHashMap;

use super::MOST_FLOWS;

/// The first numbers of both directions of the connections that were opened in the watch, by sender and receiver.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Of those who opened them.
    syns: FxHashMap<(SocketAddr, SocketAddr), u32>,
    /// Of those who answered.
    syn_acks: FxHashMap<(SocketAddr, SocketAddr), u32>,
}

impl Opened {
    /// Notes SYNs, and says what a packet is, in the light of those before. Of SYNs for which there is no room resets
    /// are plain ones.
    pub fn judge(&mut self, told: &Told) -> What {
        let Some(numbers) = told.numbers else {
            return told.what;
        };
        let numbered = match told.what {
            What::Syn => &mut self.syns,
            What::SynAck => &mut self.syn_acks,
            What::Reset if self.is_unused(told, numbers) => return What::ResetUnused,
            _ => return told.what,
        };
        let ends = (told.from, told.to);
        if numbered.len() < MOST_FLOWS || numbered.contains_key(&ends) {
            numbered.insert(ends, numbers.sequence);
        }
        told.what
    }

    fn is_unused(&self, told: &Told, numbers: Numbers) -> bool {
        let behind = |first: Option<&u32>| first.map(|first| first.wrapping_add(1));
        let sent = behind(self.syns.get(&(told.from, told.to)));
        let came = behind(self.syn_acks.get(&(told.to, told.from)));
        sent == Some(numbers.sequence) && came.is_some() && came == numbers.acknowledged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reset is of who opened a connection, or of who took it, by its numbers; the connection began with 100 and
    /// the greatest number there is.
    fn judged(is_client: bool, sequence: u32, acknowledged: Option<u32>) -> What {
        let ends = [
            SocketAddr::from(([10, 0, 0, 1], 40_000)),
            SocketAddr::from(([10, 0, 0, 2], 80)),
        ];
        let told = |what, is_client: bool, sequence, acknowledged| Told {
            what,
            protocol: 6,
            from: ends[usize::from(!is_client)],
            to: ends[usize::from(is_client)],
            is_inside: false,
            numbers: Some(Numbers {
                sequence,
                acknowledged,
            }),
        };
        let mut opened = Opened::default();
        opened.judge(&told(What::Syn, true, 100, None));
        opened.judge(&told(What::SynAck, false, u32::MAX, Some(101)));
        opened.judge(&told(What::Reset, is_client, sequence, acknowledged))
    }

    #[test]
    fn who_connects_and_leaves_has_not_used_the_connection() {
        assert_eq!(judged(true, 101, Some(0)), What::ResetUnused);
        // He sent a byte; he got one; data of ours came when he was gone.
        assert_eq!(judged(true, 102, Some(0)), What::Reset);
        assert_eq!(judged(true, 101, Some(1)), What::Reset);
        assert_eq!(judged(true, 101, None), What::Reset);
        // A server that turns away whom it accepted.
        assert_eq!(judged(false, 0, Some(101)), What::Reset);
    }
}
