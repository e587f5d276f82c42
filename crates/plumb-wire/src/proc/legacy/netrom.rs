//! `/proc/net/nr`: call signs in columns of ten, then the interface, then numbers.

use plumb_model::legacy::{LinkNumbers, NetRomSocket};

use super::{LineBuffer, int, lines, skip_ints};
use crate::scan::Scanner;

/// Width of a call sign column, the blank behind it included.
const COLUMN: usize = 10;
/// Where the interface starts.
const DEVICE_AT: usize = 3 * COLUMN;

/// Decodes the file; `None` stands for a line that cannot be read.
pub fn decode_netrom(content: &[u8]) -> Vec<Option<NetRomSocket>> {
    let mut buffer = LineBuffer::new();
    let mut rows = Vec::new();
    for (index, line) in lines(content).enumerate() {
        buffer.load(line);
        if index > 0 {
            rows.push(decode_row(&mut buffer));
        }
    }
    rows
}

fn decode_row(buffer: &mut LineBuffer) -> Option<NetRomSocket> {
    for column in 1..=3 {
        buffer.end_at(column * COLUMN - 1);
    }
    let mut scanner = Scanner::new(buffer.text(DEVICE_AT));
    Some(NetRomSocket {
        user: buffer.text(0).to_vec(),
        destination: buffer.text(COLUMN).to_vec(),
        source: buffer.text(2 * COLUMN).to_vec(),
        device: scanner.word(usize::MAX)?.to_vec(),
        link: decode_link(&mut scanner)?,
    })
}

/// Circuits (`my`, `your`) stand first and timers in the middle, all as `N/N`.
fn decode_link(scanner: &mut Scanner<'_>) -> Option<LinkNumbers> {
    (0..2).try_for_each(|_| pair(scanner, Scanner::hex))?;
    let state = int(scanner)?;
    let vs = int(scanner)?;
    let vr = int(scanner)?;
    skip_ints(scanner, 1)?;
    (0..5).try_for_each(|_| pair(scanner, Scanner::decimal))?;
    skip_ints(scanner, 1)?;
    Some(LinkNumbers {
        state,
        vs,
        vr,
        send_q: int(scanner)?,
        recv_q: int(scanner)?,
    })
}

fn pair<'a>(
    scanner: &mut Scanner<'a>,
    number: impl Fn(&mut Scanner<'a>) -> Option<u64>,
) -> Option<()> {
    number(scanner)?;
    scanner.literal(b'/')?;
    number(scanner).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: &[u8] = b"user_addr dest_node src_node  dev    my  your  st  vs  vr  va    t1\n";
    const ROW: &[u8] = b"N0CALL-1  N0CALL-2  N0CALL-3  nr0  01/FF 03/04  3   5   6   7 008/009 \
        10/11 012/013 014/015 16/17  18    19    20 21\n";

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let rows = decode_netrom(&[HEADS, ROW].concat());
        let row = rows[0].as_ref().expect("a whole row");
        assert_eq!(row.user, b"N0CALL-1 ");
        assert_eq!(row.device, b"nr0");
        assert_eq!(
            row.link,
            LinkNumbers {
                state: 3,
                vs: 5,
                vr: 6,
                send_q: 19,
                recv_q: 20
            }
        );
    }

    #[test]
    fn a_short_line_is_damaged_unless_an_older_one_completes_it() {
        assert_eq!(decode_netrom(&[HEADS, b"N0CALL-9\n"].concat()), [None]);
        let rows = decode_netrom(&[HEADS, ROW, b"N0CALL-9\n"].concat());
        assert_eq!(
            rows[1].as_ref().map(|r| &r.user[..]),
            Some(&b"N0CALL-9\n"[..])
        );
    }
}
