//! A table fitted to a width: nothing wraps, long texts are cut first, then columns leave.
//!
//! A table is measured, then written row by row, so that rows never have to be held as text. Where a width
//! limits it, every row is measured; where nothing does, the first [`SAMPLE_ROWS`] are, and a text that is
//! wider later on pushes its row to the right and is not cut. Outside text loses its terminal escapes here,
//! where a terminal will read it.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr as _;

use super::{Align, Cell, Column, Cut, Tone};
use crate::sanitize;

/// Blanks between columns.
const GAP: usize = 2;
/// What a cut text ends or begins in.
const CUT: char = '…';
/// Rows that are measured where no width limits the table.
pub const SAMPLE_ROWS: usize = 4096;
/// How narrow a column gets before it leaves although it never should.
const LEAST_CHARACTERS: usize = 6;

/// How a table is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Columns of the terminal; `None` where nothing limits them.
    pub width: Option<usize>,
    /// Whether a terminal reads it: then outside text is made harmless.
    pub terminal: bool,
    /// Whether tones are written as colours.
    pub color: bool,
}

/// The columns that are shown, and how wide each is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// Index into the columns given, and the width in characters.
    shown: Vec<(usize, usize)>,
    /// Words of the columns that had to leave.
    pub left_out: Vec<&'static str>,
}

/// Writes head and rows.
pub fn write<R>(out: &mut Vec<u8>, columns: &[&Column<R>], rows: &[R], style: Style) -> Fit {
    let fit = measure(columns, rows, style);
    write_head(out, columns, &fit, style);
    write_more(out, columns, rows, &fit, style);
    fit
}

/// Finds the columns that are shown, and their widths.
pub fn measure<R>(columns: &[&Column<R>], rows: &[R], style: Style) -> Fit {
    let measured = match style.width {
        Some(_) => rows,
        None => rows.get(..SAMPLE_ROWS).unwrap_or(rows),
    };
    let mut widths: Vec<usize> = columns.iter().map(|column| column.head.width()).collect();
    for row in measured {
        for (width, cell) in widths.iter_mut().zip(cells(columns, row, style)) {
            *width = (*width).max(cell.text.width());
        }
    }
    fit(columns, &widths, style.width)
}

/// Writes more rows in the widths of an earlier piece; what is wider is cut where the width is limited.
pub fn write_more<R>(
    out: &mut Vec<u8>,
    columns: &[&Column<R>],
    rows: &[R],
    fit: &Fit,
    style: Style,
) {
    for row in rows {
        write_cells(out, columns, &cells(columns, row, style), fit, style);
    }
}

fn cells<'r, R>(columns: &[&Column<R>], row: &'r R, style: Style) -> Vec<Cell<'r>> {
    let harmless = |column: &&Column<R>| {
        let cell = (column.cell)(row);
        if !style.terminal && !cell.text.contains(['\n', '\r']) {
            return cell;
        }
        let text = sanitize::for_terminal(cell.text.as_bytes());
        let text = String::from_utf8_lossy(&text).into_owned();
        Cell::new(text).with(cell.tone)
    };
    columns.iter().map(harmless).collect()
}

/// Finds the widths: natural ones if they fit, else the widest that may shrink is cut, else the
/// column that is kept least leaves, until the rest fits.
fn fit<R>(columns: &[&Column<R>], widths: &[usize], width: Option<usize>) -> Fit {
    let mut shown: Vec<(usize, usize)> = widths.iter().copied().enumerate().collect();
    let mut left_out = Vec::new();
    let Some(width) = width else {
        return Fit { shown, left_out };
    };
    while total(&shown) > width {
        let excess = total(&shown) - width;
        if shrink(&mut shown, excess, |index| comfortable(columns, index)) {
            break;
        }
        let least = shown
            .iter()
            .enumerate()
            .filter_map(|(place, (index, _))| Some((columns.get(*index)?.keep, place)))
            .filter(|(keep, _)| *keep < u8::MAX)
            // Of equals the last goes first.
            .min_by_key(|(keep, place)| (*keep, usize::MAX - place));
        let Some((_, place)) = least else {
            // Nothing more can go: what is left is cut, whether it likes that or not.
            if shrink(&mut shown, excess, |_| Some(LEAST_CHARACTERS)) {
                break;
            }
            if shown.len() < 2 {
                shrink(&mut shown, excess, |_| Some(1));
                break;
            }
            left_out.extend(leave(columns, &mut shown, |places| places - 1));
            continue;
        };
        left_out.extend(leave(columns, &mut shown, |_| place));
    }
    Fit { shown, left_out }
}

