//! Who has which port, told to the programs of sockets that were there before them (`probes/recorder/ports.h`).

use std::net::IpAddr;

use super::Older;

/// `struct taken_key`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    netns: u32,
    port: u16,
    protocol: u16,
}

/// `struct taken`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    cookie: u64,
    tgid: u32,
    family: u32,
    local: [u8; 16],
}

const _: () = assert!(size_of::<Key>() == 8);
const _: () = assert!(size_of::<Taken>() == 32);

#[expect(unsafe_code, reason = "aya asks that keys of maps be plain")]
// SAFETY: whole numbers without padding: their sizes add up to the size asserted.
unsafe impl aya::Pod for Key {}
#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers and an array of them without padding: their sizes add up to the size asserted.
unsafe impl aya::Pod for Taken {}

/// Gives what the programs keep of an older socket's port; `None` for one without.
pub(super) fn of(older: &Older) -> Option<(Key, Taken)> {
    let local = older.ends.local;
    let (family, address) = address(local.ip());
    let key = Key {
        netns: u32::try_from(older.netns.0).ok()?,
        port: local.port(),
        protocol: older.ends.protocol.into(),
    };
    let taken = Taken {
        cookie: older.cookie.0,
        tgid: older.owner.map_or(0, |owner| owner.0),
        family: family.into(),
        local: address,
    };
    (key.port != 0).then_some((key, taken))
}

/// Gives an address as `struct event` has it: its family, and its bytes from the first on.
pub(super) fn address(ip: IpAddr) -> (u8, [u8; 16]) {
    match ip {
        IpAddr::V4(ip) => {
            let mut bytes = [0; 16];
            for (to, from) in bytes.iter_mut().zip(ip.octets()) {
                *to = from;
            }
            (2, bytes)
        }
        IpAddr::V6(ip) => (10, ip.octets()),
    }
}
