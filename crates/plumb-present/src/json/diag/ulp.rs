//! The object `ulp`: what sits on top of a TCP socket, TLS in the kernel or MPTCP.

use plumb_model::diag::ulp::{MptcpSubflow, Tls, Ulp};
use serde::{Serialize, Serializer};

use super::fields::object;
use super::shared::Words;
use crate::json::Text;

/// The names of `MPTCP_SUBFLOW_FLAG_*`.
const SUBFLOW_FLAGS: [&str; 9] = [
    "mcap_rem",
    "mcap_loc",
    "join_rem",
    "join_loc",
    "bkup_rem",
    "bkup_loc",
    "fully_established",
    "connected",
    "mapvalid",
];

/// The object `ulp`.
pub(super) struct UlpObject<'a>(pub(super) &'a Ulp<'a>);

impl Serialize for UlpObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("name", self.0.name.map(Text))?;
            fields.some("tls", self.0.tls.as_ref().map(TlsObject))?;
            fields.some("mptcp", self.0.mptcp.as_ref().map(SubflowObject))
        })
    }
}

struct TlsObject<'a>(&'a Tls);

impl Serialize for TlsObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tls = self.0;
        object(serializer, |fields| {
            fields.put("version", tls.version.and_then(version_name))?;
            fields.put("version_code", tls.version)?;
            fields.put("cipher", tls.cipher.and_then(cipher_name))?;
            fields.put("cipher_code", tls.cipher)?;
            fields.put("rxconf", tls.rxconf.and_then(conf_name))?;
            fields.put("rxconf_code", tls.rxconf)?;
            fields.put("txconf", tls.txconf.and_then(conf_name))?;
            fields.put("txconf_code", tls.txconf)?;
            fields.put("zc_ro_tx", tls.zc_ro_tx)?;
            fields.put("rx_no_pad", tls.rx_no_pad)
        })
    }
}

/// Names a version of TLS.
fn version_name(code: u16) -> Option<&'static str> {
    match code {
        0x303 => Some("1.2"),
        0x304 => Some("1.3"),
        _ => None,
    }
}

/// Names `TLS_CIPHER_*`.
fn cipher_name(code: u16) -> Option<&'static str> {
    const NAMES: [&str; 8] = [
        "aes-gcm-128",
        "aes-gcm-256",
        "aes-ccm-128",
        "chacha20-poly1305",
        "sm4-gcm",
        "sm4-ccm",
        "aria-gcm-128",
        "aria-gcm-256",
    ];
    NAMES.get(usize::from(code.checked_sub(51)?)).copied()
}

/// Names `TLS_CONF_*`.
fn conf_name(code: u16) -> Option<&'static str> {
    match code {
        1 => Some("none"),
        2 => Some("sw"),
        3 => Some("hw"),
        4 => Some("hw-record"),
        _ => None,
    }
}

struct SubflowObject<'a>(&'a MptcpSubflow);

impl Serialize for SubflowObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let subflow = self.0;
        object(serializer, |fields| {
            fields.put("token_rem", subflow.token_rem)?;
            fields.put("token_loc", subflow.token_loc)?;
            fields.put("relwrite_seq", subflow.relwrite_seq)?;
            fields.put("map_seq", subflow.map_seq)?;
            fields.put("map_sfseq", subflow.map_sfseq)?;
            fields.put("ssn_offset", subflow.ssn_offset)?;
            fields.put("map_datalen_bytes", subflow.map_datalen)?;
            let flags = subflow.flags.map(|bits| Words {
                bits,
                names: &SUBFLOW_FLAGS,
            });
            fields.put("flags", flags)?;
            fields.put("flags_code", subflow.flags)?;
            fields.put("id_rem", subflow.id_rem)?;
            fields.put("id_loc", subflow.id_loc)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_numbers_without_a_name_stay_numbers() {
        let tls = Tls {
            version: Some(0x305),
            cipher: Some(54),
            rxconf: Some(4),
            txconf: None,
            zc_ro_tx: true,
            rx_no_pad: false,
            trailing: None,
        };
        let ulp = Ulp {
            name: Some(b"tls"),
            tls: Some(tls),
            mptcp: None,
            trailing: None,
        };
        assert_eq!(
            serde_json::json!(UlpObject(&ulp)),
            serde_json::json!({"name": "tls", "tls": {
                "version": null, "version_code": 0x305,
                "cipher": "chacha20-poly1305", "cipher_code": 54,
                "rxconf": "hw-record", "rxconf_code": 4,
                "txconf": null, "txconf_code": null,
                "zc_ro_tx": true, "rx_no_pad": false,
            }})
        );
    }
}
