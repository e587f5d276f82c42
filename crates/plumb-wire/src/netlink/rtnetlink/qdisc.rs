//! Queueing disciplines as rtnetlink lists them (`RTM_GETQDISC`).
//!
//! Minimum kernel version: 2.6.35 (`TCA_STATS2`). Since 4.17 a dump with an empty `struct tcmsg` lists
//! those of all interfaces, as it always did.

use plumb_model::traffic::{Qdisc, QdiscStatistics};
use plumb_model::{Known, Reason};

use super::super::frame::{attributes, u32_at};
use super::name;

/// `RTM_NEWQDISC`.
pub const NEW_QDISC: u16 = 36;
/// Bytes of `struct tcmsg`.
pub(super) const BODY_BYTES: usize = 20;

const TCA_KIND: u16 = 1;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;
/// 64 bits where `TCA_STATS_BASIC` has 32. Since Linux 5.5.
const TCA_STATS_PKT64: u16 = 8;

/// Decodes a row; `None` for what is too short to be one.
pub fn decode_qdisc(payload: &[u8]) -> Option<Qdisc> {
    let mut qdisc = Qdisc {
        index: u32_at(payload, 4)?,
        kind: Vec::new(),
        handle: u32_at(payload, 8)?,
        parent: u32_at(payload, 12)?,
        statistics: Known::Unknown(Reason::NotInSource),
    };
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            TCA_KIND => qdisc.kind = name(value),
            TCA_STATS2 => qdisc.statistics = Known::Known(statistics(value)),
            _ => {}
        }
    }
    Some(qdisc)
}

fn statistics(nested: &[u8]) -> QdiscStatistics {
    let mut statistics = QdiscStatistics::default();
    let word = |value: &[u8], place: usize| u32_at(value, 4 * place).map_or(0, u64::from);
    for (kind, value) in attributes(nested) {
        match kind {
            TCA_STATS_BASIC => {
                statistics.bytes = u64_at(value).unwrap_or(0);
                // The wider number, where there is one, comes behind this.
                statistics.packets = word(value, 2);
            }
            TCA_STATS_PKT64 => statistics.packets = u64_at(value).unwrap_or(statistics.packets),
            TCA_STATS_QUEUE => {
                statistics.queue_packets = word(value, 0);
                statistics.queue_bytes = word(value, 1);
                statistics.drops = word(value, 2);
                statistics.requeues = word(value, 3);
                statistics.overlimits = word(value, 4);
            }
            _ => {}
        }
    }
    statistics
}

fn u64_at(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::super::super::frame::HEADER_BYTES;
    use super::super::super::request::Request;
    use super::*;

    #[test]
    fn a_discipline_has_its_counters_and_its_queue() {
        let mut head = [0; BODY_BYTES];
        head[4..8].copy_from_slice(&3_u32.to_ne_bytes());
        head[12..16].copy_from_slice(&Qdisc::ROOT.to_ne_bytes());
        let queue: Vec<u8> = (1..=5_u32).flat_map(u32::to_ne_bytes).collect();
        let basic = [&900_u64.to_ne_bytes()[..], &7_u32.to_ne_bytes(), &[0; 4]].concat();
        let bytes = Request::single(NEW_QDISC, &head)
            .attribute(TCA_KIND, b"tbf\0")
            .nested(TCA_STATS2, |inside| {
                inside
                    .attribute(TCA_STATS_BASIC, &basic)
                    .attribute(TCA_STATS_QUEUE, &queue)
            })
            .finish()
            .split_off(HEADER_BYTES);
        let qdisc = decode_qdisc(&bytes).expect("it is whole");
        assert_eq!((qdisc.index, &qdisc.kind[..]), (3, &b"tbf"[..]));
        assert!(qdisc.is_outermost());
        assert_eq!(
            qdisc.statistics,
            Known::Known(QdiscStatistics {
                bytes: 900,
                packets: 7,
                drops: 3,
                overlimits: 5,
                requeues: 4,
                queue_packets: 1,
                queue_bytes: 2,
            })
        );
        assert_eq!(decode_qdisc(&bytes[..19]), None);
    }
}
