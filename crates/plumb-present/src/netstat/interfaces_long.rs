//! The long interface table of -ie: one block per interface.

use std::net::IpAddr;

use plumb_model::interface::{
    DeviceMap, Hardware, Interface, InterfaceFlags, InterfaceStatistics, Ipv4Config, Ipv6Assignment,
};

use super::address::{write_address, write_ipv4};
use super::interfaces::shown_statistics;
use super::link_layer;
use super::size::write_size;
use crate::text::put;

/// Names in the order in which they are shown.
const FLAGS: [(InterfaceFlags, &str); 14] = [
    (InterfaceFlags::UP, "UP"),
    (InterfaceFlags::BROADCAST, "BROADCAST"),
    (InterfaceFlags::DEBUG, "DEBUG"),
    (InterfaceFlags::LOOPBACK, "LOOPBACK"),
    (InterfaceFlags::POINT_TO_POINT, "POINTOPOINT"),
    (InterfaceFlags::NO_TRAILERS, "NOTRAILERS"),
    (InterfaceFlags::RUNNING, "RUNNING"),
    (InterfaceFlags::NO_ARP, "NOARP"),
    (InterfaceFlags::PROMISCUOUS, "PROMISC"),
    (InterfaceFlags::ALL_MULTICAST, "ALLMULTI"),
    (InterfaceFlags::SLAVE, "SLAVE"),
    (InterfaceFlags::MASTER, "MASTER"),
    (InterfaceFlags::MULTICAST, "MULTICAST"),
    (InterfaceFlags::DYNAMIC, "DYNAMIC"),
];

/// Media names by port number.
const MEDIA: [&str; 7] = [
    "unknown",
    "10base2",
    "10baseT",
    "AUI",
    "100baseT",
    "100baseTX",
    "100baseFX",
];

/// I/O addresses below this are not shown.
const LOWEST_BASE: u16 = 0x100;

/// Appends the block of an interface, with the empty line behind it. `name` and `link_address`
/// (see [`link_layer::address_text`]) are given as they are to be shown; of `ipv6` only what is
/// on this interface counts.
pub fn write_interface(
    out: &mut Vec<u8>,
    interface: &Interface,
    ipv6: &[Ipv6Assignment],
    name: &[u8],
    link_address: &[u8],
) {
    out.extend_from_slice(name);
    put(
        out,
        format_args!(": flags={}", interface.flags.0.cast_signed()),
    );
    write_flags(out, interface.flags);
    put(out, format_args!("  mtu {}\n", interface.mtu));
    if let Some(ipv4) = &interface.ipv4 {
        write_ipv4_line(out, ipv4, interface.flags);
    }
    for assignment in ipv6.iter().filter(|a| a.interface == interface.name) {
        write_ipv6_line(out, assignment);
    }
    write_link_line(
        out,
        interface.hardware,
        link_address,
        interface.tx_queue_len,
    );
    if interface.flags.has(InterfaceFlags::PORT_SELECT) {
        write_media(out, interface);
    }
    if let Some(statistics) = shown_statistics(interface) {
        let compressed = link_layer::kind(interface.hardware).is_some_and(|kind| kind.compresses);
        write_statistics(out, &statistics, compressed);
    }
    write_device(out, &interface.map);
    out.push(b'\n');
}

/// Without any flag the original loses the closing bracket, with unnamed ones alone both.
fn write_flags(out: &mut Vec<u8>, flags: InterfaceFlags) {
    let names: Vec<&str> = FLAGS
        .iter()
        .filter(|&&(flag, _)| flags.has(flag))
        .map(|&(_, name)| name)
        .collect();
    match (flags.0, names.is_empty()) {
        (0, _) => out.push(b'<'),
        (_, true) => {}
        (_, false) => put(out, format_args!("<{}>", names.join(","))),
    }
}

