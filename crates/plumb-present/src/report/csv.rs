//! Rows as CSV (RFC 4180), headed by the columns' words.
//!
//! Cells are those of the table, but for columns that have a plain number beside them
//! ([`Column::plain`]): what a table scales for people is a number in its unit here.

use std::borrow::Cow;

use super::Column;

/// Writes the head.
pub fn write_head<R>(out: &mut Vec<u8>, columns: &[&Column<R>]) {
    let heads = columns.iter().map(|column| match &column.plain {
        Some(plain) => plain.head.as_bytes(),
        None => column.key.as_bytes(),
    });
    write_record(out, heads);
}

/// Writes one row.
pub fn write_row<R>(out: &mut Vec<u8>, columns: &[&Column<R>], row: &R) {
    let text = |column: &&Column<R>| match &column.plain {
        Some(plain) => (plain.number)(row).map_or(Cow::Borrowed(""), |n| n.to_string().into()),
        // The cell of a row that is borrowed no longer than this record.
        None => Cow::Owned((column.cell)(row).text.into_owned()),
    };
    let cells: Vec<Cow<'_, str>> = columns.iter().map(text).collect();
    write_record(out, cells.iter().map(|cell| cell.as_bytes()));
}

fn write_record<'f>(out: &mut Vec<u8>, fields: impl Iterator<Item = &'f [u8]>) {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    let written = writer
        .write_record(fields)
        .and_then(|()| Ok(writer.flush()?));
    debug_assert!(written.is_ok(), "a vector takes every record");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Cell;

    #[test]
    fn quotes_commas_and_line_feeds_survive() {
        let columns = [
            Column::<(&str, u32)>::new("name", "Name", |row| Cell::new(row.0)),
            Column::new("count", "Count", |row| Cell::new(row.1.to_string())),
        ];
        let columns: Vec<_> = columns.iter().collect();
        let mut out = Vec::new();
        write_head(&mut out, &columns);
        write_row(&mut out, &columns, &("a \"b\", c\nd", 7));
        assert_eq!(
            String::from_utf8_lossy(&out),
            "name,count\n\"a \"\"b\"\", c\nd\",7\n"
        );
    }

    #[test]
    fn what_is_scaled_for_people_is_a_number_with_its_unit_in_the_head() {
        let columns = [
            Column::<Option<u64>>::new("rtt", "RTT", |_| Cell::new("1.0 ms"))
                .plain("rtt_us", |row| *row),
            Column::new("x", "X", |_| Cell::new("x")),
        ];
        let columns: Vec<_> = columns.iter().collect();
        let mut out = Vec::new();
        write_head(&mut out, &columns);
        write_row(&mut out, &columns, &Some(1000));
        write_row(&mut out, &columns, &None);
        assert_eq!(String::from_utf8_lossy(&out), "rtt_us,x\n1000,x\n,x\n");
    }
}
