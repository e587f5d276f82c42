//! The tables of -m: socket memory by protocol and by process. They are ours; the original has no
//! such option. Every number is in bytes, so that they sort and add up.

use plumb_model::memory::{
    MemoryHolder, MemoryLevel, MemoryLimits, MemoryProtocol, ProtocolMemory,
};
use plumb_model::socket::IpVersion;
use plumb_model::{Known, Reason};

use super::inet::program_name;
use crate::text::{Decimal, blanks, left, put, right, right_u64};

/// Title of the first table.
pub const PROTOCOL_TITLE: &[u8] = b"Socket memory by protocol (bytes)\n";
/// Column heads of the first table.
pub const PROTOCOL_HEADER: &[u8] = b"Proto     Sockets  Orphan TimeWait   Alloc       Memory          Low     Pressure         High  Share Level          Pressed\n";
/// Title of the second table, with all holders.
pub const HOLDER_TITLE_ALL: &[u8] = b"Socket memory by process (bytes)\n";
/// Title of the second table, with the largest holders.
pub const HOLDER_TITLE_TOP: &[u8] = b"Socket memory by process (bytes, largest first)\n";
/// Column heads of the second table.
pub const HOLDER_HEADER: &[u8] =
    b"       Total     Receive        Send     Reserve     Options Sockets PID/Program name\n";

/// Gives the label of a protocol's half.
pub fn protocol_label(protocol: MemoryProtocol, version: IpVersion) -> &'static str {
    match (protocol, version) {
        (MemoryProtocol::Tcp, IpVersion::V4) => "tcp",
        (MemoryProtocol::Tcp, IpVersion::V6) => "tcp6",
        (MemoryProtocol::Udp, IpVersion::V4) => "udp",
        (MemoryProtocol::Udp, IpVersion::V6) => "udp6",
        (MemoryProtocol::UdpLite, IpVersion::V4) => "udplite",
        (MemoryProtocol::UdpLite, IpVersion::V6) => "udplite6",
        (MemoryProtocol::Raw, IpVersion::V4) => "raw",
        (MemoryProtocol::Raw, IpVersion::V6) => "raw6",
        (MemoryProtocol::Fragments, IpVersion::V4) => "frag",
        (MemoryProtocol::Fragments, IpVersion::V6) => "frag6",
    }
}

/// Gives the word for where a protocol's memory stands.
pub fn level_word(level: MemoryLevel) -> &'static str {
    match level {
        MemoryLevel::BelowLow => "below-low",
        MemoryLevel::BelowPressure => "below-pressure",
        MemoryLevel::Pressure => "pressure",
        MemoryLevel::OverHigh => "over-high",
    }
}

/// Appends the row of a protocol; what the kernel does not tell is `-`.
pub fn write_protocol(out: &mut Vec<u8>, memory: &ProtocolMemory) {
    left(
        out,
        protocol_label(memory.protocol, memory.version).as_bytes(),
        8,
    );
    let limits = memory.limits.ok();
    let numbers = [
        (memory.in_use.ok(), 9),
        (memory.orphans.ok(), 8),
        (memory.time_wait.ok(), 9),
        (memory.allocated.ok(), 8),
        (memory.memory_bytes.ok(), 13),
        (limits.map(|limits| limits.low_bytes), 13),
        (limits.map(|limits| limits.pressure_bytes), 13),
        (limits.map(|limits| limits.high_bytes), 13),
    ];
    for (number, width) in numbers {
        right(
            out,
            number
                .map(Decimal::new)
                .as_ref()
                .map_or(b"-", Decimal::as_bytes),
            width,
        );
    }
    let (share, level) = match (memory.memory_bytes, limits) {
        (Known::Known(bytes), Some(limits)) => {
            (share_text(bytes, &limits), level_word(limits.level(bytes)))
        }
        _ => ("-".to_owned(), "-"),
    };
    right(out, share.as_bytes(), 7);
    put(out, format_args!(" {level:<14} "));
    out.extend_from_slice(match memory.pressed {
        Known::Known(true) => b"yes\n",
        Known::Known(false) => b"no\n",
        Known::Unknown(_) => b"-\n",
    });
}

/// The share of the hard limit in percent, with one decimal, cut.
fn share_text(bytes: u64, limits: &MemoryLimits) -> String {
    match permille(bytes, limits) {
        Some(permille) => format!("{}.{}%", permille / 10, permille % 10),
        None => "-".to_owned(),
    }
}

fn permille(bytes: u64, limits: &MemoryLimits) -> Option<u128> {
    (u128::from(bytes) * 1000).checked_div(u128::from(limits.high_bytes))
}

