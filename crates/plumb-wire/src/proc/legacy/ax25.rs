//! `/proc/net/ax25`: fields ended by one blank each, without a line of heads.

use plumb_model::legacy::{Ax25Socket, LinkNumbers};

use super::{LineBuffer, int, lines, skip_ints};
use crate::scan::Scanner;

/// Decodes the file; `None` stands for a line that cannot be read.
pub fn decode_ax25(content: &[u8]) -> Vec<Option<Ax25Socket>> {
    let mut buffer = LineBuffer::new();
    lines(content)
        .map(|line| {
            buffer.load(line);
            decode_row(&mut buffer)
        })
        .collect()
}

/// The first field is the kernel's address of the control block; nobody shows it.
fn decode_row(buffer: &mut LineBuffer) -> Option<Ax25Socket> {
    let mut at = [0; 5];
    for index in 1..at.len() {
        let end = buffer.find(at[index - 1], b" ")?;
        buffer.end_at(end);
        at[index] = end + 1;
    }
    let [_, device, source, destination, rest] = at;
    // Digipeaters follow the destination after commas.
    if let Some(comma) = buffer
        .find(destination, b",\0")
        .filter(|&comma| comma < rest)
    {
        buffer.end_at(comma);
    }
    Some(Ax25Socket {
        destination: buffer.text(destination).to_vec(),
        source: buffer.text(source).to_vec(),
        device: buffer.text(device).to_vec(),
        link: decode_link(buffer.text(rest))?,
    })
}

/// Three numbers, or with a socket attached five; fourteen timers stand between.
fn decode_link(rest: &[u8]) -> Option<LinkNumbers> {
    let mut scanner = Scanner::new(rest);
    let link = LinkNumbers {
        state: int(&mut scanner)?,
        vs: int(&mut scanner)?,
        vr: int(&mut scanner)?,
        send_q: 0,
        recv_q: 0,
    };
    let send_q = skip_ints(&mut scanner, 14).and_then(|()| int(&mut scanner));
    match send_q {
        Some(send_q) => Some(LinkNumbers {
            send_q,
            recv_q: int(&mut scanner)?,
            ..link
        }),
        None => Some(link),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_and_without_a_socket_are_read() {
        let rows = decode_ax25(
            b"dead ax0 N0CALL-1 N0CALL-2,N0CALL-3* 3 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 9\n\
              beef ax1 N0CALL-4* * 0 0 0 0 4 5 6 7 8 9 10 11 12 13 14 15 16 * * *\n\
              damaged\n",
        );
        let first = rows[0].as_ref().expect("a whole row");
        assert_eq!(first.destination, b"N0CALL-2");
        assert_eq!((first.link.send_q, first.link.recv_q), (17, 18));
        let second = rows[1].as_ref().expect("a row without a socket");
        assert_eq!(second.source, b"N0CALL-4*");
        assert_eq!((second.link.send_q, second.link.recv_q), (0, 0));
    }

    #[test]
    fn a_first_line_without_fields_is_damaged() {
        assert_eq!(decode_ax25(b"dead\n"), [None]);
        assert_eq!(decode_ax25(b"a b c d 1 2\n"), [None]);
        assert_eq!(decode_ax25(b""), []);
    }
}
