//! Reading what a diagnosis looks at: one [`Sample`] of the network namespace of this thread.
//!
//! Everything is read as unprivileged as possible; what is refused is `Unknown` or a gap.

mod descriptors;
mod settings;

use plumb_model::sample::{Counters, Sample};
use plumb_model::snapshot::Kind;
use plumb_wire::proc::snmp::{decode_paired_counters, decode_snmp6};
use rustix::time::{ClockId, clock_gettime};

use crate::proc::read_file;
use crate::snapshot::{self, Request};

/// Reads one sample.
pub fn read() -> Sample {
    let at_us = monotonic_us();
    let snapshot = snapshot::read(&Request {
        kinds: vec![
            Kind::Tcp,
            Kind::Udp,
            Kind::Raw,
            Kind::UnixStream,
            Kind::UnixDgram,
            Kind::UnixSeqpacket,
        ],
        info: true,
        memory: true,
        ..Request::default()
    });
    let descriptors = descriptors::read(&snapshot.owners.processes);
    Sample {
        at_us,
        snapshot,
        counters: read_counters(),
        descriptors,
        settings: settings::read(),
    }
}

/// Reads the counters of this namespace; a file that cannot be read has none.
fn read_counters() -> Counters {
    let mut blocks = Vec::new();
    for path in ["/proc/net/snmp", "/proc/net/netstat"] {
        if let Ok(text) = read_file(path) {
            blocks.extend(decode_paired_counters(&text).blocks);
        }
    }
    if let Ok(text) = read_file("/proc/net/snmp6") {
        blocks.extend(decode_snmp6(&text));
    }
    Counters(blocks)
}

/// Gives microseconds of the monotonic clock.
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds * 1_000_000 + nanoseconds / 1000
}