/// Appends the row of a process, or of all sockets that have none for one reason.
/// `argv0` is the process's, as it is to be shown.
pub fn write_holder(out: &mut Vec<u8>, holder: &MemoryHolder, argv0: &[u8]) {
    let numbers = [
        holder.total_bytes(),
        holder.rx_bytes,
        holder.tx_bytes,
        holder.reserve_bytes,
        holder.option_bytes,
    ];
    for number in numbers {
        right_u64(out, number, 12);
    }
    right_u64(out, holder.sockets, 8);
    blanks(out, 1);
    match &holder.owner {
        Known::Known(owner) => {
            put(out, format_args!("{}/", owner.pid.0));
            out.extend_from_slice(program_name(argv0));
        }
        Known::Unknown(reason) => put(out, format_args!("- ({})", reason_text(*reason))),
    }
    out.push(b'\n');
}

/// Says in words why sockets have no process.
fn reason_text(reason: Reason) -> &'static str {
    match reason {
        Reason::PermissionDenied => "processes of other users may hold them, only root can look",
        Reason::ConnectionRequest => "connections that no process accepted yet",
        Reason::TimeWait => "closed, and kept by the kernel for late packets",
        Reason::NoHolder => "no process: the kernel's own, closed, or of another pid namespace",
        Reason::ProcessEnded => "their process ended meanwhile",
        Reason::NotInSource | Reason::NotSupported => "this kernel does not tell their process",
        _ => "their process is unknown",
    }
}

/// Appends the line that says what a list of the largest leaves out.
pub fn write_rest(out: &mut Vec<u8>, processes: usize, bytes: u64) {
    put(
        out,
        format_args!("{bytes:>12} bytes more in {processes} other processes (-a shows them all)\n"),
    );
}

#[cfg(test)]
mod tests {
    use plumb_model::Pid;
    use plumb_model::owner::Owner;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("ASCII in, ASCII out")
    }

    #[test]
    fn rows_stand_under_their_heads() {
        let tcp = ProtocolMemory {
            protocol: MemoryProtocol::Tcp,
            version: IpVersion::V4,
            in_use: Known::Known(1),
            orphans: Known::Known(0),
            time_wait: Known::Known(2),
            allocated: Known::Known(46),
            memory_bytes: Known::Known(24_731_648),
            limits: Known::Known(MemoryLimits {
                low_bytes: 1_179_230_208,
                pressure_bytes: 1_572_319_232,
                high_bytes: 2_358_460_416,
            }),
            pressed: Known::Known(false),
        };
        let row = text(|out| write_protocol(out, &tcp));
        assert_eq!(
            row,
            "tcp             1       0        2      46     24731648   1179230208   1572319232   2358460416   1.0% below-low      no\n"
        );
        let heads = String::from_utf8_lossy(PROTOCOL_HEADER).into_owned();
        assert_eq!(
            heads.find("Memory").map(|at| at + 6),
            row.find("24731648").map(|at| at + 8)
        );
        assert_eq!(heads.find("Level"), row.find("below-low"));
        assert_eq!(heads.find("Pressed"), row.rfind("no"));
    }

    #[test]
    fn what_is_unknown_is_a_dash() {
        let unknown = || Known::Unknown(Reason::NotInSource);
        let raw = ProtocolMemory {
            protocol: MemoryProtocol::Raw,
            version: IpVersion::V6,
            in_use: Known::Known(3),
            orphans: unknown(),
            time_wait: unknown(),
            allocated: unknown(),
            memory_bytes: unknown(),
            limits: Known::Unknown(Reason::NotInSource),
            pressed: Known::Unknown(Reason::NotInSource),
        };
        assert_eq!(
            text(|out| write_protocol(out, &raw)),
            "raw6            3       -        -       -            -            -            -            -      - -              -\n"
        );
    }

    #[test]
    fn holders_without_a_process_say_why() {
        let mut holder = MemoryHolder {
            owner: Known::Known(Owner {
                pid: Pid(7),
                argv0: b"/usr/sbin/nginx".to_vec(),
            }),
            sockets: 12,
            rx_bytes: 1000,
            tx_bytes: 2000,
            reserve_bytes: 30,
            option_bytes: 4,
        };
        assert_eq!(
            text(|out| write_holder(out, &holder, b"/usr/sbin/nginx")),
            "        3034        1000        2000          30           4      12 7/nginx\n"
        );
        holder.owner = Known::Unknown(Reason::ConnectionRequest);
        assert!(
            text(|out| write_holder(out, &holder, b""))
                .ends_with("12 - (connections that no process accepted yet)\n")
        );
    }

    #[test]
    fn a_limit_of_zero_has_no_share() {
        let none = MemoryLimits {
            low_bytes: 0,
            pressure_bytes: 0,
            high_bytes: 0,
        };
        assert_eq!(share_text(5, &none), "-");
    }
}
