//! What went to one host, by all connections to it, and how much of it, or of the acknowledgements, was lost.
//!
//! A segment that is sent again and had arrived is acknowledged as such (DSACK, RFC 2883, `tcpi_dsack_dups`). Where
//! fast retransmission was wrong that is reordering (`tcpi_reord_seen`); where a timer was, the acknowledgement of what
//! had arrived was lost. Then nearly every row of timeouts ends with one, while rows of lost segments never do.

use super::SEVERAL;
use super::undone::{self, Word};
use crate::diagnose::Case;
use crate::diagnose::flow::Flow;
use crate::diagnose::rows::{self, Ended};

/// From this share of the segments on, per thousand.
const PER_MILLE: u64 = 10;
/// Two may be enough: where most is lost, from this share on, in percent, or where it goes on for long.
const FEW: u64 = 2;
const MOST_PERCENT: u64 = 20;
/// So many repetitions in vain, and from this share of the segments on, are lost acknowledgements.
const MANY_ACKS: u64 = 8;
const ACKS_PERCENT: u64 = 10;
/// Where a program that should pass packets on may have no processor, more than this share is lost otherwise, in percent.
const UNCARED_PERCENT: u64 = 5;
/// So many times a timer expired before the peer was heard again.
const STALLS: u64 = 2;
/// Once is enough where so many rows of timeouts took so much of the time in which something was under way, in percent;
/// fewer where what was sent again had arrived.
const ROWS: u64 = 3;
const FEW_ROWS: u64 = 2;
const ROWS_PERCENT: u64 = 5;
/// From this share of all that was sent again on, in percent, repetitions in vain are no side effect of losses.
const IN_VAIN_PERCENT: u64 = 20;

/// What went to one destination.
#[derive(Default)]
pub(super) struct Sent {
    pub segments: u64,
    pub again: u64,
    pub spurious: u64,
    /// Segments that came, acknowledgements among them.
    heard: u64,
    /// Packets that came and that a rule of this host threw away by chance.
    pub thrown_away: u64,
    pub flows: u64,
    /// Timers that expired on connections that went on.
    pub timeouts: u64,
    /// Connections on which nothing at all was heard.
    pub quiet: u64,
    /// Connections whose peer still sends, and acknowledges nothing.
    pub one_way: u64,
    /// Connections that only repeat themselves, no longer than losses before explain.
    pub waits: u64,
    /// The first connection that is concerned.
    pub first: Option<usize>,
    /// Whether the receiver was seen to get segments in another order.
    reordered: bool,
    /// What the connections did since they began.
    ever: Ever,
}

/// The same since the connections began.
#[derive(Default)]
struct Ever {
    segments: u64,
    /// Sent again, but for the present rows of timeouts.
    again: u64,
    spurious: u64,
    missing: u64,
    rows: u64,
    rows_ms: u64,
    busy_ms: u64,
}

impl Sent {
    /// Adds a connection; `is_told` where somebody says why nothing arrives. The rows of timeouts that `ended` say whether
    /// it is by chance that nothing does.
    pub fn add(&mut self, flow: &Flow<'_>, is_told: bool, ended: &Ended) {
        let (was, is) = (&flow.was, flow.is);
        let again = u64::from(is.total_retrans.wrapping_sub(was.total_retrans));
        self.segments += u64::from(is.data_segs_out.wrapping_sub(was.data_segs_out));
        self.again += again;
        self.spurious += u64::from(is.dsack_dups.wrapping_sub(was.dsack_dups));
        self.heard += u64::from(is.segs_in.wrapping_sub(was.segs_in));
        self.reordered |= is.reord_seen > 0;
        if is.bytes_acked > was.bytes_acked {
            self.timeouts += u64::from(is.total_rto.wrapping_sub(was.total_rto));
        }
        let is_quiet = flow.is_quiet() && !is_told;
        self.quiet += u64::from(is_quiet);
        let repeats = flow.only_repeats() && !is_told;
        let by_chance = flow.is_lost_by_chance(ended);
        self.one_way += u64::from(repeats && !by_chance && flow.heard_in_row());
        self.waits += u64::from(repeats && by_chance);
        self.flows += u64::from(again > 0);
        if again > 0 || repeats || is_quiet {
            self.first.get_or_insert(flow.place);
        }
        let ended = is.total_retrans.saturating_sub(is.retransmits.into());
        self.ever.segments += u64::from(is.data_segs_out);
        self.ever.again += u64::from(ended);
        self.ever.spurious += u64::from(is.dsack_dups);
        self.ever.missing += u64::from(is.total_retrans.saturating_sub(is.dsack_dups));
        self.ever.rows += u64::from(rows::ended(is));
        self.ever.rows_ms += u64::from(is.total_rto_time_ms);
        self.ever.busy_ms += is.busy_time_us / 1000;
    }

