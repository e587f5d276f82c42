//! What a filter asks of a socket, as ss rows and rows of a snapshot tell it alike.

use std::borrow::Cow;

use plumb_filter::{Fact, Texts};
use plumb_model::diag::inet::{DiagTimer, SkMemInfo};
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::snapshot::Kind;
use plumb_model::{Known, Reason};

/// States in which a connection exists, so that its clocks and counters mean something: established to
/// closing, without TIME_WAIT and CLOSE.
const CONNECTED: [u32; 6] = [1, 4, 5, 8, 9, 11];

/// Gives a number of `struct tcp_info`; `None` for a fact that is not in it.
pub fn tcp_number(info: &TcpInfo, state: u32, fact: Fact) -> Option<Known<u64>> {
    // Where the field ends in the struct, and the field.
    let (end, value) = match fact {
        Fact::RttUs => (72, u64::from(info.rtt_us)),
        Fact::Retrans => (104, info.total_retrans.into()),
        Fact::Cwnd => (84, info.snd_cwnd.into()),
        Fact::BytesSent => (208, info.bytes_sent),
        Fact::BytesReceived => (136, info.bytes_received),
        Fact::Unsent => (148, info.notsent_bytes.into()),
        Fact::AgeUs => (60, u64::from(longest_silence_ms(info)) * 1000),
        _ => return None,
    };
    Some(if !CONNECTED.contains(&state) {
        // Of a listener the kernel sends a struct whose fields mean other things.
        Known::Unknown(Reason::NotInSource)
    } else if info.sent_bytes < end {
        Known::Unknown(Reason::NotSupported)
    } else if fact == Fact::RttUs && value == 0 {
        // Not measured yet.
        Known::Unknown(Reason::NotInSource)
    } else {
        Known::Known(value)
    })
}

/// The clocks of data and acknowledgements start with the connection, so the longest of them is a time
/// it has existed for.
fn longest_silence_ms(info: &TcpInfo) -> u32 {
    info.last_data_sent_ms
        .max(info.last_data_recv_ms)
        .max(info.last_ack_recv_ms)
}

/// Gives a number of the memory counters; `None` for a fact that is not in them.
pub fn memory_number(memory: &SkMemInfo, fact: Fact) -> Option<Known<u64>> {
    // rmem_alloc, rcvbuf, wmem_alloc, sndbuf, fwd_alloc, wmem_queued, optmem, backlog, drops.
    let [rmem, _, _, _, _, wmem, optmem, backlog, drops] = memory.words.map(u64::from);
    let (end, value) = match fact {
        Fact::Memory => (32, rmem + wmem + optmem + backlog),
        Fact::Rmem => (4, rmem),
        Fact::Wmem => (24, wmem),
        Fact::Drops => (36, drops),
        _ => return None,
    };
    Some(if memory.sent_bytes < end {
        Known::Unknown(Reason::NotSupported)
    } else {
        Known::Known(value)
    })
}

/// Gives the names of a kind of socket: its own, then those of the groups it belongs to.
pub fn kind_words(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Tcp => &["tcp", "inet"],
        Kind::Udp => &["udp", "inet"],
        Kind::UdpLite => &["udplite", "inet"],
        Kind::Raw => &["raw", "inet"],
        Kind::Sctp => &["sctp", "inet"],
        Kind::Dccp => &["dccp", "inet"],
        Kind::Mptcp => &["mptcp", "inet"],
        Kind::UnixStream => &["u_str", "unix"],
        Kind::UnixDgram => &["u_dgr", "unix"],
        Kind::UnixSeqpacket => &["u_seq", "unix"],
        Kind::PacketRaw => &["p_raw", "packet"],
        Kind::PacketDgram => &["p_dgr", "packet"],
        Kind::Netlink => &["nl", "netlink"],
        Kind::VsockStream => &["v_str", "vsock"],
        Kind::VsockDgram => &["v_dgr", "vsock"],
    }
}

/// Gives the word of a pending timer, as ss has it; `none` where there is none.
pub fn timer_word(timer: DiagTimer) -> &'static str {
    match timer.code {
        0 => "none",
        1 => "on",
        2 => "keepalive",
        3 => "timewait",
        4 => "persist",
        5 => "delack",
        _ => "unknown",
    }
}

/// Makes texts that are all there are.
pub fn all<'w>(words: impl IntoIterator<Item = &'w str>) -> Texts<'w> {
    let found = words.into_iter().map(|word| Cow::Borrowed(word.as_bytes()));
    Texts::all(found.collect())
}
