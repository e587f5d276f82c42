//! One function of the table: what its instructions are of.

use super::bytes::{number, u32_at};
use super::{Form, Table};

/// Bytes of the longest record of an inlined call.
pub const INLINED_CALL_BYTES: usize = 20;

/// Functions that are told at most of one instruction.
const MAX_INLINED: usize = 64;

/// Which of a function's tables of values says what was put into it, and which of its data says what that is.
const PCDATA_INLINE_INDEX: usize = 2;
const FUNCDATA_INLINE_TREE: usize = 3;

/// A function of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its name, as Go writes it.
    pub name: &'a [u8],
    /// The file and line of the instruction.
    pub place: Option<(&'a [u8], u32)>,
}

/// The record of a function (`runtime._func`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Function<'a> {
    table: Table<'a>,
    record: &'a [u8],
    name: &'a [u8],
    /// Bytes of the address or offset that it begins with.
    head: usize,
}

impl<'a> Function<'a> {
    pub(super) fn new(table: Table<'a>, record: &'a [u8]) -> Option<Self> {
        let head = if table.form == Form::Go1_16 { 8 } else { 4 };
        let name = table.name(u32_at(record, head)?)?;
        Some(Self {
            table,
            record,
            name,
            head,
        })
    }

    pub(super) fn frames(
        &self,
        offset: u64,
        inlined_call: impl Fn(u64) -> Option<[u8; INLINED_CALL_BYTES]>,
    ) -> Vec<Frame<'a>> {
        let mut frames = Vec::new();
        let mut at = offset;
        while let Some(index) = self.inlined_at(at) {
            let inlined = self
                .inline_tree(index)
                .and_then(&inlined_call)
                .and_then(|record| self.inlined(&record));
            let Some((name, call)) = inlined.filter(|_| frames.len() < MAX_INLINED) else {
                frames.push(Frame {
                    name: self.name,
                    place: None,
                });
                return frames;
            };
            let place = self.place(at);
            frames.push(Frame { name, place });
            at = call;
        }
        frames.push(Frame {
            name: self.name,
            place: self.place(at),
        });
        frames
    }

    /// Gives a number of the record, counted behind the name.
    fn field(&self, index: usize) -> Option<u32> {
        u32_at(self.record, self.head + 4 * index)
    }

    fn place(&self, offset: u64) -> Option<(&'a [u8], u32)> {
        let number = self.value(self.field(4)?, offset)?;
        let file = self.table.file(self.field(7)?, number.try_into().ok()?)?;
        let line = self.value(self.field(5)?, offset)?;
        Some((file, u32::try_from(line).ok().filter(|line| *line > 0)?))
    }

    /// Gives the number of the inlined call that an instruction is of.
    fn inlined_at(&self, offset: u64) -> Option<u32> {
        if self.field(6)? <= u32::try_from(PCDATA_INLINE_INDEX).ok()? {
            return None;
        }
        let table = u32_at(self.record, self.tables() + 4 * PCDATA_INLINE_INDEX)?;
        self.value(table, offset)?.try_into().ok()
    }

    /// Gives where the record of an inlined call lies.
    fn inline_tree(&self, index: u32) -> Option<u64> {
        // Go 1.16 writes an address there.
        if self.table.form == Form::Go1_16 {
            return None;
        }
        let data = *self.record.get(self.tables() - 1)?;
        if usize::from(data) <= FUNCDATA_INLINE_TREE {
            return None;
        }
        let tables = usize::try_from(self.field(6)?).ok()?;
        let at = tables.checked_add(FUNCDATA_INLINE_TREE)?.checked_mul(4)?;
        let tree = u32_at(self.record, self.tables().checked_add(at)?)?;
        let bytes = match self.table.form {
            Form::Go1_16 | Form::Go1_18 => 20,
            Form::Go1_20 => 16,
        };
        (tree != u32::MAX).then(|| u64::from(tree) + u64::from(index) * bytes)
    }

    /// Reads such a record: the name, and the offset of an instruction that is of the line of the call.
    fn inlined(&self, record: &[u8]) -> Option<(&'a [u8], u64)> {
        let (name, call) = match self.table.form {
            Form::Go1_16 | Form::Go1_18 => (12, 16),
            Form::Go1_20 => (4, 8),
        };
        let name = self.table.name(u32_at(record, name)?)?;
        Some((name, u32_at(record, call)?.into()))
    }

    /// Where the numbers of the record end and its tables begin.
    fn tables(&self) -> usize {
        let numbers = match self.table.form {
            Form::Go1_16 | Form::Go1_18 => 9,
            Form::Go1_20 => 10,
        };
        self.head + 4 * numbers
    }

    /// Gives the value that a table of values has for an instruction: each entry says by how much the value
    /// differs from the one before, and for how many instructions it holds.
    fn value(&self, table: u32, offset: u64) -> Option<i32> {
        if table == 0 {
            return None;
        }
        let values = self.table.values.get(usize::try_from(table).ok()?..)?;
        let mut rest = values.iter().copied();
        let (mut value, mut end, mut first) = (-1_i32, 0_u64, true);
        loop {
            let step = number(&mut rest)?;
            if step == 0 && !first {
                return None;
            }
            first = false;
            // The sign is the lowest bit.
            let signed = (step >> 1).cast_signed() ^ -(step & 1).cast_signed();
            value = value.wrapping_add(signed);
            end += u64::from(number(&mut rest)?) * self.table.quantum;
            if offset < end {
                return Some(value);
            }
        }
    }
}
