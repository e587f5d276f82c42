//! From the longest cell of each column to its width, on a pipe and on a terminal.

use super::{Alignment, COLUMNS, Column, KINDS, Layout};

impl Layout {
    /// The column whose right padding newer releases leave out when nothing is aligned to a screen.
    pub(super) fn unpadded_column(&self) -> Option<usize> {
        if self.alignment != Alignment::Compact || !self.release.since(7, 0) {
            return None;
        }
        (0..=Column::Process as usize)
            .rev()
            .find(|&column| self.enabled[column])
    }

    /// Widths of all columns, gaps included.
    pub(super) fn widths(&self, longest: &[usize; COLUMNS]) -> [usize; COLUMNS] {
        let mut widths = [0; COLUMNS];
        let screen = match self.alignment {
            Alignment::Stream => return widths,
            Alignment::Compact => None,
            Alignment::Screen(screen) => Some(screen),
        };
        let mut any = false;
        for column in (0..COLUMNS).filter(|&column| self.enabled[column] || longest[column] > 0) {
            let gap = if longest[column] > 0 && any {
                KINDS[column].gap
            } else {
                0
            };
            let width = longest[column] + gap;
            widths[column] = screen.map_or(width, |screen| width.min(screen));
            any |= widths[column] > 0;
        }
        if let Some(screen) = screen {
            spread(&mut widths, screen);
        }
        widths
    }
}

/// Packs the columns into screen lines and spreads what is free in each line over its columns.
fn spread(widths: &mut [usize; COLUMNS], screen: usize) {
    let columns: Vec<usize> = (0..COLUMNS).filter(|&column| widths[column] > 0).collect();
    let mut line_start = 0;
    let mut used = 0;
    let mut at = 0;
    while let Some(&column) = columns.get(at) {
        used += widths[column];
        if used > screen {
            // Widths are capped, so a line holds at least one column and this ends.
            distribute(
                widths,
                &columns[line_start..at],
                screen + widths[column] - used,
            );
            line_start = at;
            used = 0;
            continue;
        }
        at += 1;
        if used == screen {
            line_start = at;
            used = 0;
        } else if at == columns.len() {
            distribute(widths, &columns[line_start..at], screen - used);
        }
    }
}

/// Gives each column its share of the free bytes, the remainder to the right-most ones.
fn distribute(widths: &mut [usize; COLUMNS], columns: &[usize], free: usize) {
    let Some(share) = free.checked_div(columns.len()) else {
        return;
    };
    let remainder = free % columns.len();
    for (from_right, &column) in columns.iter().rev().enumerate() {
        widths[column] += share + usize::from(from_right < remainder);
    }
}
