//! From the records of `probes/recorder/event.h` to events. Same sizes, same order, native bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use plumb_model::event::{
    Call, Ends, Event, FullListener, FullQueue, StackId, StateChange, Task, Totals, What,
};
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::socket::SocketState;

use super::Older;
use super::places::Places;
use super::ports::address;
use crate::stacks::{RawStack, ScriptFrame};

/// `sizeof(struct event)`.
const EVENT_BYTES: usize = 128;
/// What every call is sent with: `offsetof(struct call, payload)`.
const CALL_BYTES: usize = 192;
/// Where a call has its end; behind it follow arguments and lengths.
const CALL_END: usize = EVENT_BYTES;
/// Where a call has the first bytes of its data, and how many at most.
const PAYLOAD: (usize, usize) = (CALL_BYTES, 64);
/// Where a call has its address, likewise.
const ADDRESS: (usize, usize) = (PAYLOAD.0 + PAYLOAD.1, 112);
/// `sizeof(struct stack)`.
const STACK_BYTES: usize = 64;
/// `SCRIPT_FRAMES`.
const SCRIPT_FRAMES: usize = 32;
/// `sizeof(struct script)`.
const SCRIPT_BYTES: usize = 8 + SCRIPT_FRAMES * 16;
/// `SCRIPT_ENDS_CALL`, `SCRIPT_SHIM`.
const ENDS_CALL: u64 = 1;
const SHIM: u64 = 2;

/// `enum event_flags`.
const IN_CALL: u8 = 1;
const EXITING: u8 = 2;
const REASON: u8 = 4;
const TOTALS: u8 = 8;
const OLDER: u8 = 16;
const PLACE: u8 = 32;
const CHOSEN: u8 = 64;
const UNTOUCHED: u8 = 128;

/// A copy of the top of a user stack, as it lies in the ring.
#[derive(Debug, Clone)]
pub struct StackCopy<'a> {
    /// Which stack it is.
    pub id: StackId,
    /// Its process.
    pub pid: Pid,
    /// Its thread.
    pub tid: u32,
    /// Instruction pointer.
    pub ip: u64,
    /// Stack pointer: the address of the first of `bytes`.
    pub sp: u64,
    /// Frame pointer register.
    pub bp: u64,
    /// Link register, where machines have one.
    pub lr: u64,
    /// What an interpreter ran, innermost first.
    pub script: Vec<ScriptFrame>,
    /// The stack from `sp` upwards.
    pub bytes: &'a [u8],
}

impl StackCopy<'_> {
    /// Gives it as what is followed from caller to caller.
    pub fn raw(&self) -> RawStack<'_> {
        RawStack {
            pid: self.tid,
            tgid: self.pid.0,
            // What is told is followed at once: no process has its id again by then.
            start_ticks: 0,
            ip: self.ip,
            sp: self.sp,
            bp: self.bp,
            lr: self.lr,
            bytes: self.bytes,
            script: &self.script,
            kernel_fp: &[],
        }
    }
}

/// `struct known`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) tgid: u32,
    pub(super) netns: u32,
    pub(super) local_port: u16,
    pub(super) peer_port: u16,
    family: u8,
    flags: u8,
    reserved: u16,
    local: [u8; 16],
    peer: [u8; 16],
}

const _: () = assert!(size_of::<Known>() == 48);

#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers and arrays of them without padding: the offsets add up to the size asserted.
unsafe impl aya::Pod for Known {}

impl Known {
    /// `KNOWN_OLDER`.
    const OLDER: u8 = 1;

    /// Makes what the programs keep of an older socket.
    pub(super) fn of(older: &Older) -> Self {
        let (family, local) = address(older.ends.local.ip());
        let (_, peer) = address(older.ends.peer.ip());
        Self {
            tgid: older.owner.map_or(0, |owner| owner.0),
            netns: u32::try_from(older.netns.0).unwrap_or(0),
            local_port: older.ends.local.port(),
            peer_port: older.ends.peer.port(),
            family,
            flags: Self::OLDER,
            reserved: 0,
            local,
            peer,
        }
    }
}

/// `struct caller`: a call, the thread, its socket, whether it is in the call, and flags.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller([u64; 49]);

const _: () = assert!(size_of::<Caller>() == ADDRESS.0 + ADDRESS.1 + 24);

