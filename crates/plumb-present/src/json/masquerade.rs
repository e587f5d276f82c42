//! JSON rows of masqueraded connections: array `masquerade`.

use plumb_model::masquerade::Masqueraded;
use serde::Serialize;

use super::Netns;

/// One connection.
#[derive(Debug, Clone, Serialize)]
pub struct MasqueradeRow {
    /// The namespace; present only when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<Netns>,
    /// `tcp`, `udp` or `icmp`.
    pub protocol: &'static str,
    /// Address of the hidden host.
    pub source: String,
    /// Its port.
    pub source_port: u32,
    /// Address of the far end.
    pub destination: String,
    /// Its port.
    pub destination_port: u32,
    /// Port this host lends.
    pub masqueraded_port: u32,
    /// First sequence number that is shifted.
    pub initial_sequence: u64,
    /// Shift of sequence numbers.
    pub delta: i16,
    /// Shift before the last change.
    pub previous_delta: i16,
    /// Time left.
    pub expires_ms: u64,
}

impl MasqueradeRow {
    /// Builds the row of one connection.
    pub fn from_entry(netns: Option<Netns>, entry: &Masqueraded) -> Self {
        Self {
            netns,
            protocol: entry.protocol.name(),
            source: entry.source.to_string(),
            source_port: entry.source_port.0,
            destination: entry.destination.to_string(),
            destination_port: entry.destination_port.0,
            masqueraded_port: entry.masqueraded_port.0,
            initial_sequence: entry.initial_sequence,
            delta: entry.delta,
            previous_delta: entry.previous_delta,
            expires_ms: entry.expires_ticks.saturating_mul(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use plumb_model::Port;
    use plumb_model::masquerade::MasqueradeProtocol;

    use super::*;

    #[test]
    fn time_left_is_in_milliseconds() {
        let entry = Masqueraded {
            protocol: MasqueradeProtocol::Udp,
            source: Ipv4Addr::new(10, 0, 0, 1),
            source_port: Port(8080),
            destination: Ipv4Addr::new(192, 168, 0, 1),
            destination_port: Port(53),
            masqueraded_port: Port(61440),
            initial_sequence: 0,
            delta: 0,
            previous_delta: 0,
            expires_ticks: 12345,
        };
        let row = MasqueradeRow::from_entry(None, &entry);
        let json = serde_json::to_value(&row).expect("rows serialise");
        assert_eq!(json["expires_ms"], 123_450);
        assert_eq!(json["protocol"], "udp");
        assert!(json.get("netns").is_none());
    }
}
