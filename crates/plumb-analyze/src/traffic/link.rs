//! What an interface is and how fast it can be, in words and numbers.

use plumb_model::link::Link;
use plumb_model::traffic::LinkSpeed;
use plumb_model::{Known, Reason};

/// `IF_OPER_*` (RFC 2863).
const NOT_PRESENT: u8 = 1;
const DOWN: u8 = 2;
const LOWER_LAYER_DOWN: u8 = 3;
const TESTING: u8 = 4;
const DORMANT: u8 = 5;

/// Kinds made by software that have the speed of hardware below them; what others tell is made up.
const OVER_HARDWARE: [&[u8]; 6] = [b"bond", b"team", b"vlan", b"macvlan", b"ipvlan", b"macsec"];

/// Gives the state in a word: `up`, `down` (switched off), `no-carrier`, `lower-down`, `dormant`,
/// `testing`, `not-present`.
pub fn state(link: &Link) -> &'static str {
    if !link.base.is_up() {
        return "down";
    }
    match link.base.operational_state {
        Some(NOT_PRESENT) => "not-present",
        Some(LOWER_LAYER_DOWN) => "lower-down",
        Some(TESTING) => "testing",
        Some(DORMANT) => "dormant",
        Some(DOWN) => "no-carrier",
        // Loopback and the like do not say; a carrier they have.
        _ if link.base.has_carrier() => "up",
        _ => "no-carrier",
    }
}

/// Gives what it is: what made it, or what hardware it is (`ARPHRD_*`).
pub fn kind(link: &Link) -> String {
    if let Some(kind) = &link.kind {
        return String::from_utf8_lossy(kind).into_owned();
    }
    let name = match link.base.hardware {
        1 => "ethernet",
        32 => "infiniband",
        280 => "can",
        512 => "ppp",
        768 => "tunnel",
        769 => "tunnel6",
        772 => "loopback",
        776 => "sit",
        778 => "gre",
        801..=803 => "wifi",
        823 => "gre6",
        65_534 => "none",
        other => return format!("arphrd-{other}"),
    };
    name.to_owned()
}

/// Gives the speed in megabits per second, or why there is none: links of software have none, although
/// some drivers make one up.
pub fn speed(link: &Link, speeds: &[LinkSpeed]) -> Known<u32> {
    let is_software = match &link.kind {
        Some(kind) => !OVER_HARDWARE.contains(&kind.as_slice()),
        None => link.base.is_loopback(),
    };
    if is_software {
        return Known::Unknown(Reason::VirtualLink);
    }
    let told = speeds.iter().find(|speed| speed.index == link.base.index);
    match told {
        Some(LinkSpeed {
            mbit_s: Some(mbit_s),
            ..
        }) => Known::Known(*mbit_s),
        _ if !link.base.has_carrier() => Known::Unknown(Reason::NoCarrier),
        // The driver was asked and does not know, as that of a virtual machine's card.
        Some(_) => Known::Unknown(Reason::NotSupported),
        None => Known::Unknown(Reason::NotInSource),
    }
}

/// Gives the share of a speed that bytes per second take, from 0 to 1.
pub fn share(bytes_per_s: f64, mbit_s: u32) -> f64 {
    bytes_per_s * 8.0 / (f64::from(mbit_s) * 1e6)
}

#[cfg(test)]
mod tests {
    use super::super::tests::link as make;
    use super::*;

    fn told(mbit_s: Option<u32>) -> [LinkSpeed; 1] {
        [LinkSpeed {
            index: 2,
            mbit_s,
            duplex: Some(1),
        }]
    }

    #[test]
    fn only_links_with_hardware_below_have_a_speed() {
        let mut link = make(2, "eth0", &[]);
        assert_eq!(speed(&link, &told(Some(1000))), Known::Known(1000));
        let unknown = Known::Unknown(Reason::NotSupported);
        assert_eq!(speed(&link, &told(None)), unknown);
        link.kind = Some(b"veth".to_vec());
        let made_up = Known::Unknown(Reason::VirtualLink);
        assert_eq!(speed(&link, &told(Some(10_000))), made_up);
        link.kind = Some(b"vlan".to_vec());
        assert_eq!(speed(&link, &told(Some(1000))), Known::Known(1000));
        link.base.flags = 1;
        let no_carrier = Known::Unknown(Reason::NoCarrier);
        assert_eq!(speed(&link, &told(None)), no_carrier);
        assert!((share(62_500_000.0, 1000) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn states_tell_switched_off_from_no_carrier() {
        let mut link = make(2, "eth0", &[]);
        assert_eq!(state(&link), "up");
        link.base.operational_state = Some(DOWN);
        assert_eq!(state(&link), "no-carrier");
        link.base.operational_state = Some(0);
        assert_eq!(state(&link), "up");
        link.base.flags = 1;
        assert_eq!(state(&link), "no-carrier");
        link.base.flags = 0x1_0000;
        assert_eq!(state(&link), "down");
    }

    #[test]
    fn kinds_are_what_made_them_or_their_hardware() {
        let mut link = make(2, "eth0", &[]);
        assert_eq!(kind(&link), "ethernet");
        link.base.hardware = 4242;
        assert_eq!(kind(&link), "arphrd-4242");
        link.kind = Some(b"bridge".to_vec());
        assert_eq!(kind(&link), "bridge");
    }
}
