//! Arguments that are constants, as the words programs are written with; numbers that have no name stay numbers.

use plumb_bpf::recorder::calls::Argument;

use super::option_names;

/// `IPPROTO_TCP`.
pub const IPPROTO_TCP: u8 = 6;

/// Address families of Linux.
pub mod family {
    pub const UNIX: i32 = 1;
    pub const INET: i32 = 2;
    pub const INET6: i32 = 10;
    pub const NETLINK: i32 = 16;
    pub const PACKET: i32 = 17;
}

/// Flags of messages (linux/socket.h), by value.
const MESSAGE_FLAGS: [(u32, &str); 19] = [
    (0x1, "MSG_OOB"),
    (0x2, "MSG_PEEK"),
    (0x4, "MSG_DONTROUTE"),
    (0x8, "MSG_CTRUNC"),
    (0x20, "MSG_TRUNC"),
    (0x40, "MSG_DONTWAIT"),
    (0x80, "MSG_EOR"),
    (0x100, "MSG_WAITALL"),
    (0x200, "MSG_FIN"),
    (0x400, "MSG_SYN"),
    (0x800, "MSG_CONFIRM"),
    (0x1000, "MSG_RST"),
    (0x2000, "MSG_ERRQUEUE"),
    (0x4000, "MSG_NOSIGNAL"),
    (0x8000, "MSG_MORE"),
    (0x1_0000, "MSG_WAITFORONE"),
    (0x400_0000, "MSG_ZEROCOPY"),
    (0x2000_0000, "MSG_FASTOPEN"),
    (0x4000_0000, "MSG_CMSG_CLOEXEC"),
];

/// Flags of a kind of socket, in the order in which strace writes them.
const KIND_FLAGS: [(u32, &str); 2] = [(0o2_000_000, "SOCK_CLOEXEC"), (0o4000, "SOCK_NONBLOCK")];

/// Gives an argument that is a number, as text; `all` are the arguments of its call.
#[expect(
    clippy::cast_possible_truncation,
    reason = "descriptors, constants and flags are 32 bits wide"
)]
pub fn text(argument: Argument, value: u64, all: &[u64; 6]) -> String {
    let number = (value as u32).cast_signed();
    let first = (all[0] as u32).cast_signed();
    let level = (all[1] as u32).cast_signed();
    let name = match argument {
        Argument::Family => family_name(number),
        Argument::SocketKind => return kind(number),
        Argument::Protocol => protocol(first, number),
        Argument::Level => option_names::level(number),
        Argument::OptionName => option_names::option(level, number),
        Argument::MessageFlags => return flags(value as u32, &MESSAGE_FLAGS),
        Argument::How => ["SHUT_RD", "SHUT_WR", "SHUT_RDWR"]
            .get(value as usize)
            .copied(),
        _ => None,
    };
    name.map_or_else(|| number.to_string(), str::to_owned)
}

fn family_name(number: i32) -> Option<&'static str> {
    Some(match number {
        family::UNIX => "AF_UNIX",
        family::INET => "AF_INET",
        family::INET6 => "AF_INET6",
        family::NETLINK => "AF_NETLINK",
        family::PACKET => "AF_PACKET",
        40 => "AF_VSOCK",
        44 => "AF_XDP",
        _ => return None,
    })
}

/// A kind of socket with its flags.
fn kind(number: i32) -> String {
    let flagged = number.cast_unsigned() & !0xf;
    let name = match number & 0xf {
        1 => String::from("SOCK_STREAM"),
        2 => String::from("SOCK_DGRAM"),
        3 => String::from("SOCK_RAW"),
        5 => String::from("SOCK_SEQPACKET"),
        other => other.to_string(),
    };
    match flagged {
        0 => name,
        _ => format!("{name}|{}", flags(flagged, &KIND_FLAGS)),
    }
}

