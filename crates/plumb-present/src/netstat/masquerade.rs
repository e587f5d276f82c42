//! The table of masqueraded connections, `netstat -M`.

use plumb_model::masquerade::Masqueraded;

use crate::text::{left, put};

/// The title; printed only if there are entries.
pub const TITLE: &[u8] = b"IP masquerading entries\n";

/// Ticks of the timer per second.
const TICKS: u64 = 100;

/// Addresses and ports as they are to be shown.
#[derive(Debug, Clone, Copy)]
pub struct MasqueradeTexts<'a> {
    /// Address of the hidden host.
    pub source: &'a [u8],
    /// Address of the far end.
    pub destination: &'a [u8],
    /// Port of the hidden host.
    pub source_port: &'a [u8],
    /// Port of the far end.
    pub destination_port: &'a [u8],
    /// Port this host lends.
    pub masqueraded_port: &'a [u8],
}

/// Appends the column heads; `is_extended` adds the columns of -e.
pub fn write_header(out: &mut Vec<u8>, is_extended: bool) {
    out.extend_from_slice(b"prot   expire ");
    if is_extended {
        out.extend_from_slice(b"   initseq delta prevd ");
    }
    out.extend_from_slice(b"source               destination          ports\n");
}

/// Appends one row.
pub fn write_entry(
    out: &mut Vec<u8>,
    entry: &Masqueraded,
    texts: MasqueradeTexts<'_>,
    is_extended: bool,
) {
    left(out, entry.protocol.name().as_bytes(), 4);
    let seconds = entry.expires_ticks / TICKS;
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let ticks = entry.expires_ticks % TICKS;
    put(out, format_args!("{minutes:>3}:{seconds:02}.{ticks:02} "));
    if is_extended {
        put(
            out,
            format_args!(
                "{:>10} {:>5} {:>5} ",
                entry.initial_sequence, entry.delta, entry.previous_delta
            ),
        );
    }
    left(out, texts.source, 20);
    out.push(b' ');
    left(out, texts.destination, 20);
    out.push(b' ');
    out.extend_from_slice(texts.source_port);
    out.extend_from_slice(b" -> ");
    out.extend_from_slice(texts.destination_port);
    out.extend_from_slice(b" (");
    out.extend_from_slice(texts.masqueraded_port);
    out.extend_from_slice(b")\n");
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use plumb_model::Port;
    use plumb_model::masquerade::MasqueradeProtocol;

    use super::*;

    #[test]
    fn rows_have_a_timer_and_three_ports() {
        let entry = Masqueraded {
            protocol: MasqueradeProtocol::Tcp,
            source: Ipv4Addr::new(10, 0, 0, 1),
            source_port: Port(8080),
            destination: Ipv4Addr::new(192, 168, 0, 1),
            destination_port: Port(80),
            masqueraded_port: Port(61440),
            initial_sequence: 1,
            delta: -1,
            previous_delta: -2,
            expires_ticks: 12345,
        };
        let texts = MasqueradeTexts {
            source: b"10.0.0.1",
            destination: b"192.168.0.1",
            source_port: b"8080",
            destination_port: b"80",
            masqueraded_port: b"61440",
        };
        let mut out = Vec::new();
        write_header(&mut out, true);
        write_entry(&mut out, &entry, texts, true);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "prot   expire    initseq delta prevd source               destination          ports\n\
             tcp   2:03.45          1    -1    -2 10.0.0.1             192.168.0.1          \
             8080 -> 80 (61440)\n"
        );
    }
}
