//! What an interface is: state, kind, addresses, speed. Nothing that it counts.

use plumb_analyze::traffic::{Span, kind, speed, state};
use plumb_model::link::Link;
use plumb_present::json;
use serde::Serialize;

/// What does not change with every packet.
#[derive(Debug, Serialize)]
pub struct Nature {
    pub state: &'static str,
    pub kind: String,
    pub mtu: Option<u32>,
    pub tx_queue_len: Option<u32>,
    pub mac: Option<String>,
    pub addresses: Vec<String>,
    pub master: Option<String>,
    pub carrier_changes: Option<u32>,
    pub speed_mbit_s: Option<u32>,
    pub speed_unknown: Option<&'static str>,
    pub duplex: Option<&'static str>,
}

impl Nature {
    /// Takes it from the later reading.
    pub fn new(span: Span<'_>, link: &Link) -> Self {
        let speeds = &span.after.speeds;
        let duplex = speeds.iter().find(|speed| speed.index == link.base.index);
        let speed = speed(link, speeds);
        let addresses = span.after.addresses.iter();
        let own = addresses.filter(|address| address.interface == link.base.index);
        let master = link.base.master.and_then(|master| {
            let mut links = span.after.links.iter();
            links.find(|link| link.base.index == master)
        });
        Self {
            state: state(link),
            kind: kind(link),
            mtu: link.base.mtu,
            tx_queue_len: link.tx_queue_len.ok(),
            mac: link.address.as_deref().map(hexadecimal),
            addresses: own
                .map(|address| format!("{}/{}", address.ip, address.prefix_len))
                .collect(),
            master: master.map(|master| json::text(&master.base.name)),
            carrier_changes: link.carrier_changes.ok(),
            speed_mbit_s: speed.ok(),
            speed_unknown: speed.reason().map(plumb_model::Reason::word),
            duplex: duplex
                .filter(|_| speed.ok().is_some())
                .and_then(|speed| speed.duplex)
                .map(|duplex| if duplex == 0 { "half" } else { "full" }),
        }
    }
}

fn hexadecimal(address: &[u8]) -> String {
    let bytes: Vec<String> = address.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_layer_addresses_are_written_as_ip_does() {
        assert_eq!(hexadecimal(&[2, 0xfc, 0]), "02:fc:00");
    }
}
