//! Link-layer types: what they are called and how their addresses are written.

use plumb_model::interface::Hardware;

/// How an address is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Not at all.
    None,
    /// As nothing, with the blank before it.
    Empty,
    /// Six bytes `0a:1b:…`.
    LowerColons,
    /// So many bytes `0A:1B:…`.
    UpperColons(usize),
    /// So many bytes `0A-1B-…`.
    UpperDashes(usize),
    /// So many bytes `0a1b…`.
    Plain(usize),
    /// One byte `0A`.
    Byte,
    /// Four bytes, last one first, `5f:4e:…`.
    Reversed,
    /// A signed number of 16 bits in the machine's order.
    Number,
    /// A call sign, shifted by one bit, with its station number.
    CallSign,
    /// Text.
    Text,
}

/// One link-layer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// `ARPHRD_*` number.
    pub number: u16,
    /// Short name.
    pub name: &'static str,
    /// Name in words.
    pub title: &'static str,
    /// How its addresses are written.
    pub form: Form,
    /// It compresses headers, so counters of compressed packets are shown.
    pub compresses: bool,
}

const fn plain(number: u16, name: &'static str, title: &'static str, form: Form) -> Kind {
    Kind {
        number,
        name,
        title,
        form,
        compresses: false,
    }
}

const fn compressing(number: u16, name: &'static str, title: &'static str) -> Kind {
    Kind {
        number,
        name,
        title,
        form: Form::None,
        compresses: true,
    }
}

const KINDS: &[Kind] = &[
    plain(0, "netrom", "AMPR NET/ROM", Form::CallSign),
    plain(1, "ether", "Ethernet", Form::LowerColons),
    plain(3, "ax25", "AMPR AX.25", Form::CallSign),
    plain(7, "arcnet", "ARCnet", Form::Byte),
    plain(15, "dlci", "Frame Relay DLCI", Form::Number),
    plain(27, "eui64", "Generic EUI-64", Form::UpperColons(8)),
    plain(256, "slip", "Serial Line IP", Form::None),
    compressing(257, "cslip", "VJ Serial Line IP"),
    plain(258, "slip6", "6-bit Serial Line IP", Form::None),
    compressing(259, "cslip6", "VJ 6-bit Serial Line IP"),
    plain(264, "adaptive", "Adaptive Serial Line IP", Form::None),
    plain(270, "rose", "AMPR ROSE", Form::Plain(5)),
    plain(271, "x25", "generic X.25", Form::Text),
    plain(512, "ppp", "Point-to-Point Protocol", Form::None),
    plain(513, "hdlc", "(Cisco)-HDLC", Form::None),
    plain(516, "lapb", "LAPB", Form::None),
    plain(768, "tunnel", "IPIP Tunnel", Form::Empty),
    plain(770, "frad", "Frame Relay Access Device", Form::None),
    plain(772, "loop", "Local Loopback", Form::None),
    plain(
        774,
        "fddi",
        "Fiber Distributed Data Interface",
        Form::UpperDashes(6),
    ),
    plain(776, "sit", "IPv6-in-IPv4", Form::None),
    plain(780, "hippi", "HIPPI", Form::UpperColons(6)),
    plain(781, "ash", "Ash", Form::Plain(8)),
    plain(782, "ec", "Econet", Form::None),
    plain(783, "irda", "IrLAP", Form::Reversed),
];

/// Bytes of an address of unknown form; the kernel tells the first eight.
const UNKNOWN_BYTES: usize = 16;

/// Finds a type; `None` stands for every type without a name here, and for no answer.
pub fn kind(hardware: Option<Hardware>) -> Option<&'static Kind> {
    let number = hardware?.kind;
    KINDS.iter().find(|kind| kind.number == number)
}

/// Gives the text of an address; an address of unknown type is written in full.
pub fn address_text(hardware: Option<Hardware>) -> Vec<u8> {
    let bytes = hardware.map_or([0; 8], |hardware| hardware.address);
    let form = kind(hardware).map_or(Form::UpperDashes(UNKNOWN_BYTES), |kind| kind.form);
    let filled: Vec<u8> = bytes.into_iter().chain([0; UNKNOWN_BYTES - 8]).collect();
    let first = |count: usize| filled.get(..count).unwrap_or(&filled);
    let text = match form {
        Form::None | Form::Empty => String::new(),
        Form::LowerColons => joined(first(6), ":", false),
        Form::UpperColons(count) => joined(first(count), ":", true),
        Form::UpperDashes(count) => joined(first(count), "-", true),
        Form::Plain(count) => joined(first(count), "", false),
        Form::Byte => joined(first(1), "", true),
        Form::Reversed => {
            let reversed: Vec<u8> = first(4).iter().rev().copied().collect();
            joined(&reversed, ":", false)
        }
        Form::Number => i16::from_ne_bytes([bytes[0], bytes[1]]).to_string(),
        Form::CallSign => return call_sign(bytes),
        Form::Text => return bytes.into_iter().take_while(|&b| b != 0).collect(),
    };
    text.into_bytes()
}

fn joined(bytes: &[u8], separator: &str, upper: bool) -> String {
    let hex = |&b: &u8| {
        if upper {
            format!("{b:02X}")
        } else {
            format!("{b:02x}")
        }
    };
    bytes.iter().map(hex).collect::<Vec<_>>().join(separator)
}

/// Six shifted characters, filled up with blanks, then the station number in the seventh byte.
fn call_sign([letters @ .., station, _]: [u8; 8]) -> Vec<u8> {
    let letters = letters.map(|byte| byte >> 1);
    let mut text: Vec<u8> = letters
        .into_iter()
        .take_while(|letter| !matches!(letter, 0 | b' '))
        .collect();
    let number = (station & 0x1e) >> 1;
    if number != 0 {
        text.extend_from_slice(format!("-{number}").as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: u16, address: [u8; 8]) -> String {
        String::from_utf8_lossy(&address_text(Some(Hardware { kind, address }))).into_owned()
    }

    const BYTES: [u8; 8] = [0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 0x60, 0x71];

    #[test]
    fn each_type_writes_its_address_its_own_way() {
        assert_eq!(text(1, BYTES), "0a:1b:2c:3d:4e:5f");
        assert_eq!(text(774, BYTES), "0A-1B-2C-3D-4E-5F");
        assert_eq!(text(783, BYTES), "3d:2c:1b:0a");
        assert_eq!(text(7, BYTES), "0A");
        assert_eq!(text(772, BYTES), "");
        assert_eq!(
            text(65534, BYTES),
            "0A-1B-2C-3D-4E-5F-60-71-00-00-00-00-00-00-00-00"
        );
        assert_eq!(
            address_text(None),
            b"00-00-00-00-00-00-00-00-00-00-00-00-00-00-00-00"
        );
    }

    #[test]
    fn call_signs_lose_their_blanks() {
        assert_eq!(
            text(3, [0xa2, 0xa4, 0xa6, 0xa8, 0x40, 0x40, 0x7e, 0]),
            "QRST-15"
        );
        assert_eq!(
            text(3, [0xa2, 0xa4, 0xa6, 0xa8, 0xaa, 0xac, 0x21, 0]),
            "QRSTUV"
        );
        assert_eq!(text(0, [0; 8]), "");
    }
}
