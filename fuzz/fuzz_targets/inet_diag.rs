//! Datagrams of a sock_diag dump: framing, messages and attributes. The walk always ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_model::diag::inet::Protocol;
use plumb_wire::netlink::frame::{Frame, Frames, attributes};
use plumb_wire::netlink::inet_diag::{INET_DIAG_INFO, decode_inet_diag, find_attribute};
use plumb_wire::netlink::inet_diag_record::decode_inet_diag_record;

fuzz_target!(|bytes: &[u8]| {
    let mut messages = 0;
    for frame in Frames::new(bytes) {
        messages += 1;
        if let Frame::Data { payload, .. } = frame {
            let _ = decode_inet_diag(payload);
            let _ = find_attribute(payload, INET_DIAG_INFO);
            for table in [Protocol::TCP, Protocol::SCTP, Protocol::MPTCP] {
                let whole = decode_inet_diag_record(payload, table).is_some();
                assert_eq!(whole, payload.len() >= 72);
            }
        }
    }
    // A message is at least its header, so there are never more than fit, and a broken rest.
    assert!(messages <= bytes.len() / 16 + 1);
    assert!(attributes(bytes).count() <= bytes.len() / 4 + 1);
});
