//! The statistics that only a driver has (`SIOCETHTOOL` with `ETHTOOL_GSTRINGS` and `ETHTOOL_GSTATS`):
//! names that it made up, and numbers.
//!
//! ethtool's netlink has no such question. Minimum kernel version: 2.6.36 (`ETHTOOL_GSSET_INFO`).

use std::os::fd::AsRawFd as _;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

const ETHTOOL_GSTRINGS: u32 = 0x1b;
const ETHTOOL_GSTATS: u32 = 0x1d;
const ETHTOOL_GSSET_INFO: u32 = 0x37;
/// `ETH_SS_STATS`.
const SET: u32 = 1;
/// Bytes of a name (`ETH_GSTRING_LEN`).
const NAME_BYTES: usize = 32;
/// Most numbers of a driver that are taken; the largest known have some thousands.
const MOST: usize = 1 << 15;
/// Numbers there is room for. The kernel fills in as many as the driver has when it is asked, whatever was
/// counted before; so there is always room for twice the most that would be asked for. Pages that nobody
/// writes to cost nothing.
const ROOM: usize = 2 * MOST;

/// `struct ifreq` with a pointer.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    data: *mut u64,
    rest: [u8; 16],
}

/// A socket to ask drivers through, in the network namespace it was opened in.
#[derive(Debug)]
pub struct DriverSocket(OwnedFd);

impl DriverSocket {
    /// Opens one.
    pub fn open() -> Result<Self, Errno> {
        socket_with(
            AddressFamily::INET,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .map(Self)
    }

    /// Gives the numbers of an interface's driver by name; empty when it has none.
    pub fn statistics(&self, name: &[u8]) -> Result<Vec<(String, u64)>, Errno> {
        let count = match self.count(name) {
            Ok(count) => count,
            Err(Errno::OPNOTSUPP) => 0,
            Err(errno) => return Err(errno),
        };
        if count == 0 {
            return Ok(Vec::new());
        }
        if count > MOST {
            return Err(Errno::OVERFLOW);
        }
        let length = u32::try_from(count).map_err(|_| Errno::OVERFLOW)?;
        let names = self.ask(name, &words([ETHTOOL_GSTRINGS, SET, length, 0]))?;
        let numbers = self.ask(name, &words([ETHTOOL_GSTATS, length, 0, 0]))?;
        // Names begin behind three words of 32 bits, numbers behind two.
        let filled = 2 + count * NAME_BYTES / size_of::<u64>();
        let names = names.iter().take(filled);
        let names: Vec<u8> = names.flat_map(|word| word.to_ne_bytes()).collect();
        let names = names.get(12..).unwrap_or(&[]).chunks_exact(NAME_BYTES);
        let named = names.zip(numbers.iter().skip(1)).take(count);
        Ok(named
            .map(|(name, number)| {
                let end = name.iter().position(|&b| b == 0).unwrap_or(NAME_BYTES);
                let name = String::from_utf8_lossy(name.get(..end).unwrap_or(name));
                (name.trim().to_owned(), *number)
            })
            .collect())
    }

    fn count(&self, name: &[u8]) -> Result<usize, Errno> {
        // Command, padding, and the 64 bits of the sets wanted; behind them the counts.
        let mut head = words([ETHTOOL_GSSET_INFO, 0, 0, 0]);
        head.truncate(8);
        head.extend((1_u64 << SET).to_ne_bytes());
        let answer = self.ask(name, &head)?;
        let [mask, counts, ..] = answer.get(1..).unwrap_or(&[]) else {
            return Ok(0);
        };
        if mask & (1 << SET) == 0 {
            return Ok(0);
        }
        let [a, b, c, d, ..] = counts.to_ne_bytes();
        usize::try_from(u32::from_ne_bytes([a, b, c, d])).map_err(|_| Errno::OVERFLOW)
    }

    /// Asks with a head; gives all that may have been answered.
    #[expect(unsafe_code, reason = "ioctl has no safe form")]
    fn ask(&self, name: &[u8], head: &[u8]) -> Result<Vec<u64>, Errno> {
        let mut answer = vec![0_u64; ROOM * NAME_BYTES / size_of::<u64>()];
        for (slot, bytes) in answer.iter_mut().zip(head.chunks_exact(8)) {
            *slot = bytes
                .first_chunk()
                .map_or(0, |bytes| u64::from_ne_bytes(*bytes));
        }
        let mut request = Request {
            name: [0; libc::IFNAMSIZ],
            data: answer.as_mut_ptr(),
            rest: [0; 16],
        };
        for (slot, byte) in request
            .name
            .iter_mut()
            .zip(name.iter().take(libc::IFNAMSIZ - 1))
        {
            *slot = *byte;
        }
        // SAFETY: `request` is laid out as `struct ifreq` whose `ifr_data` points to `answer`, which
        // outlives the call. The three commands used read at most 16 bytes there and write at most 12
        // bytes and a name, or 8 bytes and a number, for each number the driver has; `ROOM` is beyond
        // what any driver has. The descriptor is open.
        let status =
            unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
        if status >= 0 {
            return Ok(answer);
        }
        let error = std::io::Error::last_os_error();
        Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

fn words(words: [u32; 4]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_no_driver_and_nobody_is_no_device() {
        let socket = DriverSocket::open().expect("a datagram socket can be opened");
        assert_eq!(socket.statistics(b"lo"), Ok(Vec::new()));
        assert_eq!(socket.statistics(b"no-such-if"), Err(Errno::NODEV));
    }
}
