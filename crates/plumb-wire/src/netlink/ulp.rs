//! `INET_DIAG_ULP_INFO`: what sits on top of a TCP socket, and what it tells of itself.
//!
//! Minimum kernel version: 5.4 (TLS); MPTCP subflows tell since 5.7.

use plumb_model::diag::attribute::Trailing;
use plumb_model::diag::ulp::{MptcpSubflow, Tls, Ulp};

use super::attribute::{Attribute, Attributes};

/// The bit that says that there are attributes inside (`NLA_F_NESTED`).
const NESTED: u16 = 0x8000;

/// Decodes the attribute.
pub fn decode_ulp<'a>(attribute: &Attribute<'a>) -> Ulp<'a> {
    let (mut name, mut tls, mut mptcp) = (None, None, None);
    let trailing = each(attribute, |inner| match inner.kind & !NESTED {
        1 => first(&mut name, || inner.string(usize::MAX)),
        2 => first(&mut tls, || decode_tls(inner)),
        3 => first(&mut mptcp, || decode_mptcp_subflow(inner)),
        _ => {}
    });
    Ulp {
        name,
        tls,
        mptcp,
        trailing,
    }
}

fn decode_tls(attribute: &Attribute<'_>) -> Tls {
    let mut tls = Tls::default();
    tls.trailing = each(attribute, |inner| match inner.kind & !NESTED {
        1 => first(&mut tls.version, || inner.u16(0)),
        2 => first(&mut tls.cipher, || inner.u16(0)),
        3 => first(&mut tls.txconf, || inner.u16(0)),
        4 => first(&mut tls.rxconf, || inner.u16(0)),
        5 => tls.zc_ro_tx = true,
        6 => tls.rx_no_pad = true,
        _ => {}
    });
    tls
}

fn decode_mptcp_subflow(attribute: &Attribute<'_>) -> MptcpSubflow {
    let mut flow = MptcpSubflow::default();
    flow.trailing = each(attribute, |inner| match inner.kind & !NESTED {
        1 => first(&mut flow.token_rem, || inner.u32(0)),
        2 => first(&mut flow.token_loc, || inner.u32(0)),
        3 => first(&mut flow.relwrite_seq, || inner.u32(0)),
        4 => first(&mut flow.map_seq, || inner.u64(0)),
        5 => first(&mut flow.map_sfseq, || inner.u32(0)),
        6 => first(&mut flow.ssn_offset, || inner.u32(0)),
        7 => first(&mut flow.map_datalen, || inner.u16(0)),
        8 => first(&mut flow.flags, || inner.u32(0)),
        9 => first(&mut flow.id_rem, || inner.u8(0)),
        10 => first(&mut flow.id_loc, || inner.u8(0)),
        _ => {}
    });
    flow
}

/// Hands on what is inside an attribute, and says what is left behind.
fn each<'a>(outer: &Attribute<'a>, mut take: impl FnMut(&Attribute<'a>)) -> Option<Trailing> {
    let mut attributes: Attributes<'a> = outer.nested();
    for inner in attributes.by_ref() {
        take(&inner);
    }
    attributes.trailing()
}

/// Keeps the first value of its kind.
fn first<T>(slot: &mut Option<T>, value: impl FnOnce() -> T) {
    if slot.is_none() {
        *slot = Some(value());
    }
}