#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: an array of whole numbers.
unsafe impl aya::Pod for Caller {}

impl Caller {
    /// Gives the call that has not returned, as an event without an end; `None` where the thread is in none.
    pub(super) fn event(&self) -> Option<Event> {
        let mut bytes: Vec<u8> = self.0.iter().flat_map(|word| word.to_ne_bytes()).collect();
        if Record(&bytes).u32(ADDRESS.0 + ADDRESS.1 + 16)? == 0 {
            return None;
        }
        // What stands there is of the call before: the result, the end, and how much was copied.
        for at in [88, CALL_END, CALL_BYTES - 8] {
            bytes.get_mut(at..at + 8)?.fill(0);
        }
        decode_event(&bytes, &Places::default())
    }
}

/// Decodes `struct script`.
fn script_frames(script: &Record<'_>) -> Option<Vec<ScriptFrame>> {
    let len = usize::try_from(script.u32(0)?).ok()?.min(SCRIPT_FRAMES);
    let frame = |at: usize| {
        let code = script.u64(8 + at * 16)?;
        Some(ScriptFrame {
            code: code & !(ENDS_CALL | SHIM),
            instruction: script.u64(16 + at * 16)?,
            is_shim: code & SHIM != 0,
            ends_call: code & ENDS_CALL != 0,
        })
    };
    (0..len).map(frame).collect()
}

/// Decodes a record of the ring of events; `None` for one of another kind or size, and for a drop that is no
/// loss.
pub(super) fn decode_event(bytes: &[u8], places: &Places) -> Option<Event> {
    let record = Record(bytes.get(..EVENT_BYTES)?);
    let flags = record.byte(22)?;
    let call = (record.u16(16)? == 11)
        .then(|| decode_call(bytes))
        .flatten();
    let what = what(&record, flags, call, places)?;
    let of_process = matches!(what, What::Exec | What::Exit);
    let pid = Some(record.u32(24)?).filter(|&pid| pid != 0).map(Pid);
    Some(Event {
        time_ns: record.u64(0)?,
        cookie: Some(record.u64(8)?)
            .filter(|&cookie| cookie != 0)
            .map(Cookie),
        netns: Some(NetnsId(record.u32(32)?.into())).filter(|netns| netns.0 != 0 && !of_process),
        ends: ends(&record),
        owner: pid,
        task: task(&record, flags),
        stack: Some(record.u64(80)?).filter(|&id| id != 0).map(StackId),
        what,
    })
}

fn what(record: &Record<'_>, flags: u8, call: Option<Call>, places: &Places) -> Option<What> {
    let state = |at| record.byte(at).map(|state| SocketState(state.into()));
    let result = record.u32(36)?.cast_signed();
    let reason = record.u32(40)?;
    Some(match record.u16(16)? {
        1 => What::State(StateChange {
            old: state(20)?,
            new: state(21)?,
            errno: result.saturating_neg(),
            totals: (flags & TOTALS != 0).then(|| totals(record)).flatten(),
            by_exit: flags & EXITING != 0,
            older: flags & OLDER != 0,
            untouched: flags & UNTOUCHED != 0,
        }),
        2 => What::Accepted { fd: result },
        3 => What::ConnectReturned {
            result,
            state: state(21)?,
        },
        4 => What::EndOfFile(totals(record)?),
        5 => What::Retransmitted { state: state(20)? },
        6 => What::ResetSent {
            reason: (flags & REASON != 0).then_some(reason),
        },
        7 => What::ResetReceived { state: state(20)? },
        8 => What::Error {
            errno: result.saturating_neg(),
        },
        9 if flags & PLACE != 0 => What::Dropped {
            reason: places.number(record.u64(88)?)?,
            of_socket: state(20)?.0 != 0,
            interface: None,
        },
        9 => What::Dropped {
            reason,
            of_socket: state(20)?.0 != 0,
            interface: u32::try_from(result).ok().filter(|&index| index != 0),
        },
        10 => What::QueueFull {
            reason: (flags & REASON != 0).then_some(reason),
        },
        11 => What::Call(Box::new(call?)),
        12 => What::Exec,
        13 => What::Exit,
        14 => What::ListenerFull(FullListener {
            queue: match reason {
                1 => FullQueue::Accept,
                2 => FullQueue::Syn,
                _ => FullQueue::Unknown,
            },
            dropped: record.u32(36)?,
            accept_queue: record.u32(104)?,
            syn_queue: record.u32(108)?,
            limit: record.u32(88)?,
        }),
        15 => What::Made { protocol: reason },
        16 => What::Bound {
            protocol: reason,
            chosen: flags & CHOSEN != 0,
        },
        17 => What::Closed {
            protocol: reason,
            by_exit: flags & EXITING != 0,
        },
        _ => return None,
    })
}

