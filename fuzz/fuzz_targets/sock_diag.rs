//! Messages of the socket families that are no Internet ones, and the rows of /proc that stand in for
//! them: any bytes are a socket or nothing, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::netlink::link::decode_link_index;
use plumb_wire::netlink::netlink_diag::decode_netlink_diag;
use plumb_wire::netlink::packet_diag::decode_packet_diag;
use plumb_wire::netlink::tipc_diag::decode_tipc_diag;
use plumb_wire::netlink::unix_diag::decode_unix_diag;
use plumb_wire::netlink::vsock_diag::decode_vsock_diag;
use plumb_wire::netlink::xdp_diag::decode_xdp_diag;
use plumb_wire::proc::netlink::NetlinkRows;
use plumb_wire::proc::packet::PacketRows;
use plumb_wire::proc::unix_diag::UnixDiagRows;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(decode_unix_diag(bytes).is_some(), bytes.len() >= 16);
    assert_eq!(decode_packet_diag(bytes).is_some(), bytes.len() >= 16);
    assert_eq!(decode_xdp_diag(bytes).is_some(), bytes.len() >= 16);
    assert_eq!(decode_netlink_diag(bytes).is_some(), bytes.len() >= 28);
    assert_eq!(decode_vsock_diag(bytes).is_some(), bytes.len() >= 32);
    let _ = decode_tipc_diag(bytes);
    let _ = decode_link_index(bytes);
    let (mut unix, mut packet) = (UnixDiagRows::new(), PacketRows::new());
    let mut netlink = NetlinkRows::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let _ = (unix.decode(line), netlink.decode(line));
        let whole = line.ends_with(b"\n") && !line.contains(&0);
        assert_eq!(packet.decode(line).is_some(), whole);
    }
});
