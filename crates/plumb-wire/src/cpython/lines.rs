//! CPython's location table (`co_linetable`), of 3.11 and newer: which instruction is of which line.
//!
//! The format is CPython's `Objects/locations.md`. An entry is a byte `1CCCCLLL`, of which C is its form and L the
//! number of instructions less one, and what the form says; lines are differences from entry to entry.

/// Bytes of an instruction unit.
const UNIT_BYTES: u64 = 2;

/// Gives the line of the instruction at this offset; `None` if it has none, or the table ends before it.
///
/// ```
/// use plumb_wire::cpython::lines::decode_line;
///
/// // Two instructions of line 7 + 1 (form 11), three of the same line (form 0).
/// let table = [0x80 | 11 << 3 | 1, 0, 9, 0x80 | 2, 0];
/// assert_eq!(decode_line(&table, 7, 0), Some(8));
/// assert_eq!(decode_line(&table, 7, 6), Some(8));
/// assert_eq!(decode_line(&table, 7, 10), None);
/// ```
pub fn decode_line(table: &[u8], first_line: u32, offset: u64) -> Option<u32> {
    let mut rest = table.iter().copied();
    let mut line = i64::from(first_line);
    let mut begins = 0;
    while let Some(byte) = rest.next() {
        let form = byte >> 3 & 15;
        let ends = begins + (u64::from(byte & 7) + 1) * UNIT_BYTES;
        line = line.checked_add(step(form, &mut rest)?)?;
        if offset < ends {
            return if form == 15 {
                None
            } else {
                u32::try_from(line).ok()
            };
        }
        begins = ends;
    }
    None
}

/// Reads what follows an entry's first byte; gives by how much its line differs from the one before.
fn step(form: u8, rest: &mut impl Iterator<Item = u8>) -> Option<i64> {
    match form {
        // Columns within the same line.
        0..=9 => rest.next().map(|_| 0),
        10..=12 => {
            rest.next()?;
            rest.next()?;
            Some(i64::from(form) - 10)
        }
        13 => signed(rest),
        14 => {
            let line = signed(rest)?;
            for _ in 0..3 {
                unsigned(rest)?;
            }
            Some(line)
        }
        _ => Some(0),
    }
}

/// Six bits a byte, the lowest first; the bit above says that more follow.
fn unsigned(rest: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..60).step_by(6) {
        let byte = rest.next()?;
        value |= u64::from(byte & 0x3f) << shift;
        if byte & 0x40 == 0 {
            return Some(value);
        }
    }
    None
}

/// The sign is the lowest bit.
fn signed(rest: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let value = unsigned(rest)?;
    let size = (value >> 1).cast_signed();
    Some(if value & 1 == 1 { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_moves_on_as_far_as_it_says() {
        let table = [
            0x80 | 13 << 3, // one instruction, two lines on
            4,
            0x80 | 14 << 3 | 1, // two instructions, one line back, three more numbers
            3,
            0x41,
            0x01,
            2,
            3,
            0x80 | 15 << 3, // no line
            0x80 | 9 << 3,  // the same line
            0,
        ];
        let lines: Vec<_> = (0..6)
            .map(|unit| decode_line(&table, 10, unit * 2))
            .collect();
        assert_eq!(lines, [Some(12), Some(11), Some(11), None, Some(11), None]);
    }

    #[test]
    fn a_table_that_is_cut_off_has_no_line() {
        assert_eq!(decode_line(&[0x80 | 14 << 3, 3, 0x41], 1, 0), None);
        assert_eq!(decode_line(&[0x80 | 13 << 3, 0x7f, 0x7f], 1, 0), None);
        assert_eq!(decode_line(&[], 1, 0), None);
    }
}
