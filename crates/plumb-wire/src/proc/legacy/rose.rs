//! `/proc/net/rose`: eight words to a socket, the rest of the line is timers.
//!
//! The original reads the words into arrays that are too short for what the kernel prints (a ROSE
//! address has ten digits), so its own output loses some of them; here they are whole.

use plumb_model::legacy::RoseSocket;

use super::{int, lines};
use crate::scan::Scanner;

/// Decodes the file; `None` stands for a line that cannot be read.
pub fn decode_rose(content: &[u8]) -> Vec<Option<RoseSocket>> {
    lines(content).skip(1).map(decode_row).collect()
}

fn decode_row(line: &[u8]) -> Option<RoseSocket> {
    let mut scanner = Scanner::new(line);
    let mut word = || scanner.word(usize::MAX).map(<[u8]>::to_vec);
    let (destination, destination_call) = (word()?, word()?);
    let (source, source_call) = (word()?, word()?);
    Some(RoseSocket {
        destination,
        destination_call,
        source,
        source_call,
        device: word()?,
        lci: int(&mut scanner)?,
        neighbour: int(&mut scanner)?,
        state: int(&mut scanner)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_words_make_a_row() {
        let rows = decode_rose(
            b"dest_addr  dest_call src_addr   src_call  dev   lci neigh st\n\
              1234567890 N0CALL-1  2222222222 N0CALL-2  rose0 010 00020  3  1  2  3\n\
              1234567890 N0CALL-1  2222222222 N0CALL-2  rose0 00A 00020  3\n\n",
        );
        let row = rows[0].as_ref().expect("a whole row");
        assert_eq!(row.destination, b"1234567890");
        assert_eq!((row.lci, row.neighbour, row.state), (10, 20, 3));
        assert_eq!(rows[1..], [None, None]);
    }
}
