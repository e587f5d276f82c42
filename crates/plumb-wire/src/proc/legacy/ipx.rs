//! `/proc/net/ipx/socket`: two addresses and four numbers to a socket.

use plumb_model::legacy::{IpxAddress, IpxSocket};

use super::{int, lines};
use crate::scan::Scanner;

/// What the kernel prints for a socket without a peer.
const NOT_CONNECTED: &[u8] = b"Not_Connected";

/// Which address of a row has no port; nothing behind such a row is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpxDamage {
    /// The local one.
    Source,
    /// The peer's.
    Destination,
}

/// Decodes the file. What a damaged line does not say keeps the value of the line before it.
pub fn decode_ipx(content: &[u8]) -> (Vec<IpxSocket>, Option<IpxDamage>) {
    let mut draft = Draft::default();
    let mut rows = Vec::new();
    for line in lines(content).skip(1) {
        // Conversions stop at the first that fails; the rest of `draft` stays.
        let _ = draft.read(&mut Scanner::new(line));
        match draft.finish() {
            Ok(row) => rows.push(row),
            Err(damage) => return (rows, Some(damage)),
        }
    }
    (rows, None)
}

#[derive(Default)]
struct Draft {
    local: Vec<u8>,
    peer: Vec<u8>,
    local_port: StalePort,
    peer_port: StalePort,
    send_q: i64,
    recv_q: i64,
    state: i32,
    uid: i32,
}

/// The port of the row before, in network byte order: an address whose port holds no digits gets
/// it, swapped once more.
#[derive(Default)]
struct StalePort(u16);

impl StalePort {
    fn read(&mut self, text: &[u8]) -> u16 {
        let port = Scanner::new(text)
            .hex()
            .map_or(self.0, |port| u16::try_from(port & 0xffff).unwrap_or(0));
        self.0 = port.swap_bytes();
        port
    }
}

impl Draft {
    fn read(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        self.local = scanner.word(usize::MAX)?.to_vec();
        self.peer = scanner.word(usize::MAX)?.to_vec();
        self.send_q = scanner.hex()?.cast_signed();
        self.recv_q = scanner.hex()?.cast_signed();
        self.state = int(scanner)?;
        self.uid = int(scanner)?;
        Some(())
    }

    fn finish(&mut self) -> Result<IpxSocket, IpxDamage> {
        let local = address(&self.local, &mut self.local_port).ok_or(IpxDamage::Source)?;
        let peer = if self.peer == NOT_CONNECTED {
            None
        } else {
            let peer = address(&self.peer, &mut self.peer_port);
            Some(peer.ok_or(IpxDamage::Destination)?)
        };
        // An empty line is completed by the line before it as it was shown: with its port swapped.
        swap_shown_port(&mut self.local, local.port);
        if let Some(peer) = peer {
            swap_shown_port(&mut self.peer, peer.port);
        } else {
            self.peer = b"-".to_vec();
        }
        Ok(IpxSocket {
            local,
            peer,
            send_q: self.send_q,
            recv_q: self.recv_q,
            state: self.state,
            uid: self.uid,
        })
    }
}

fn swap_shown_port(text: &mut Vec<u8>, port: u16) {
    if let Some(colon) = text.iter().rposition(|&b| b == b':') {
        text.truncate(colon + 1);
        text.extend_from_slice(format!("{:04X}", port.swap_bytes()).as_bytes());
    }
}

/// Reads `NETWORK:NODE:PORT`, all hexadecimal; only the last colon must be there.
fn address(text: &[u8], port: &mut StalePort) -> Option<IpxAddress> {
    let colon = text.iter().rposition(|&b| b == b':')?;
    let mut scanner = Scanner::new(text.get(..colon)?);
    let network = scanner.hex().unwrap_or(0);
    let digits = match scanner.literal(b':') {
        Some(()) => scanner.hex_digits(12).unwrap_or(&[]),
        None => &[],
    };
    Some(IpxAddress {
        network,
        node: node(digits),
        port: port.read(text.get(colon + 1..)?),
    })
}

/// Digits fill the node from its left.
fn node(digits: &[u8]) -> [u8; 6] {
    let mut node = [0; 6];
    for (index, &digit) in digits.iter().enumerate() {
        let value = char::from(digit)
            .to_digit(16)
            .and_then(|v| u8::try_from(v).ok())
            .unwrap_or(0);
        if let Some(byte) = node.get_mut(index / 2) {
            *byte |= if index % 2 == 0 { value << 4 } else { value };
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_until_an_address_has_no_port() {
        let (rows, damage) = decode_ipx(
            b"Local_Address              Remote_Address              Tx_Queue  Rx_Queue  State  Uid\n\
              00000001:000000000001:4001  Not_Connected               00000012  00000003  07     000\n\
              00000001:000000000001:4002  00000002:000000000002:0451  00000000  00000000  01     012\n\
              damaged\n\
              00000001:000000000001:4003  Not_Connected               00000012  00000003  07     000\n",
        );
        assert_eq!(damage, Some(IpxDamage::Source));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].peer, None);
        assert_eq!(
            (rows[0].send_q, rows[0].recv_q, rows[0].state),
            (0x12, 3, 7)
        );
        let local = IpxAddress {
            network: 1,
            node: [0, 0, 0, 0, 0, 1],
            port: 0x4002,
        };
        assert_eq!(rows[1].local, local);
        assert_eq!(rows[1].uid, 12);
    }

    #[test]
    fn short_nodes_fill_from_the_left() {
        let read =
            |text: &[u8]| address(text, &mut StalePort(0)).map(|a| (a.network, a.node, a.port));
        assert_eq!(read(b"a:b:c"), Some((10, [0xb0, 0, 0, 0, 0, 0], 12)));
        assert_eq!(read(b":"), Some((0, [0; 6], 0)));
        assert_eq!(read(b"none"), None);
    }
}
