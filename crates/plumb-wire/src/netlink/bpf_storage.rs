//! `INET_DIAG_SK_BPF_STORAGES`: what BPF programs stored beside a socket, and how it is asked for
//! (`SK_DIAG_BPF_STORAGE_*` of `include/uapi/linux/sock_diag.h`).
//!
//! Minimum kernel version: 5.8; older ones ignore the question.

use plumb_model::diag::inet::BpfStorage;

use super::attribute::{Attribute, Attributes};

/// `SK_DIAG_BPF_STORAGE_REQ_MAP_FD`.
const REQ_MAP_FD: u16 = 1;
/// `SK_DIAG_BPF_STORAGE`.
const STORAGE: u16 = 1;
/// `SK_DIAG_BPF_STORAGE_MAP_ID`.
const MAP_ID: u16 = 2;
/// `SK_DIAG_BPF_STORAGE_MAP_VALUE`.
const MAP_VALUE: u16 = 3;
/// All but `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const TYPE: u16 = 0x3fff;

/// Encodes which maps are meant, by open descriptors; none for all.
pub fn encode_bpf_maps(fds: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(fds.len() * 8);
    for fd in fds {
        bytes.extend(8_u16.to_ne_bytes());
        bytes.extend(REQ_MAP_FD.to_ne_bytes());
        bytes.extend(fd.to_ne_bytes());
    }
    bytes
}

/// Takes the storages out of the attribute; one without a map or a value is passed over.
pub(super) fn decode_bpf_storages<'a>(attribute: &Attribute<'a>) -> Vec<BpfStorage<'a>> {
    Attributes::new(attribute.payload())
        .filter(|storage| storage.kind & TYPE == STORAGE)
        .filter_map(|storage| {
            let (mut map_id, mut value) = (None, None);
            for part in Attributes::new(storage.payload()) {
                match part.kind & TYPE {
                    MAP_ID => map_id = Some(part.u32(0)),
                    MAP_VALUE => value = Some(part.payload()),
                    _ => {}
                }
            }
            Some(BpfStorage {
                map_id: map_id?,
                value: value?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u16::try_from(payload.len() + 4).unwrap_or(0).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// Hand-made after the kernel's nesting.
    #[test]
    fn storages_are_taken_out_of_their_nests() {
        let id = |id: u32| attribute(MAP_ID, &id.to_ne_bytes());
        let whole = [id(7), attribute(MAP_VALUE, b"abc")].concat();
        let array = [
            attribute(STORAGE | 0x8000, &whole),
            attribute(STORAGE, &id(8)),
            attribute(9, &whole),
        ]
        .concat();
        let message = attribute(0x8014, &array);
        let attribute = Attributes::new(&message).next().expect("one attribute");
        assert_eq!(
            decode_bpf_storages(&attribute),
            [BpfStorage {
                map_id: 7,
                value: b"abc"
            }]
        );
    }

    #[test]
    fn maps_are_asked_for_by_descriptor() {
        let asked = encode_bpf_maps(&[3, 4]);
        let kinds: Vec<_> = Attributes::new(&asked)
            .map(|part| (part.kind, part.len, part.u32(0)))
            .collect();
        assert_eq!(kinds, [(1, 4, 3), (1, 4, 4)]);
        assert_eq!(encode_bpf_maps(&[]), b"");
    }
}
