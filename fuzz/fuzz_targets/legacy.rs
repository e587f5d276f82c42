//! The tables of IPX, AX.25, X.25, NET/ROM and ROSE, each a whole file. No row comes from nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::legacy::ax25::decode_ax25;
use plumb_wire::proc::legacy::ipx::decode_ipx;
use plumb_wire::proc::legacy::netrom::decode_netrom;
use plumb_wire::proc::legacy::rose::decode_rose;
use plumb_wire::proc::legacy::x25::decode_x25;

fuzz_target!(|bytes: &[u8]| {
    let most = bytes.len();
    assert!(decode_ax25(bytes).len() <= most);
    assert!(decode_ipx(bytes).0.len() <= most);
    assert!(decode_netrom(bytes).len() <= most);
    assert!(decode_rose(bytes).len() <= most);
    assert!(decode_x25(bytes).len() <= most);
});
