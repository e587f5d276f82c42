//! The table of ss: cells are gathered, widths follow from them, rows are written batch by batch.
//!
//! The original keeps its cells in five chunks of 1 MiB before it lays them out, and remembers the
//! widths from batch to batch; both are visible in the bytes, so the chunks are accounted for here
//! although the cells live in one buffer. Lengths are bytes, and a cell may hold line breaks.

mod lengths;
mod widths;

use self::lengths::Lengths;
use super::view::Release;

/// Number of columns.
pub const COLUMNS: usize = 10;
/// Usable bytes of one of the original's chunks.
const CHUNK_BYTES: usize = 1_048_560;
/// With this many chunks the batch is written at the end of a row.
const CHUNKS: usize = 5;
/// A cell holds no more; what exceeds it is cut.
const CELL_BYTES: usize = u16::MAX as usize;
/// Laid out rows are handed on in pieces of about this size.
const PIECE_BYTES: usize = 4 * 1024;
/// Cells of a batch, at least: a table of connections fills its chunks with about as many.
const BATCH_CELLS: usize = 1024 * 1024;

/// The columns, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Column {
    /// Table name.
    Netid,
    /// State.
    State,
    /// Receive queue.
    RecvQ,
    /// Send queue.
    SendQ,
    /// Local address with its delimiter.
    LocalAddress,
    /// Local port.
    LocalPort,
    /// Peer address with its delimiter.
    PeerAddress,
    /// Peer port.
    PeerPort,
    /// Processes; before 6.8 everything else, too.
    Process,
    /// Since 6.8 everything else.
    Rest,
}

struct Kind {
    header: &'static [u8],
    right: bool,
    gap: usize,
}

const fn kind(header: &'static [u8], right: bool, gap: usize) -> Kind {
    Kind { header, right, gap }
}

const KINDS: [Kind; COLUMNS] = [
    kind(b"Netid", false, 0),
    kind(b"State", false, 1),
    kind(b"Recv-Q", false, 1),
    kind(b"Send-Q", false, 1),
    kind(b"Local Address:", true, 1),
    kind(b"Port", false, 0),
    kind(b"Peer Address:", true, 1),
    kind(b"Port", false, 0),
    kind(b"Process", false, 0),
    kind(b"", false, 0),
];

/// How cells become columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// Columns as wide as their longest cell in the batch.
    Compact,
    /// Lines filled up to this many columns of a terminal.
    Screen(usize),
    /// None: one blank between cells, and every row leaves at once.
    Stream,
}

/// How a table is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Which columns there are.
    pub enabled: [bool; COLUMNS],
    /// How cells become columns.
    pub alignment: Alignment,
    /// The release to imitate.
    pub release: Release,
}

/// A table being written.
#[derive(Debug)]
pub struct Table {
    layout: Layout,
    /// Texts of the batch, one after the other.
    text: Vec<u8>,
    /// Lengths of the finished cells of the batch, one for each of `shown` in each row.
    lengths: Lengths,
    /// The columns that have a cell to be written: the enabled ones, and the first if it has a label.
    shown: Vec<usize>,
    /// Where the current cell begins in `text`.
    start: usize,
    /// The column of the current cell; `None` before the first row of a batch.
    column: Option<usize>,
    /// Longest cell of each column, over all batches.
    longest: [usize; COLUMNS],
    /// Bytes used of the current chunk.
    chunk_used: usize,
    chunks: usize,
    /// What stands in front of every row, in its first cell.
    label: Option<Vec<u8>>,
    /// Rows of the batch that have begun.
    rows: usize,
    /// Whole lines that follow a row, by its number in the batch. No cell is as wide as they are.
    below: Vec<(usize, Vec<u8>)>,
}