/// How narrow a column may get before another has to leave; `None` where it may not be cut.
fn comfortable<R>(columns: &[&Column<R>], index: usize) -> Option<usize> {
    let least = columns.get(index)?.shrink_to;
    (least > 0).then_some(least)
}

/// Takes away the column at a place, given how many there are; gives its word.
fn leave<R>(
    columns: &[&Column<R>],
    shown: &mut Vec<(usize, usize)>,
    place: impl FnOnce(usize) -> usize,
) -> Option<&'static str> {
    let (index, _) = shown.remove(place(shown.len()));
    columns.get(index).map(|column| column.key)
}

fn total(shown: &[(usize, usize)]) -> usize {
    let widths: usize = shown.iter().map(|(_, width)| width).sum();
    widths + GAP * shown.len().saturating_sub(1)
}

/// Takes `excess` characters from the columns that may shrink, the widest first; changes nothing and
/// says no when they have not so many to give.
fn shrink(
    shown: &mut [(usize, usize)],
    excess: usize,
    least: impl Fn(usize) -> Option<usize>,
) -> bool {
    let spare: usize = shown
        .iter()
        .filter_map(|(index, width)| Some(width.saturating_sub(least(*index)?)))
        .sum();
    if spare < excess {
        return false;
    }
    for _ in 0..excess {
        let widest = shown
            .iter_mut()
            .filter(|(index, width)| least(*index).is_some_and(|least| *width > least))
            .max_by_key(|(_, width)| *width);
        if let Some((_, width)) = widest {
            *width -= 1;
        }
    }
    true
}

/// Writes the head.
pub fn write_head<R>(out: &mut Vec<u8>, columns: &[&Column<R>], fit: &Fit, style: Style) {
    let heads: Vec<Cell<'_>> = columns
        .iter()
        .map(|column| Cell::new(column.head).with(Tone::Dim))
        .collect();
    write_cells(out, columns, &heads, fit, style);
}

fn write_cells<R>(
    out: &mut Vec<u8>,
    columns: &[&Column<R>],
    cells: &[Cell<'_>],
    fit: &Fit,
    style: Style,
) {
    let start = out.len();
    for (place, (index, width)) in fit.shown.iter().enumerate() {
        let (Some(column), Some(cell)) = (columns.get(*index), cells.get(*index)) else {
            continue;
        };
        if place > 0 {
            out.resize(out.len() + GAP, b' ');
        }
        let text = match style.width {
            Some(_) => cut(&cell.text, *width, column.cut),
            None => cell.text.as_ref().into(),
        };
        let blanks = width.saturating_sub(text.width());
        if column.align == Align::Right {
            out.resize(out.len() + blanks, b' ');
        }
        write_toned(out, &text, cell.tone, style);
        // Nothing stands behind the last column.
        if column.align == Align::Left && place + 1 < fit.shown.len() {
            out.resize(out.len() + blanks, b' ');
        }
    }
    while out.len() > start && out.last() == Some(&b' ') {
        out.pop();
    }
    out.push(b'\n');
}

/// Writes a text in the colours of its tone: the 16 that every terminal has, for signals alone.
pub fn write_toned(out: &mut Vec<u8>, text: &str, tone: Tone, style: Style) {
    let code: &[u8] = match tone {
        _ if !style.color => b"",
        Tone::Plain => b"",
        Tone::Dim => b"\x1b[2m",
        Tone::Strong => b"\x1b[1m",
        Tone::Good => b"\x1b[32m",
        Tone::Warning => b"\x1b[33m",
        Tone::Bad => b"\x1b[31m",
    };
    out.extend_from_slice(code);
    out.extend_from_slice(text.as_bytes());
    if !code.is_empty() {
        out.extend_from_slice(b"\x1b[0m");
    }
}

/// Cuts a line that is no row to the width of the table.
pub fn cut_line(line: &str, style: Style) -> Cow<'_, str> {
    match style.width {
        Some(width) => cut(line, width, Cut::End),
        None => line.into(),
    }
}

