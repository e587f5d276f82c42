//! What a connection did between two samples, for the checks of connections that are slow.

use std::borrow::Cow;
use std::net::IpAddr;

use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::notice::{Direction, What};
use plumb_model::snapshot::{Kind, Socket};
use plumb_model::socket::SocketState;

use super::rows::{self, Ended};
use super::{Case, sockets};

/// Where `rmem_alloc`, `rcvbuf`, `wmem_queued` stand in the memory counters (`SK_MEMINFO_*`).
const RMEM_ALLOC: usize = 0;
const RCVBUF: usize = 1;

/// The states in which a connection is there for both ends, or was.
const CONNECTED: [SocketState; 2] = [SocketState::ESTABLISHED, SocketState::CLOSE_WAIT];

/// The same, and that of one that its program closed and whose data the peer has not.
const SENDING: [SocketState; 3] = [
    SocketState::ESTABLISHED,
    SocketState::CLOSE_WAIT,
    SocketState::FIN_WAIT1,
];

/// One established connection that was there in both samples.
pub(super) struct Flow<'s> {
    /// Its place in the later sample.
    pub place: usize,
    /// Earlier.
    pub before: &'s Socket,
    /// Later.
    pub after: &'s Socket,
    /// `tcp_info` earlier.
    pub was: Cow<'s, TcpInfo>,
    /// `tcp_info` later.
    pub is: &'s TcpInfo,
}

/// Gives the connections that lasted; of a command that runs for the diagnosis also those that it made.
pub(super) fn lasting<'s>(case: &Case<'s>) -> impl Iterator<Item = Flow<'s>> {
    in_states(case, &CONNECTED, case.focus.is_command)
}

/// Gives the connections that have something to send, those that began since the first sample as well, and those that
/// their program closed and whose last words are not acknowledged.
pub(super) fn sending<'s>(case: &Case<'s>) -> impl Iterator<Item = Flow<'s>> {
    in_states(case, &SENDING, true)
}

/// Gives the connections that are in one of these states and were connected in the first sample; with `is_new_too` those
/// that were not, of which all is new.
fn in_states<'s>(
    case: &Case<'s>,
    states: &'static [SocketState],
    is_new_too: bool,
) -> impl Iterator<Item = Flow<'s>> {
    let (before, after) = (case.span.before, case.span.after);
    let by_cookie: std::collections::HashMap<_, _> = before
        .snapshot
        .sockets
        .iter()
        // Timers of a handshake tell nothing of the connection.
        .filter(|socket| socket.kind == Kind::Tcp && CONNECTED.contains(&socket.state))
        .filter_map(|socket| Some((socket.cookie.ok()?, socket)))
        .collect();
    let sockets = after.snapshot.sockets.iter().enumerate();
    sockets.filter_map(move |(place, socket)| {
        if socket.kind != Kind::Tcp || !states.contains(&socket.state) {
            return None;
        }
        let is = socket.tcp.as_deref()?;
        let (earlier, was) = match by_cookie.get(&socket.cookie.ok()?) {
            Some(earlier) => (*earlier, Cow::Borrowed(earlier.tcp.as_deref()?)),
            // The first sample is older: all that it did it did since.
            None if is_new_too => (socket, Cow::Owned(TcpInfo::default())),
            None => return None,
        };
        Some(Flow {
            place,
            before: earlier,
            after: socket,
            was,
            is,
        })
    })
}