impl Table {
    /// Starts an empty table.
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            text: Vec::new(),
            lengths: Lengths::default(),
            shown: (0..COLUMNS).filter(|&at| layout.enabled[at]).collect(),
            start: 0,
            column: None,
            longest: [0; COLUMNS],
            chunk_used: 0,
            chunks: 1,
            label: None,
            rows: 0,
            below: Vec::new(),
        }
    }

    /// Puts `label` in front of the rows to come, as one more column.
    pub fn set_label(&mut self, label: Vec<u8>) {
        if self.shown.first() != Some(&0) {
            self.shown.insert(0, 0);
        }
        self.label = Some(label);
    }

    /// Writes the header row.
    pub fn header(&mut self, sink: &mut dyn FnMut(&[u8])) {
        self.begin_row(sink);
        for (column, kind) in KINDS.iter().enumerate() {
            // Texts of this column begin with a blank, the original's name of it does not.
            if column == Column::Process as usize && self.layout.alignment == Alignment::Stream {
                self.text.push(b' ');
            }
            self.text.extend_from_slice(kind.header);
            if column + 1 < COLUMNS {
                self.next();
            }
        }
    }

    /// Begins a row: its first cell is current. A full batch goes to `sink` before.
    pub fn begin_row(&mut self, sink: &mut dyn FnMut(&[u8])) {
        if self.column.is_some() {
            self.go_to(COLUMNS - 1);
            if self.chunks >= CHUNKS || self.layout.alignment == Alignment::Stream {
                self.flush(sink);
            } else {
                self.end_cell();
            }
        }
        if self.text.capacity() == 0 {
            // Room for a whole batch is address space until it is used; growing would leave holes.
            self.text.reserve(CHUNKS * CHUNK_BYTES + CELL_BYTES);
            self.lengths.reserve(BATCH_CELLS);
        }
        self.column = Some(0);
        self.rows += 1;
        if let Some(label) = &self.label {
            self.text.extend_from_slice(label);
        }
    }

    /// Gives the current cell to append to. What is already in it must not be touched.
    #[inline]
    pub fn cell(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Puts whole lines below the current row, none of which changes the layout.
    pub fn put_below(&mut self, lines: Vec<u8>) {
        self.below.push((self.rows, lines));
    }

    /// Goes on to the next column.
    #[inline]
    pub fn next(&mut self) {
        self.end_cell();
        self.column = self.column.map(|column| (column + 1).min(COLUMNS - 1));
    }

    /// Goes on until `column` is the current one.
    pub fn go_to_column(&mut self, column: Column) {
        self.go_to(column as usize);
    }

    fn go_to(&mut self, column: usize) {
        while self.column.is_some_and(|current| current < column) {
            self.next();
        }
    }

    /// Writes what is gathered. The last cell is laid out before it counts for the widths.
    pub fn flush(&mut self, sink: &mut dyn FnMut(&[u8])) {
        let Some(column) = self.column else { return };
        let measured = self.longest;
        self.end_cell();
        self.render(&measured, sink);
        debug_assert!(column < COLUMNS, "columns are counted");
        self.text.clear();
        self.lengths.clear();
        self.below.clear();
        self.rows = 0;
        self.start = 0;
        self.column = None;
        self.chunk_used = 0;
        self.chunks = 1;
    }

    /// Ends the current cell: cuts it, counts it, and accounts for its place in a chunk.
    #[inline]
    fn end_cell(&mut self) {
        let Some(column) = self.column else { return };
        if !self.layout.enabled[column] {
            let label = match (&self.label, column) {
                (Some(label), 0) => label.len(),
                _ => 0,
            };
            self.text.truncate(self.start + label);
        }
        let length = (self.text.len() - self.start).min(CELL_BYTES);
        self.text.truncate(self.start + length);
        self.start = self.text.len();
        if self.layout.enabled[column] || (column == 0 && self.label.is_some()) {
            self.lengths.push(u16::try_from(length).unwrap_or(u16::MAX));
        }
        self.longest[column] = self.longest[column].max(length);
        // A cell that is not shown takes no room in the original's buffer.
        if self.layout.enabled[column] {
            self.account(length);
        }
    }

    fn account(&mut self, length: usize) {
        if self.chunk_used + 2 + length >= CHUNK_BYTES {
            self.chunks += 1;
            self.chunk_used = 0;
        }
        self.chunk_used += 2 + length.next_multiple_of(2);
        if self.chunk_used + 2 > CHUNK_BYTES {
            self.chunks += 1;
            self.chunk_used = 0;
        }
    }

    fn render(&self, longest: &[usize; COLUMNS], sink: &mut dyn FnMut(&[u8])) {
        let widths = self.layout.widths(longest);
        let unpadded = self.layout.unpadded_column();
        let mut out = Vec::with_capacity(PIECE_BYTES * 2);
        let mut rest = self.text.as_slice();
        let mut lengths = self.lengths.iter().peekable();
        let mut below = self.below.iter().peekable();
        let mut row = 0;
        while lengths.peek().is_some() {
            row += 1;
            let mut first = true;
            for (&column, length) in self.shown.iter().zip(lengths.by_ref()) {
                let (text, behind) = rest.split_at(length);
                rest = behind;
                let text = match self.layout.alignment {
                    Alignment::Stream => text.trim_ascii_end(),
                    _ => text,
                };
                let kind = &KINDS[column];
                let gap = if first { 0 } else { kind.gap };
                first = false;
                let padding = widths[column].saturating_sub(gap + text.len());
                let before = if kind.right { padding } else { 0 };
                out.resize(out.len() + gap + before, b' ');
                out.extend_from_slice(text);
                if !kind.right && unpadded != Some(column) {
                    out.resize(out.len() + padding, b' ');
                }
            }
            out.push(b'\n');
            while let Some((_, lines)) = below.next_if(|(of, _)| *of == row) {
                out.extend_from_slice(lines);
            }
            if out.len() >= PIECE_BYTES {
                sink(&out);
                out.clear();
            }
        }
        if !out.is_empty() {
            sink(&out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked samples of the reference: three rows with details, on a pipe and on terminals.
    fn sample(alignment: Alignment) -> String {
        let mut enabled = [true; COLUMNS];
        enabled[Column::Netid as usize] = false;
        let mut table = Table::new(Layout {
            enabled,
            alignment,
            release: Release::DEFAULT,
        });
        let mut out = Vec::new();
        let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
        table.header(&mut sink);
        let rows: [[&str; 9]; 3] = [
            [
                "",
                "LISTEN",
                "0     ",
                "128   ",
                "127.0.0.1:",
                "22",
                "0.0.0.0:",
                "*",
                " ino:411 sk:1",
            ],
            [
                "",
                "ESTAB",
                "5000  ",
                "0     ",
                "10.0.0.1:",
                "22",
                "10.0.0.2:",
                "40000",
                " timer:(on,200ms,2) uid:1000 ino:500 sk:1",
            ],
            [
                "",
                "FIN-WAIT-2",
                "0     ",
                "0     ",
                "[2001:db8::1]:",
                "443",
                "[::ffff:1.2.3.4]:",
                "65535",
                " ino:501 sk:1",
            ],
        ];
        for row in rows {
            table.begin_row(&mut sink);
            for (column, text) in row.iter().enumerate() {
                table.cell().extend_from_slice(text.as_bytes());
                if column < 8 {
                    table.next();
                }
            }
        }
        table.flush(&mut sink);
        String::from_utf8(out).expect("the sample is text")
    }

    #[test]
    fn a_pipe_gets_columns_as_wide_as_their_longest_cell() {
        let text = sample(Alignment::Compact);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "LISTEN     0      128        127.0.0.1:22            0.0.0.0:*     ino:411 sk:1                            "
        );
        assert_eq!(lines[2].len(), lines[0].len());
    }

    /// `grep` finds rows as they are without these lines.
    #[test]
    fn lines_below_a_row_change_no_column() {
        for alignment in [Alignment::Compact, Alignment::Screen(80), Alignment::Stream] {
            let write = |with: bool| {
                let mut table = Table::new(Layout {
                    enabled: [true; COLUMNS],
                    alignment,
                    release: Release::DEFAULT,
                });
                let mut out = Vec::new();
                let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
                table.header(&mut sink);
                for name in ["a", "bb"] {
                    table.begin_row(&mut sink);
                    table.cell().extend_from_slice(name.as_bytes());
                    if with {
                        table.put_below(format!("    below {name}\n").into_bytes());
                    }
                }
                table.flush(&mut sink);
                String::from_utf8(out).expect("it is text")
            };
            let with = write(true);
            let lines: Vec<&str> = with.lines().collect();
            assert_eq!((lines[2], lines[4]), ("    below a", "    below bb"));
            let rows: Vec<&str> = [lines[0], lines[1], lines[3]].into();
            assert_eq!(rows, write(false).lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_stream_has_single_blanks() {
        let text = sample(Alignment::Stream);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "ESTAB 5000 0 10.0.0.1:22 10.0.0.2:40000 timer:(on,200ms,2) uid:1000 ino:500 sk:1"
        );
    }

    #[test]
    fn a_terminal_line_is_filled_from_the_right() {
        let text = sample(Alignment::Screen(80));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with(
            "LISTEN       0        128            127.0.0.1:22                0.0.0.0:*       ino:411 sk:1 "
        ));
        assert!(lines.iter().all(|line| line.len() == 160));
        assert!(
            sample(Alignment::Screen(44))
                .lines()
                .all(|line| line.len() == 132)
        );
    }
}
