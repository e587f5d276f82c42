//! `/proc/net/x25`: addresses in fixed columns, then words.

use plumb_model::legacy::{LinkNumbers, X25Socket};

use super::{LineBuffer, int, lines, skip_ints};
use crate::scan::Scanner;

/// Where our address starts.
const SOURCE_AT: usize = 11;
/// Where the interface starts.
const DEVICE_AT: usize = 22;

/// Decodes the file. What a damaged line does not say keeps the value of the line before it.
pub fn decode_x25(content: &[u8]) -> Vec<X25Socket> {
    let mut buffer = LineBuffer::new();
    let mut row = X25Socket {
        destination: Vec::new(),
        source: Vec::new(),
        device: Vec::new(),
        lci: 0,
        link: LinkNumbers::default(),
    };
    let mut rows = Vec::new();
    for (index, line) in lines(content).enumerate() {
        buffer.load(line);
        if index > 0 {
            decode_row(&mut buffer, &mut row);
            rows.push(row.clone());
        }
    }
    rows
}

fn decode_row(buffer: &mut LineBuffer, row: &mut X25Socket) {
    buffer.end_at(SOURCE_AT - 1);
    buffer.end_at(DEVICE_AT - 2);
    row.destination = buffer.text(0).to_vec();
    row.source = buffer.text(SOURCE_AT).to_vec();
    // Conversions stop at the first that fails; the rest of `row` stays.
    let _ = decode_words(&mut Scanner::new(buffer.text(DEVICE_AT)), row);
}

fn decode_words(scanner: &mut Scanner<'_>, row: &mut X25Socket) -> Option<()> {
    row.device = scanner.word(usize::MAX)?.to_vec();
    row.lci = int(scanner)?;
    row.link.state = int(scanner)?;
    row.link.vs = int(scanner)?;
    row.link.vr = int(scanner)?;
    skip_ints(scanner, 6)?;
    row.link.send_q = int(scanner)?;
    row.link.recv_q = int(scanner)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let rows = decode_x25(
            b"dest_addr  src_addr   dev   lci st vs vr va   t  t2 t21 t22 t23 Snd-Q Rcv-Q inode\n\
              12345      67890      eth0  011  3  1  2  3   0   2 200 180 180   100   200 12345\n\
              12345      \n",
        );
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].destination, b"12345     ");
        assert_eq!((rows[0].lci, rows[0].link.state), (11, 3));
        assert_eq!((rows[0].link.vs, rows[0].link.vr), (1, 2));
        assert_eq!((rows[0].link.send_q, rows[0].link.recv_q), (100, 200));
        assert_eq!(rows[1].link, rows[0].link);
    }
}
