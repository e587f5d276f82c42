//! The address part of an inet operand: numbers, `any`, or a name.

use std::net::IpAddr;

use super::inet::{aton, ipv4, ipv6, is_any, is_numeric_name, prefix};
use crate::{Family, Kind, Pattern, Resolve};

/// Reads an address in the wanted family, `None` for both. Preferred families that have no addresses of
/// their own (tipc, xdp) leave all to the resolver, which knows numbers in dots.
pub(crate) fn read(
    text: &[u8],
    family: Option<Family>,
    resolve: &mut dyn Resolve,
) -> Result<Vec<Pattern>, Kind> {
    if let Some(pattern) = number(text, family) {
        return Ok(vec![pattern]);
    }
    let names = names(text, family, resolve);
    if names.is_empty() {
        Err(Kind::Address(text.to_vec()))
    } else {
        Ok(names)
    }
}

fn number(text: &[u8], family: Option<Family>) -> Option<Pattern> {
    if is_any(text) {
        let len = if family == Some(Family::Inet6) { 16 } else { 4 };
        return Some(Pattern {
            family,
            address: vec![0; len],
            prefix: 0,
            port: None,
        });
    }
    let mut halves = text.splitn(2, |byte| *byte == b'/');
    let (address, mask) = (halves.next()?, halves.next());
    let (family, address) = match family {
        None | Some(Family::Inet6) if address.contains(&b':') => {
            (Family::Inet6, ipv6(address)?.to_vec())
        }
        None | Some(Family::Inet) => (Family::Inet, ipv4(address)?.to_vec()),
        _ => return None,
    };
    let bits = if family == Family::Inet { 32 } else { 128 };
    let prefix = mask.map_or(Some(bits), |mask| prefix(mask, bits))?;
    Some(Pattern {
        family: Some(family),
        address,
        prefix,
        port: None,
    })
}

fn names(text: &[u8], family: Option<Family>, resolve: &mut dyn Resolve) -> Vec<Pattern> {
    if text.is_empty() || text.contains(&b'/') || text.contains(&b':') {
        return Vec::new();
    }
    let addresses = if is_numeric_name(text) {
        let address = aton(text).filter(|_| family != Some(Family::Inet6));
        address.map(IpAddr::from).into_iter().collect()
    } else if matches!(family, None | Some(Family::Inet | Family::Inet6)) {
        resolve.host(text, family)
    } else {
        Vec::new()
    };
    addresses.into_iter().map(whole).collect()
}

/// The pattern only this address fits.
fn whole(address: IpAddr) -> Pattern {
    match address {
        IpAddr::V4(address) => Pattern {
            family: Some(Family::Inet),
            address: address.octets().to_vec(),
            prefix: 32,
            port: None,
        },
        IpAddr::V6(address) => Pattern {
            family: Some(Family::Inet6),
            address: address.octets().to_vec(),
            prefix: 128,
            port: None,
        },
    }
}
