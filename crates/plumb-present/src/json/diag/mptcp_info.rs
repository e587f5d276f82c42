//! The object `mptcp_info`: the fields of the kernel's struct, in its order and by its names.

use plumb_model::diag::mptcp_info::MptcpInfo;
use serde::{Serialize, Serializer};

use super::fields::{Sent, object};
use super::shared::Words;

/// The names of `MPTCP_INFO_FLAG_*`.
const FLAGS: [&str; 2] = ["fallback", "remote_key_received"];

/// The object `mptcp_info`.
pub(super) struct MptcpInfoObject<'a>(pub(super) &'a MptcpInfo);

impl Serialize for MptcpInfoObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.0;
        let mut sent = Sent::new(info.sent_bytes);
        object(serializer, |fields| {
            fields.put("subflows", sent.next(info.subflows))?;
            fields.put("add_addr_signal", sent.next(info.add_addr_signal))?;
            fields.put("add_addr_accepted", sent.next(info.add_addr_accepted))?;
            fields.put("subflows_max", sent.next(info.subflows_max))?;
            fields.put("add_addr_signal_max", sent.next(info.add_addr_signal_max))?;
            fields.put(
                "add_addr_accepted_max",
                sent.next(info.add_addr_accepted_max),
            )?;
            sent.skip(2);
            let flags = sent.next(info.flags);
            let words = flags.map(|bits| Words {
                bits,
                names: &FLAGS,
            });
            fields.put("flags", words)?;
            fields.put("flags_code", flags)?;
            fields.put("token", sent.next(info.token))?;
            fields.put("write_seq", sent.next(info.write_seq))?;
            fields.put("snd_una", sent.next(info.snd_una))?;
            fields.put("rcv_nxt", sent.next(info.rcv_nxt))?;
            fields.put("local_addr_used", sent.next(info.local_addr_used))?;
            fields.put("local_addr_max", sent.next(info.local_addr_max))?;
            let csum_enabled = sent.next(info.csum_enabled);
            fields.put("csum_enabled", csum_enabled.map(|flag| flag != 0))?;
            sent.skip(1);
            fields.put("retransmits", sent.next(info.retransmits))?;
            fields.put("bytes_retrans", sent.next(info.bytes_retrans))?;
            fields.put("bytes_sent", sent.next(info.bytes_sent))?;
            fields.put("bytes_received", sent.next(info.bytes_received))?;
            fields.put("bytes_acked", sent.next(info.bytes_acked))?;
            fields.put("subflows_total", sent.next(info.subflows_total))?;
            fields.put("endp_laminar_max", sent.next(info.endp_laminar_max))?;
            sent.skip(2);
            fields.put("last_data_sent_ms", sent.next(info.last_data_sent_ms))?;
            fields.put("last_data_recv_ms", sent.next(info.last_data_recv_ms))?;
            fields.put("last_ack_recv_ms", sent.next(info.last_ack_recv_ms))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn padding_is_passed_over_and_flags_are_named() {
        let info = MptcpInfo {
            // Up to bytes_acked, as kernel 6.5 sends it.
            sent_bytes: 80,
            flags: MptcpInfo::FLAG_REMOTE_KEY_RECEIVED | 16,
            bytes_acked: 3,
            ..MptcpInfo::default()
        };
        let written = serde_json::json!(MptcpInfoObject(&info));
        assert_eq!(written["flags"], serde_json::json!(["remote_key_received"]));
        assert_eq!(written["flags_code"], 18);
        assert_eq!(written["bytes_acked"], 3);
        assert_eq!(written["subflows_total"], Value::Null);
        let whole = MptcpInfo {
            sent_bytes: 96,
            ..info
        };
        assert_eq!(
            serde_json::json!(MptcpInfoObject(&whole))["last_ack_recv_ms"],
            0
        );
    }
}
