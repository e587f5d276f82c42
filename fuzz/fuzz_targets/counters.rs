//! Counter files: /proc/net/snmp, netstat, snmp6 and sctp/snmp. Every name of a block gets a value,
//! and there are never more blocks than pairs of lines. nstat reads them in its own way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::proc::counters::FILES;
use plumb_wire::proc::nstat::{SourceName, decode_paired, decode_rated};
use plumb_wire::proc::snmp::{decode_paired_counters, decode_sctp_counters, decode_snmp6};

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(decode_paired_counters(bytes).blocks.len() <= lines / 2 + 1);
    let _ = decode_snmp6(bytes);
    let _ = decode_paired(bytes);
    let mut source = SourceName::default();
    if let Ok(counters) = decode_rated(bytes, &mut source) {
        assert!(counters.len() <= bytes.len());
    }
    for (file, decode) in FILES {
        assert!(decode(bytes, file).len() <= bytes.len());
    }
    assert!(decode_sctp_counters(bytes).counters.len() <= bytes.len());
});
