//! `/proc/net/snmp`, `netstat`, `snmp6` and `sctp/snmp` with any values.
//!
//! The names of a current kernel come from files captured on Linux 6.18; those that older kernels
//! had, and that netstat still knows, are listed here.

/// `/proc/net/snmp` of Linux 6.18, all counters of a new network namespace.
pub const SNMP: &str = include_str!("../../fixtures/linux-6.18/snmp");
/// `/proc/net/netstat` of the same namespace.
pub const NETSTAT: &str = include_str!("../../fixtures/linux-6.18/netstat");
/// `/proc/net/snmp6` of the same namespace.
pub const SNMP6: &str = include_str!("../../fixtures/linux-6.18/snmp6");

/// The counters of `/proc/net/sctp/snmp`, in the kernel's order.
pub const SCTP: &[&str] = &[
    "SctpCurrEstab",
    "SctpActiveEstabs",
    "SctpPassiveEstabs",
    "SctpAborteds",
    "SctpShutdowns",
    "SctpOutOfBlues",
    "SctpChecksumErrors",
    "SctpOutCtrlChunks",
    "SctpOutOrderChunks",
    "SctpOutUnorderChunks",
    "SctpInCtrlChunks",
    "SctpInOrderChunks",
    "SctpInUnorderChunks",
    "SctpFragUsrMsgs",
    "SctpReasmUsrMsgs",
    "SctpOutSCTPPacks",
    "SctpInSCTPPacks",
    "SctpT1InitExpireds",
    "SctpT1CookieExpireds",
    "SctpT2ShutdownExpireds",
    "SctpT3RtxExpireds",
    "SctpT4RtoExpireds",
    "SctpT5ShutdownGuardExpireds",
    "SctpDelaySackExpireds",
    "SctpAutocloseExpireds",
    "SctpT3Retransmits",
    "SctpPmtudRetransmits",
    "SctpFastRetransmits",
    "SctpInPktSoftirq",
    "SctpInPktBacklog",
    "SctpInPktDiscards",
    "SctpInDataChunkDiscards",
];

/// Gives the blocks of a two-line file (`snmp`, `netstat`): name, counters in order.
pub fn blocks(file: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in file.lines().step_by(2) {
        if let Some((name, counters)) = line.split_once(": ") {
            blocks.push((name, counters.split_whitespace().collect()));
        }
    }
    blocks
}

/// Writes one block as its two lines; `value` gives each counter's value.
pub fn block(name: &str, counters: &[&str], mut value: impl FnMut(&str) -> String) -> String {
    let values: Vec<String> = counters.iter().map(|counter| value(counter)).collect();
    format!(
        "{name}: {}\n{name}: {}\n",
        counters.join(" "),
        values.join(" ")
    )
}

/// Gives the counter names of a one-line-each file (`snmp6`).
pub fn names(file: &str) -> Vec<&str> {
    let names = file
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    names.collect()
}

/// Writes counters one a line (`snmp6`, `sctp/snmp`).
pub fn lines(counters: &[&str], mut value: impl FnMut(&str) -> String) -> String {
    let lines = counters
        .iter()
        .map(|counter| format!("{counter:<32}\t{}\n", value(counter)));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_captured_files_come_back_as_they_were() {
        for file in [SNMP, NETSTAT] {
            let mut values = file
                .lines()
                .skip(1)
                .step_by(2)
                .flat_map(|line| line.split_whitespace().skip(1).map(str::to_owned));
            let again: String = blocks(file)
                .iter()
                .map(|(name, counters)| {
                    block(name, counters, |_| values.next().expect("one value each"))
                })
                .collect();
            assert_eq!(again, file);
        }
        assert_eq!(lines(&names(SNMP6), |_| "0".into()), SNMP6);
    }
}
