//! Selective acknowledgements (RFC 2018): what somebody got behind a gap. Headers alone are read, no data.
//!
//! A first block that is old, or lies within the second, tells of a duplicate (RFC 2883) and of no gap.

use std::net::SocketAddr;

use super::{ACK, Ip, SYN, TCP};

/// `TCPOPT_SACK`, and the options of one byte: the end of the list, and padding.
const SACK: u8 = 5;
const END: u8 = 0;
const PADDING: u8 = 1;
/// Bytes of a TCP header without options, of an option's kind and length, and of one block.
const HEADER: usize = 20;
const KIND_AND_LENGTH: usize = 2;
const BLOCK: usize = 8;

/// An acknowledgement that tells of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapTold {
    /// Who misses something.
    pub from: SocketAddr,
    /// Who has to send it again.
    pub to: SocketAddr,
    /// The sequence number of what is missing first.
    pub missing: u32,
    /// The one behind the last of what came.
    pub highest: u32,
}

/// Decodes an acknowledgement that tells of a gap; `None` for everything else.
pub fn decode_gap(packet: &[u8]) -> Option<GapTold> {
    let ip = Ip::decode(packet).filter(|ip| ip.protocol == TCP)?;
    let (from, to) = ip.ends()?;
    let header = ip.payload.first_chunk::<HEADER>()?;
    if header[13] & (ACK | SYN) != ACK {
        return None;
    }
    let missing = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    let length = usize::from(header[12] >> 4) * 4;
    let blocks = blocks(ip.payload.get(HEADER..length)?)?;
    let edges = blocks.chunks_exact(BLOCK).filter_map(|block| {
        let edge = |at: usize| {
            let bytes = block.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_be_bytes(*bytes))
        };
        Some((edge(0)?, edge(4)?))
    });
    let behind = edges.filter(|(left, _)| is_after(*left, missing));
    let highest = behind
        .map(|(_, right)| right)
        .max_by_key(|right| right.wrapping_sub(missing))?;
    Some(GapTold {
        from,
        to,
        missing,
        highest,
    })
}

/// Says whether a sequence number is behind another, by less than half of all numbers.
pub fn is_after(number: u32, other: u32) -> bool {
    (1..1 << 31).contains(&number.wrapping_sub(other))
}

/// Finds the blocks among the options.
fn blocks(mut options: &[u8]) -> Option<&[u8]> {
    loop {
        match *options.first()? {
            END => return None,
            PADDING => options = options.get(1..)?,
            kind => {
                let length = usize::from(*options.get(1)?);
                let value = options.get(KIND_AND_LENGTH..length)?;
                if kind == SACK {
                    return Some(value);
                }
                options = options.get(length..)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An acknowledgement of 10.0.0.1:9 to 10.0.0.2:80, which misses 1000, with these blocks.
    fn packet(blocks: &[(u32, u32)]) -> Vec<u8> {
        let mut packet = vec![
            0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        let mut segment = vec![0, 9, 0, 80, 0, 0, 0, 1];
        segment.extend(1000_u32.to_be_bytes());
        let mut options = vec![1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 4];
        if !blocks.is_empty() {
            options.extend([1, 1, SACK, u8::try_from(2 + 8 * blocks.len()).expect("few")]);
        }
        for (left, right) in blocks {
            options.extend(left.to_be_bytes());
            options.extend(right.to_be_bytes());
        }
        let words = u8::try_from((HEADER + options.len()) / 4).expect("few");
        segment.extend([words << 4, ACK, 1, 1, 0, 0, 0, 0]);
        segment.extend(options);
        packet.extend(segment);
        packet
    }

    #[test]
    fn what_came_behind_a_gap_tells_of_it_and_a_duplicate_does_not() {
        let told = GapTold {
            from: ([10, 0, 0, 1], 9).into(),
            to: ([10, 0, 0, 2], 80).into(),
            missing: 1000,
            highest: 3000,
        };
        assert_eq!(decode_gap(&packet(&[(2000, 3000)])), Some(told));
        assert_eq!(
            decode_gap(&packet(&[(2000, 3000), (1500, 1600)])),
            Some(told)
        );
        // A duplicate comes first, and then what waits.
        assert_eq!(decode_gap(&packet(&[(500, 600), (2000, 3000)])), Some(told));
        assert_eq!(decode_gap(&packet(&[(500, 600)])), None);
        assert_eq!(decode_gap(&packet(&[])), None);
        let whole = packet(&[(2000, 3000)]);
        for len in 0..whole.len() {
            assert_eq!(decode_gap(&whole[..len]), None);
        }
    }

    #[test]
    fn numbers_run_over_between_what_is_missing_and_what_came() {
        let mut packet = packet(&[(5, 900)]);
        packet[28..32].copy_from_slice(&0xffff_fff0_u32.to_be_bytes());
        assert_eq!(
            decode_gap(&packet).map(|told| told.missing),
            Some(0xffff_fff0)
        );
    }
}