fn write_ipv4_line(out: &mut Vec<u8>, ipv4: &Ipv4Config, flags: InterfaceFlags) {
    out.extend_from_slice(b"        inet ");
    write_ipv4(out, ipv4.address);
    let others = [
        ("netmask", ipv4.netmask, true),
        (
            "broadcast",
            ipv4.broadcast,
            flags.has(InterfaceFlags::BROADCAST),
        ),
        (
            "destination",
            ipv4.destination,
            flags.has(InterfaceFlags::POINT_TO_POINT),
        ),
    ];
    for (word, addr, _) in others.into_iter().filter(|&(_, _, shown)| shown) {
        put(out, format_args!("  {word} "));
        match addr {
            Some(addr) => write_ipv4(out, addr),
            None => out.extend_from_slice(b"[NONE SET]"),
        }
    }
    out.push(b'\n');
}

fn write_ipv6_line(out: &mut Vec<u8>, assignment: &Ipv6Assignment) {
    out.extend_from_slice(b"        inet6 ");
    write_address(out, IpAddr::V6(assignment.address));
    let scope = assignment.scope;
    put(
        out,
        format_args!("  prefixlen {}  scopeid 0x{scope:x}", assignment.prefix_len),
    );
    let names = scope_names(scope);
    if !names.is_empty() {
        put(out, format_args!("<{}>", names.join(",")));
    }
    out.push(b'\n');
}

/// Gives the names of an IPv6 scope.
pub fn scope_names(scope: u32) -> Vec<&'static str> {
    let named = [
        (scope & 0x80 != 0, "compat"),
        (scope & !0x80 == 0, "global"),
        (scope & 0x20 != 0, "link"),
        (scope & 0x40 != 0, "site"),
        (scope & 0x10 != 0, "host"),
    ];
    named
        .into_iter()
        .filter(|&(on, _)| on)
        .map(|(_, name)| name)
        .collect()
}

/// Gives the names of all flags that are set and have one.
pub fn flag_names(flags: InterfaceFlags) -> Vec<&'static str> {
    FLAGS
        .iter()
        .filter(|&&(flag, _)| flags.has(flag))
        .map(|&(_, name)| name)
        .collect()
}

fn write_link_line(
    out: &mut Vec<u8>,
    hardware: Option<Hardware>,
    address: &[u8],
    tx_queue_len: Option<i32>,
) {
    let (name, title, has_address) = match link_layer::kind(hardware) {
        Some(kind) => (kind.name, kind.title, kind.form != link_layer::Form::None),
        None => ("unspec", "UNSPEC", true),
    };
    put(out, format_args!("        {name}"));
    if has_address {
        out.push(b' ');
        out.extend_from_slice(address);
    }
    if let Some(len) = tx_queue_len {
        put(out, format_args!("  txqueuelen {len}"));
    }
    put(out, format_args!("  ({title})\n"));
}

fn write_media(out: &mut Vec<u8>, interface: &Interface) {
    let port = interface.map.port;
    out.extend_from_slice(b"        media ");
    match MEDIA.get(usize::from(port)) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => put(out, format_args!("unknown({port})")),
    }
    if interface.flags.has(InterfaceFlags::AUTO_MEDIA) {
        out.extend_from_slice(b"autoselect");
    }
    out.push(b'\n');
}

fn write_statistics(
    out: &mut Vec<u8>,
    InterfaceStatistics { rx, tx }: &InterfaceStatistics,
    compressed: bool,
) {
    put(
        out,
        format_args!("        RX packets {}  bytes {}", rx.packets, rx.bytes),
    );
    write_size(out, rx.bytes);
    if compressed {
        put(
            out,
            format_args!("        RX compressed:{}\n", rx.compressed),
        );
    }
    put(
        out,
        format_args!(
            "        RX errors {}  dropped {}  overruns {}  frame {}\n",
            rx.errors, rx.dropped, rx.fifo, rx.frame
        ),
    );
    put(
        out,
        format_args!("        TX packets {}  bytes {}", tx.packets, tx.bytes),
    );
    write_size(out, tx.bytes);
    if compressed {
        put(
            out,
            format_args!("        TX compressed {}\n", tx.compressed),
        );
    }
    // The single blank before `overruns` is the original's.
    put(
        out,
        format_args!(
            "        TX errors {}  dropped {} overruns {}  carrier {}  collisions {}\n",
            tx.errors, tx.dropped, tx.fifo, tx.carrier, tx.collisions
        ),
    );
}

