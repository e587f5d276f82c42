//! Where counters come from: four files of the kernel, or the answer of a sampler.

use plumb_collect::proc_paths::{ProcFile, file};
use plumb_model::counter::RatedCounter;
use plumb_wire::proc::nstat::{Damage, SourceName, decode_paired, decode_rated};

const SCTP_SNMP: ProcFile = file("PROC_NET_SCTP_SNMP", "net/sctp/snmp");
const SNMP: ProcFile = file("PROC_NET_SNMP", "net/snmp");
const SNMP6: ProcFile = file("PROC_NET_SNMP6", "net/snmp6");
const NETSTAT: ProcFile = file("PROC_NET_NETSTAT", "net/netstat");

/// Reads the counters of the kernel, SCTP first. A file that is not there has none.
///
/// They are read in the opposite order, which decides whose damage is reported and which `#` line
/// counts.
pub fn read_kernel(source: &mut SourceName) -> Result<Vec<RatedCounter>, Damage> {
    let netstat = decode_paired(&read(NETSTAT))?;
    let snmp6 = decode_rated(&read(SNMP6), source)?;
    let snmp = decode_paired(&read(SNMP))?;
    let sctp = decode_rated(&read(SCTP_SNMP), source)?;
    Ok([sctp, snmp, snmp6, netstat].concat())
}

/// Reads the answer of a sampler, which has the form of a history file.
pub fn decode_answer(answer: &[u8], source: &mut SourceName) -> Result<Vec<RatedCounter>, Damage> {
    decode_rated(answer, source)
}

fn read(file: ProcFile) -> Vec<u8> {
    std::fs::read(file.path()).unwrap_or_default()
}
