//! Rows as CSV (RFC 4180), headed by the columns' words.
//!
//! Cells are those of the table: numbers that a table scales for people should have a column of their
//! own for machines, or be asked for as JSON.

use super::Column;

/// Writes the head.
pub fn write_head<R>(out: &mut Vec<u8>, columns: &[&Column<R>]) {
    write_record(out, columns.iter().map(|column| column.key.as_bytes()));
}

/// Writes one row.
pub fn write_row<R>(out: &mut Vec<u8>, columns: &[&Column<R>], row: &R) {
    let cells: Vec<_> = columns.iter().map(|column| (column.cell)(row)).collect();
    write_record(out, cells.iter().map(|cell| cell.text.as_bytes()));
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
}