impl Flow<'_> {
    /// Says whether it was there in the first sample, and its program has it still.
    pub fn is_lasting(&self) -> bool {
        !std::ptr::eq(self.before, self.after) && CONNECTED.contains(&self.after.state)
    }

    /// Says whether something waited to be read in both samples.
    pub fn unread(&self) -> u64 {
        unread(self.before).min(unread(self.after))
    }

    /// Says whether what waited to be read was so old in both samples, at the pace of the watch, or because
    /// nothing came for so long: a reader that was kept from running once is not slow.
    pub fn has_old_data(&self, case: &Case<'_>, old_ms: u32) -> bool {
        let (read, ms) = self.read_in_ms(case);
        let old = |socket: &Socket, info: &TcpInfo| {
            let waits = unread(socket).saturating_mul(ms).checked_div(read);
            let since_last = unread(socket) > 0 && info.last_data_recv_ms >= old_ms;
            since_last || waits.is_none_or(|waits| waits >= u64::from(old_ms))
        };
        old(self.before, &self.was) && old(self.after, self.is)
    }

    /// Gives how long what is in the receive queue waits to be read, at the pace of the watch; `None`
    /// when nothing was read at all.
    pub fn waiting_ms(&self, case: &Case<'_>) -> Option<u64> {
        let (read, ms) = self.read_in_ms(case);
        unread(self.after).saturating_mul(ms).checked_div(read)
    }

    /// Gives the bytes that were read between the samples.
    pub fn read(&self, case: &Case<'_>) -> u64 {
        self.read_in_ms(case).0
    }

    /// Gives the bytes that were read between the samples, and the milliseconds between them.
    fn read_in_ms(&self, case: &Case<'_>) -> (u64, u64) {
        let came = self
            .is
            .bytes_received
            .saturating_sub(self.was.bytes_received);
        let read = came
            .saturating_add(unread(self.before))
            .saturating_sub(unread(self.after));
        let ms = u64::try_from(case.span.duration().as_millis()).unwrap_or(u64::MAX);
        (read, ms)
    }

    /// Says whether something waited to be sent or acknowledged in both samples.
    pub fn unsent(&self) -> u64 {
        let queue = |socket: &Socket| socket.send_q.ok().unwrap_or(0);
        queue(self.before).min(queue(self.after))
    }

    /// Gives how many bytes a second the peer acknowledged between the samples.
    pub fn sent_per_s(&self, case: &Case<'_>) -> f64 {
        let bytes = self.is.bytes_acked.saturating_sub(self.was.bytes_acked);
        #[expect(clippy::cast_precision_loss, reason = "bytes of a watch")]
        let bytes = bytes as f64;
        bytes / case.span.seconds().max(f64::MIN_POSITIVE)
    }

    /// Gives the receive buffer and how much of it was taken when more was, bytes: while a window opens and
    /// fills again, one moment alone may be a good one.
    pub fn receive_buffer(&self) -> Option<(u64, u64)> {
        let words = |socket: &Socket| {
            let memory = socket.memory?;
            let word = |at: usize| memory.words.get(at).copied().map(u64::from);
            Some((word(RMEM_ALLOC)?, word(RCVBUF)?))
        };
        let (was, is) = (words(self.before), words(self.after)?);
        Some((was.map_or(is.0, |was| was.0.max(is.0)), is.1))
    }

    /// Says whether timeouts follow each other and nothing that was sent was acknowledged between the samples.
    pub fn only_repeats(&self) -> bool {
        self.is.unacked > 0
            && rows::in_a_row(self.is) >= IN_A_ROW
            && self.is.bytes_acked == self.was.bytes_acked
    }

    /// Says whether something came on this connection since the timeouts in a row began, or between the samples. Timers
    /// double, so those that expired took together about as long as the next one will.
    pub fn heard_in_row(&self) -> bool {
        let since_us = u64::from(self.is.last_ack_recv_ms) * 1000;
        let recent = self.is.backoff >= DOUBLED && since_us * 2 < u64::from(self.is.rto_us);
        recent || self.is.segs_in != self.was.segs_in
    }

    /// Says whether full segments of this connection arrived before.
    pub fn got_large(&self) -> bool {
        let mss = u64::from(self.is.snd_mss);
        let segments = u64::from(self.is.delivered);
        self.is.bytes_acked >= mss * LARGE_SEGMENTS && self.is.bytes_acked * 2 >= mss * segments
    }

    /// Says whether what is under way waits for segments that were lost: a timer expired for them, or more than one in a
    /// hundred was sent again; or what was sent again had arrived (DSACK), so it waits for acknowledgements that were lost.
    /// So it does where nothing at all comes: a peer that does not read answers probes, and acknowledges what is under way.
    pub fn waits_for_repetition(&self) -> bool {
        let row = |info: &TcpInfo| rows::in_a_row(info) > 0;
        let again = self.is.total_retrans.wrapping_sub(self.was.total_retrans);
        let sent = self.is.data_segs_out.wrapping_sub(self.was.data_segs_out);
        row(&self.was)
            || row(self.is)
            || again >= SEVERAL && u64::from(again) * 100 >= u64::from(sent)
            || self.repeats_in_vain()
            || self.is_quiet()
    }

    /// Says whether something was under way and nothing at all was heard between the samples: the next timer is far.
    pub fn is_quiet(&self) -> bool {
        self.is.unacked > 0 && self.was.unacked > 0 && self.is.segs_in == self.was.segs_in
    }

    /// Says whether a timer expired between the samples, or before the first for what was under way then.
    pub fn timed_out(&self) -> bool {
        rows::in_a_row(&self.was) > 0
            || rows::in_a_row(self.is) > 0
            || self.is.total_rto != self.was.total_rto
    }

    /// Says whether the peer had what was sent again (DSACK), and nothing was reordered: acknowledgements of it were lost.
    pub fn repeats_in_vain(&self) -> bool {
        let in_vain = self.is.dsack_dups.wrapping_sub(self.was.dsack_dups);
        self.is.reord_seen == 0 && in_vain >= IN_VAIN
    }

    /// Says whether segments waited behind the same gap in both samples: they take memory, and nothing of them can
    /// be read.
    pub fn has_old_gap(&self) -> bool {
        let waits = |socket: &Socket| {
            let taken = socket
                .memory
                .and_then(|memory| memory.words.get(RMEM_ALLOC).copied());
            taken.is_some_and(|taken| taken > 0) && unread(socket) == 0
        };
        waits(self.before)
            && waits(self.after)
            && self.is.rcv_ooopack > 0
            && self.is.bytes_received == self.was.bytes_received
    }

    /// Says whether the timer that probes a closed window ran in both samples.
    pub fn probes(&self) -> bool {
        self.after.timer.code == PROBE_TIMER && self.before.timer.code == PROBE_TIMER
    }

    /// Says whether nothing could be sent although the peer has room: our own host refuses the segments.
    /// The timer of window probes runs then, too.
    pub fn cannot_send(&self) -> bool {
        let has_room = |info: &TcpInfo| {
            info.sent_bytes > SND_WND_AT && info.unacked == 0 && info.snd_wnd >= info.snd_mss
        };
        self.probes() && self.unsent() > 0 && has_room(&self.was) && has_room(self.is)
    }

    /// Says whether our own window was closed to less than a segment in one of the samples.
    pub fn own_window_closed(&self) -> bool {
        let closed =
            |info: &TcpInfo| info.sent_bytes > RCV_WND_AT && info.rcv_wnd < info.rcv_mss.max(1);
        closed(&self.was) || closed(self.is)
    }

    /// Says whether the timeouts in a row are such as losses by chance bring about, by the rows that `ended`.
    pub fn is_lost_by_chance(&self, ended: &Ended) -> bool {
        ended.explain(self.host(), self.is)
    }

    /// Says whether as much of what comes from the peer's host is known to be lost as explains that probes get no answer.
    pub fn asks_by_chance(&self, ended: &Ended) -> bool {
        ended.explain_probes(self.host(), self.is)
    }

    /// Says whether the peer's window was at most so large in both samples.
    pub fn has_small_window(&self, bytes: u32) -> bool {
        let small = |info: &TcpInfo| info.sent_bytes > SND_WND_AT && info.snd_wnd <= bytes;
        small(&self.was) && small(self.is)
    }

    /// Gives the share of the time between the samples, in percent, that a clock of `tcp_info` ran.
    pub fn share_percent(&self, case: &Case<'_>, clock: fn(&TcpInfo) -> u64) -> u64 {
        let ran = clock(self.is).saturating_sub(clock(&self.was));
        let us = case.span.seconds() * 1_000_000.0;
        percent(ran, us)
    }

    /// The same without the time that the flow spent in rows of timeouts: while nothing is acknowledged every such clock
    /// runs, whatever would limit it otherwise.
    pub fn limited_percent(&self, case: &Case<'_>, clock: fn(&TcpInfo) -> u64) -> u64 {
        let (was, is) = (&self.was, self.is);
        let begun = is
            .total_rto_recoveries
            .wrapping_sub(was.total_rto_recoveries);
        let ms = is.total_rto_time_ms.wrapping_sub(was.total_rto_time_ms);
        let first_us = u64::from(was.rto_us.min(is.rto_us)).max(rows::FIRST_US);
        let rows_us = u64::from(ms) * 1000 + u64::from(begun) * first_us;
        let us = case.span.seconds() * 1_000_000.0;
        let share = self.share_percent(case, clock);
        share.saturating_sub(percent(rows_us, us))
    }

    /// Gives the host at the other end.
    pub fn host(&self) -> Option<IpAddr> {
        let peer = self.after.peer.inet();
        peer.map(|peer| peer.ip().to_canonical())
    }

    /// Says whether something came from the peer's host that was not about this connection.
    pub fn peer_talks(&self, case: &Case<'_>) -> bool {
        let host = |socket: &Socket| socket.peer.inet().map(|peer| peer.ip().to_canonical());
        let Some(peer) = host(self.after) else {
            return false;
        };
        let others = lasting(case).any(|other| {
            let moved = other.is.segs_in != other.was.segs_in
                || other.is.bytes_acked != other.was.bytes_acked;
            host(other.after) == Some(peer) && moved
        });
        let opens = |what| matches!(what, What::Syn | What::SynAck);
        let mut came = case.notices.of(Direction::Received, opens);
        others || came.any(|notice| notice.peer.ip().to_canonical() == peer)
    }

    /// Says whether the other end is a socket of this host, too.
    pub fn is_within_host(&self, case: &Case<'_>) -> bool {
        let peer = self.after.peer.inet();
        peer.is_some_and(|peer| sockets::is_local(case.span.after, peer.ip()))
    }
}

/// So many timeouts in a row are no passing loss.
const IN_A_ROW: u8 = 2;
/// So often doubled, a timer is about as long as all before it.
const DOUBLED: u8 = 3;
/// So many full segments show that the way lets them through.
const LARGE_SEGMENTS: u64 = 4;
/// Fewer segments sent again are chance.
const SEVERAL: u32 = 4;
/// So many segments that the peer had already are no accident.
const IN_VAIN: u32 = 2;
/// The timer that probes a closed window (`idiag_timer`).
const PROBE_TIMER: u32 = 4;
/// Where `tcpi_snd_wnd` and `tcpi_rcv_wnd` stand in `struct tcp_info`.
const SND_WND_AT: usize = 228;
const RCV_WND_AT: usize = 236;

/// Gives the bytes in a receive queue.
fn unread(socket: &Socket) -> u64 {
    socket.recv_q.ok().unwrap_or(0)
}

fn percent(part_us: u64, whole_us: f64) -> u64 {
    // Clocks of a watch are far from where a double loses microseconds.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a watch")]
    let share = part_us as f64 * 100.0 / whole_us.max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of at most some hundred percent"
    )]
    let share = share as u64;
    share
}