fn write_device(out: &mut Vec<u8>, map: &DeviceMap) {
    let shows_base = map.base >= LOWEST_BASE;
    if map.interrupt == 0 && map.memory_start == 0 && map.dma == 0 && !shows_base {
        return;
    }
    out.extend_from_slice(b"        device ");
    if map.interrupt != 0 {
        put(out, format_args!("interrupt {}  ", map.interrupt));
    }
    if shows_base {
        put(out, format_args!("base 0x{:x}  ", map.base));
    }
    if map.memory_start != 0 {
        put(
            out,
            format_args!("memory 0x{:x}-{:x}  ", map.memory_start, map.memory_end),
        );
    }
    if map.dma != 0 {
        put(out, format_args!("  dma 0x{:x}", map.dma));
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn veth() -> Interface {
        Interface {
            name: b"veth0".to_vec(),
            flags: InterfaceFlags(0x1003),
            mtu: 1500,
            hardware: Some(Hardware {
                kind: 1,
                address: [2, 0, 0, 0, 0, 0x1f, 0, 0],
            }),
            tx_queue_len: Some(1000),
            map: DeviceMap::default(),
            ipv4: Some(Ipv4Config {
                address: Ipv4Addr::new(10, 0, 0, 1),
                netmask: Some(Ipv4Addr::new(255, 255, 255, 0)),
                broadcast: Some(Ipv4Addr::UNSPECIFIED),
                destination: Some(Ipv4Addr::new(10, 0, 0, 1)),
            }),
            statistics: Some(InterfaceStatistics::default()),
        }
    }

    fn text(interface: &Interface) -> String {
        let ipv6 = [Ipv6Assignment {
            address: Ipv6Addr::LOCALHOST,
            prefix_len: 128,
            scope: 0x10,
            interface: b"veth0".to_vec(),
        }];
        let mut out = Vec::new();
        let link = link_layer::address_text(interface.hardware);
        write_interface(&mut out, interface, &ipv6, &interface.name, &link);
        String::from_utf8(out).expect("ASCII in, ASCII out")
    }

    #[test]
    fn a_block_looks_like_ifconfig() {
        assert_eq!(
            text(&veth()),
            "veth0: flags=4099<UP,BROADCAST,MULTICAST>  mtu 1500
        inet 10.0.0.1  netmask 255.255.255.0  broadcast 0.0.0.0
        inet6 ::1  prefixlen 128  scopeid 0x10<host>
        ether 02:00:00:00:00:1f  txqueuelen 1000  (Ethernet)
        RX packets 0  bytes 0 (0.0 B)
        RX errors 0  dropped 0  overruns 0  frame 0
        TX packets 0  bytes 0 (0.0 B)
        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0

"
        );
    }

    #[test]
    fn flag_words_are_signed_and_lose_brackets() {
        let first_line = |flags| {
            let block = text(&Interface {
                flags: InterfaceFlags(flags),
                ..veth()
            });
            block.lines().next().map(str::to_owned)
        };
        assert_eq!(first_line(0).as_deref(), Some("veth0: flags=0<  mtu 1500"));
        assert_eq!(
            first_line(0x4000).as_deref(),
            Some("veth0: flags=16384  mtu 1500")
        );
        assert_eq!(
            first_line(0x8010).as_deref(),
            Some("veth0: flags=-32752<POINTOPOINT,DYNAMIC>  mtu 1500")
        );
    }

    #[test]
    fn cards_show_their_resources() {
        let mut out = Vec::new();
        let map = DeviceMap {
            memory_start: 0xf7d0_0000,
            memory_end: 0xf7d2_0000,
            base: 0x300,
            interrupt: 20,
            dma: 3,
            port: 2,
        };
        write_device(&mut out, &map);
        assert_eq!(
            out,
            b"        device interrupt 20  base 0x300  memory 0xf7d00000-f7d20000    dma 0x3\n"
        );
    }
}