/// A protocol of a family (linux/in.h, linux/netlink.h); 0 is the family's own choice.
fn protocol(of: i32, number: i32) -> Option<&'static str> {
    let names: &[(i32, &str)] = match of {
        family::INET | family::INET6 => &[
            (0, "IPPROTO_IP"),
            (1, "IPPROTO_ICMP"),
            (6, "IPPROTO_TCP"),
            (17, "IPPROTO_UDP"),
            (58, "IPPROTO_ICMPV6"),
            (132, "IPPROTO_SCTP"),
            (136, "IPPROTO_UDPLITE"),
            (255, "IPPROTO_RAW"),
            (262, "IPPROTO_MPTCP"),
        ],
        family::NETLINK => &[
            (0, "NETLINK_ROUTE"),
            (4, "NETLINK_SOCK_DIAG"),
            (9, "NETLINK_AUDIT"),
            (12, "NETLINK_NETFILTER"),
            (15, "NETLINK_KOBJECT_UEVENT"),
            (16, "NETLINK_GENERIC"),
        ],
        _ => &[],
    };
    let found = names.iter().find(|(known, _)| *known == number);
    found.map(|(_, name)| *name)
}

/// The protocol of a socket as `strace -yy` writes it.
pub fn transport(protocol: u8) -> String {
    match protocol {
        IPPROTO_TCP => String::from("TCP"),
        17 => String::from("UDP"),
        1 => String::from("ICMP"),
        58 => String::from("ICMPv6"),
        132 => String::from("SCTP"),
        136 => String::from("UDPLITE"),
        other => format!("protocol {other}"),
    }
}

/// Flags by their names, what has none in hexadecimal; `0` for none.
fn flags(value: u32, known: &[(u32, &str)]) -> String {
    let mut left = value;
    let mut parts = Vec::new();
    for &(flag, name) in known {
        if value & flag != 0 {
            left &= !flag;
            parts.push(name.to_owned());
        }
    }
    if left != 0 {
        parts.push(format!("{left:#x}"));
    }
    if parts.is_empty() {
        return String::from("0");
    }
    parts.join("|")
}

/// Gives names and numbers of flags, for comparison.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = (&'static str, i64)> {
    MESSAGE_FLAGS
        .iter()
        .map(|&(flag, name)| (name, flag.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(argument: Argument, value: u64, before: [u64; 2]) -> String {
        text(argument, value, &[before[0], before[1], value, 0, 0, 0])
    }

    #[test]
    fn constants_have_names_and_others_stay_numbers() {
        let of_socket = [5, 1];
        assert_eq!(shown(Argument::Level, 6, [5, 6]), "SOL_TCP");
        assert_eq!(shown(Argument::OptionName, 1, [5, 6]), "TCP_NODELAY");
        assert_eq!(shown(Argument::OptionName, 9, of_socket), "SO_KEEPALIVE");
        assert_eq!(shown(Argument::OptionName, 60_000, of_socket), "60000");
        assert_eq!(shown(Argument::OptionName, 1, [5, 999]), "1");
        assert_eq!(shown(Argument::How, 1, [0, 0]), "SHUT_WR");
        assert_eq!(shown(Argument::How, 9, [0, 0]), "9");
        assert_eq!(shown(Argument::Protocol, 6, [2, 1]), "IPPROTO_TCP");
        assert_eq!(shown(Argument::Protocol, 0, [2, 1]), "IPPROTO_IP");
        assert_eq!(shown(Argument::Protocol, 0, [1, 1]), "0");
        assert_eq!(shown(Argument::Protocol, 0, [16, 3]), "NETLINK_ROUTE");
        assert_eq!(shown(Argument::Fd, u64::MAX, [0, 0]), "-1");
    }

    #[test]
    fn flags_that_nobody_knows_are_kept() {
        assert_eq!(shown(Argument::MessageFlags, 0, [0, 0]), "0");
        assert_eq!(
            shown(Argument::MessageFlags, 0x4040, [0, 0]),
            "MSG_DONTWAIT|MSG_NOSIGNAL"
        );
        assert_eq!(
            shown(Argument::MessageFlags, 0x8000_0001, [0, 0]),
            "MSG_OOB|0x80000000"
        );
        assert_eq!(
            shown(Argument::SocketKind, 0o2_004_001, [0, 0]),
            "SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK"
        );
        assert_eq!(
            shown(Argument::SocketKind, 0x101, [0, 0]),
            "SOCK_STREAM|0x100"
        );
    }
}