fn totals(record: &Record<'_>) -> Option<Totals> {
    Some(Totals {
        received_bytes: record.u64(88)?,
        sent_bytes: record.u64(96)?,
        unread_bytes: record.u32(104)?,
        retransmits: record.u32(108)?,
    })
}

fn task(record: &Record<'_>, flags: u8) -> Option<Task> {
    if flags & IN_CALL == 0 {
        return None;
    }
    let comm = record.0.get(112..128)?;
    let end = comm
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(comm.len());
    Some(Task {
        pid: Pid(record.u32(24)?),
        tid: record.u32(28)?,
        comm: comm.get(..end)?.to_vec(),
    })
}

fn ends(record: &Record<'_>) -> Option<Ends> {
    let ip = |at: usize| -> Option<IpAddr> {
        let bytes: [u8; 16] = record.0.get(at..at + 16)?.try_into().ok()?;
        match record.byte(18)? {
            2 => Some(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()),
            10 => Some(Ipv6Addr::from(bytes).into()),
            _ => None,
        }
    };
    Some(Ends {
        protocol: record.byte(19)?,
        local: SocketAddr::new(ip(48)?, record.u16(44)?),
        peer: SocketAddr::new(ip(64)?, record.u16(46)?),
    })
}

fn decode_call(bytes: &[u8]) -> Option<Call> {
    let record = Record(bytes.get(..CALL_BYTES)?);
    let mut args = [0; 6];
    for (place, arg) in args.iter_mut().enumerate() {
        *arg = record.u64(136 + 8 * place)?;
    }
    // Where a call has none of them, the record ends before.
    let part = |(start, most): (usize, usize), len: u32| {
        let len = usize::try_from(len).unwrap_or(0).min(most);
        if len == 0 {
            return Some(Vec::new());
        }
        bytes.get(start..start + len).map(<[u8]>::to_vec)
    };
    let number = record.u32(40)?;
    Some(Call {
        number,
        receives: super::calls::find(number).is_some_and(super::calls::Described::receives),
        end_ns: Some(record.u64(CALL_END)?).filter(|&end| end != 0),
        args,
        state: Some(record.byte(21)?)
            .filter(|&state| state != 0)
            .map(|state| SocketState(state.into())),
        result: record.u64(88)?.cast_signed(),
        interface: Some(record.u32(104)?).filter(|&index| index != 0),
        address: part(ADDRESS, record.u32(184)?)?,
        payload: part(PAYLOAD, record.u32(188)?)?,
    })
}

/// Decodes a record of the ring of stacks.
pub(super) fn decode_stack(bytes: &[u8]) -> Option<StackCopy<'_>> {
    let record = Record(bytes.get(..STACK_BYTES)?);
    let (sp, start) = (record.u64(16)?, record.u64(40)?);
    let len = usize::try_from(record.u32(56)?).ok()?;
    let (script, copied) = bytes.get(STACK_BYTES..)?.split_at_checked(SCRIPT_BYTES)?;
    let copied = copied.get(..len)?;
    // The copy begins at a round address below the stack pointer.
    let below = usize::try_from(sp.checked_sub(start)?).ok()?;
    Some(StackCopy {
        id: StackId(record.u64(0)?),
        ip: record.u64(8)?,
        sp,
        bp: record.u64(24)?,
        lr: record.u64(32)?,
        pid: Pid(record.u32(48)?),
        tid: record.u32(52)?,
        script: script_frames(&Record(script))?,
        bytes: copied.get(below..).unwrap_or(&[]),
    })
}

/// Numbers at places of a record.
struct Record<'a>(&'a [u8]);

impl Record<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.0.get(at..at + 2)?;
        Some(u16::from_ne_bytes(bytes.try_into().ok()?))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.0.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    }

    fn u64(&self, at: usize) -> Option<u64> {
        let bytes = self.0.get(at..at + 8)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }
}