    /// Gives the segments that did not arrive, or whose acknowledgement did not.
    pub fn lost(&self) -> u64 {
        let without_need = self.spurious.min(self.again);
        // Reordering makes the sender repeat what arrived, and it learns of that; where it saw none and
        // very much was repeated in vain, acknowledgements were lost.
        let unheard = !self.reordered
            && without_need >= MANY_ACKS
            && without_need * 100 >= self.segments * ACKS_PERCENT;
        if unheard {
            self.again
        } else {
            self.again - without_need
        }
    }

    /// Gives the share of the segments that is lost, from 0 to 1.
    pub fn share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "segments of a watch")]
        let [lost, segments] = [self.lost(), self.segments].map(|count| count as f64);
        (lost / segments.max(1.0)).min(1.0)
    }

    /// Says whether that is more than chance.
    pub fn is_lossy(&self) -> bool {
        let lost = self.lost();
        let many = lost >= SEVERAL && lost * 1000 >= self.segments * PER_MILLE;
        // Timeouts back off: where most is lost, little is sent.
        let most = lost >= FEW && lost * 100 >= self.segments * MOST_PERCENT;
        // What goes on since the connections began is no chance.
        let always = lost >= FEW
            && lost * 1000 >= self.segments * PER_MILLE
            && self.ever.missing >= 2 * SEVERAL
            && self.ever.missing * 1000 >= self.ever.segments * PER_MILLE;
        let waited = self.timeouts + self.quiet + self.ever.rows > 0;
        let unheard = self.throws_answers_away() && waited;
        many || most || always || self.stalls() || self.one_way > 0 || self.waits > 0 || unheard
    }

    /// Says whether this host is seen to throw so many answers away that the next one does not say the same in time.
    fn throws_answers_away(&self) -> bool {
        let came = self.heard.saturating_add(self.thrown_away);
        self.thrown_away >= MANY_ACKS && self.thrown_away * 100 >= came * IN_VAIN_PERCENT
    }

    /// Says whether acknowledgements are lost, or late, without a timer that expired: probes for the end of what was sent (TLP, RFC 8985) found again and
    /// again that all of it had arrived. They wait two round trips only, so a timeout would be surer; and where one
    /// acknowledgement speaks for many segments, it is by these that they have to be counted.
    pub fn may_lose_answers(&self) -> bool {
        let in_vain = self.spurious.min(self.again);
        let by_probes =
            !self.reordered && in_vain >= SEVERAL && in_vain * 100 >= self.heard * ACKS_PERCENT;
        by_probes || self.throws_answers_away()
    }

    /// Says whether nothing came back until a timer expired, again and again.
    fn stalls(&self) -> bool {
        let Ever {
            rows,
            rows_ms,
            busy_ms,
            ..
        } = self.ever;
        let enough = if self.loses_answers() { FEW_ROWS } else { ROWS };
        let took_ms = rows_ms + rows * rows::FIRST_US / 1000;
        let always = self.timeouts + self.quiet > 0
            && rows >= enough
            && took_ms * 100 >= busy_ms * ROWS_PERCENT;
        self.timeouts >= STALLS || always
    }

    /// Says whether more was lost than comes of a program that has no processor and should pass packets on: it delays
    /// them, and its queue overflows now and then; or the kernel tells what was.
    pub fn is_certain(&self) -> bool {
        let missing = self.again - self.spurious.min(self.again);
        let many = missing >= SEVERAL && missing * 100 >= self.segments * UNCARED_PERCENT;
        many || self.one_way > 0 || self.throws_answers_away()
    }

    /// Says whether it is acknowledgements that are lost, on their way to us: most of what was sent again had arrived, or
    /// most rows of timeouts ended with the word that it had.
    pub fn loses_answers(&self) -> bool {
        let Ever {
            again,
            spurious,
            rows,
            ..
        } = self.ever;
        let by_rows = rows > 0 && spurious * 2 >= rows && spurious * 100 >= again * IN_VAIN_PERCENT;
        let in_vain = !self.reordered && spurious >= FEW && (spurious * 2 >= again || by_rows);
        in_vain || self.throws_answers_away()
    }

    /// Gives what became of the acknowledgements that did not come in time, where nothing but them is missing.
    pub fn word(&self, case: &Case<'_>) -> Word {
        let missing = self.again.saturating_sub(self.spurious);
        let is_of_them = self.timeouts > 0 && !self.reordered && self.one_way == 0;
        if self.timeouts > 0 && self.throws_answers_away() {
            return Word::Lost;
        }
        match undone::word(case) {
            Word::Late if missing >= SEVERAL || self.waits > 0 => Word::Nothing,
            word if is_of_them => word,
            _ => Word::Nothing,
        }
    }

    /// Gives the segments that came.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Says how many segments that were sent again had arrived, since the connections began.
    pub fn in_vain(&self) -> (u64, u64) {
        (self.ever.spurious, self.ever.again)
    }
}