/// Cuts a text to so many columns of a terminal, with [`CUT`] where something is missing.
fn cut(text: &str, width: usize, side: Cut) -> Cow<'_, str> {
    if text.width() <= width {
        return text.into();
    }
    let room = width.saturating_sub(1);
    match side {
        _ if width == 0 => "".into(),
        Cut::End => {
            let mut kept: String = fitting(text.chars(), room).collect();
            kept.push(CUT);
            kept.into()
        }
        Cut::Start => {
            let mut kept: Vec<char> = fitting(text.chars().rev(), room).collect();
            kept.push(CUT);
            kept.into_iter().rev().collect::<String>().into()
        }
    }
}

/// Gives as many characters as have room.
fn fitting(characters: impl Iterator<Item = char>, mut room: usize) -> impl Iterator<Item = char> {
    use unicode_width::UnicodeWidthChar as _;
    characters.map_while(move |character| {
        room = room.checked_sub(character.width().unwrap_or(0))?;
        Some(character)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static str, &'static str, &'static str);

    fn columns() -> [Column<Row>; 3] {
        [
            Column::new("a", "A", |row: &Row| Cell::new(row.0)),
            Column::new("b", "Bee", |row: &Row| Cell::new(row.1))
                .right()
                .keep(1),
            Column::new("c", "C", |row: &Row| Cell::new(row.2)).shrink_to(4),
        ]
    }

    fn written(width: Option<usize>) -> String {
        let columns = columns();
        let columns: Vec<_> = columns.iter().collect();
        let rows = [("one", "1", "a long text"), ("two", "22", "x")];
        let mut out = Vec::new();
        let style = Style {
            width,
            ..Style::default()
        };
        write(&mut out, &columns, &rows, style);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn without_a_limit_columns_are_as_wide_as_their_texts() {
        assert_eq!(
            written(None),
            "A    Bee  C\none    1  a long text\ntwo   22  x\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_texts_before_columns_leave() {
        assert_eq!(
            written(Some(16)),
            "A    Bee  C\none    1  a lon…\ntwo   22  x\n"
        );
        assert_eq!(written(Some(9)), "A    C\none  a l…\ntwo  x\n");
        for width in 1..30 {
            let text = written(Some(width));
            assert!(
                text.lines().all(|line| line.width() <= width),
                "{width}: {text}"
            );
        }
    }

    #[test]
    fn escapes_of_outside_text_do_not_reach_a_terminal() {
        let columns = [Column::<&str>::new("a", "A", |row| Cell::new(*row))];
        let columns: Vec<_> = columns.iter().collect();
        let mut out = Vec::new();
        let style = Style {
            terminal: true,
            ..Style::default()
        };
        write(&mut out, &columns, &["a\x1b[2Jb\nc"], style);
        assert!(!out.contains(&0x1b));
        assert_eq!(String::from_utf8_lossy(&out).lines().count(), 2);
    }

    #[test]
    fn wide_characters_are_cut_by_columns_not_by_letters() {
        assert_eq!(cut("漢字漢字", 5, Cut::End), "漢字…");
        assert_eq!(cut("漢字", 4, Cut::End), "漢字");
        assert_eq!(cut("字漢字", 5, Cut::Start), "…漢字");
    }

    #[test]
    fn what_never_leaves_is_cut_no_more_than_needed() {
        let columns = [
            Column::<(&str, &str)>::new("a", "A", |row| Cell::new(row.0)).cut_at_start(),
            Column::new("b", "B", |row| Cell::new(row.1)),
        ];
        let columns: Vec<_> = columns.iter().collect();
        let mut out = Vec::new();
        let style = Style {
            width: Some(20),
            ..Style::default()
        };
        write(
            &mut out,
            &columns,
            &[("127.0.0.1:7001", "a-long-name")],
            style,
        );
        let text = String::from_utf8_lossy(&out);
        assert_eq!(text.lines().nth(1), Some("…0.1:7001  a-long-n…"));
    }

    #[test]
    fn of_an_endpoint_the_port_is_what_stays() {
        assert_eq!(cut("[2001:db8::1]:65535", 8, Cut::Start), "…]:65535");
        assert_eq!(cut("[2001:db8::1]:65535", 1, Cut::Start), "…");
    }

    #[test]
    fn without_a_limit_late_long_texts_are_whole() {
        let columns = [Column::<String>::new("a", "A", |row| {
            Cell::new(row.as_str())
        })];
        let columns: Vec<_> = columns.iter().collect();
        let mut rows = vec![String::from("x"); SAMPLE_ROWS];
        rows.push("y".repeat(100));
        let mut out = Vec::new();
        write(&mut out, &columns, &rows, Style::default());
        assert!(out.ends_with(format!("{}\n", "y".repeat(100)).as_bytes()));
    }
}
