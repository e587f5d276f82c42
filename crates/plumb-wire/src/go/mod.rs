//! `.gopclntab`: which function, file and line each instruction of a Go program is of.
//!
//! Go's runtime needs the table for its own tracebacks, so it stays in programs built with `-ldflags "-s -w"`, which
//! have neither symbols nor DWARF. The forms are those of Go 1.16, 1.18 and 1.20 and newer (`debug/gosym` and
//! `runtime/symtab.go` of Go describe them), of 64-bit little-endian machines.

mod bytes;
mod function;

use std::borrow::Cow;

use bytes::{text, u32_at, u64_at};
pub use function::{Frame, INLINED_CALL_BYTES};

/// Which Go wrote a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Go 1.16 and 1.17: whole addresses.
    Go1_16,
    /// Go 1.18 and 1.19: offsets from the first instruction.
    Go1_18,
    /// Go 1.20 and newer: functions have their first line.
    Go1_20,
}

/// The table of one program.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    form: Form,
    /// Where the code begins that offsets count from; 0 if that is not in the table.
    text_start: u64,
    /// Bytes of the shortest instruction.
    quantum: u64,
    count: usize,
    names: &'a [u8],
    units: &'a [u8],
    files: &'a [u8],
    values: &'a [u8],
    functions: &'a [u8],
}

/// Bytes of the longest header.
pub const HEADER_BYTES: usize = 72;

/// The word that each form begins with, before two zeros.
const MAGIC: &[(u32, Form)] = &[
    (0xffff_fffa, Form::Go1_16),
    (0xffff_fff0, Form::Go1_18),
    (0xffff_fff1, Form::Go1_20),
];

impl<'a> Table<'a> {
    /// Decodes the header; `None` if these bytes are no such table.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let magic = u32_at(bytes, 0)?;
        let (_, form) = MAGIC.iter().find(|(known, _)| *known == magic)?;
        let &[0, 0, quantum @ (1 | 2 | 4), 8] = bytes.get(4..8)? else {
            return None;
        };
        let word = |index: usize| usize::try_from(u64_at(bytes, 8 + index * 8)?).ok();
        // Go 1.18 put the start of the code between.
        let (text_start, offsets) = match form {
            Form::Go1_16 => (0, 2),
            Form::Go1_18 | Form::Go1_20 => (u64_at(bytes, 24)?, 3),
        };
        let part = |index: usize| bytes.get(word(offsets + index)?..);
        let table = Self {
            form: *form,
            text_start,
            quantum: quantum.into(),
            count: word(0)?,
            names: part(0)?,
            units: part(1)?,
            files: part(2)?,
            values: part(3)?,
            functions: part(4)?,
        };
        // The last entry says where the code ends.
        table.entry(table.count).map(|_| table)
    }

    /// Says which Go wrote it.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Gives the address that offsets count from, as far as the table itself has it: of a program that may lie
    /// anywhere the loader fills it in, and since Go 1.26 it is not there.
    pub fn text_start(&self) -> u64 {
        self.text_start
    }

    /// Gives the same table, its offsets counted from this address.
    #[must_use]
    pub fn at(self, text_start: u64) -> Self {
        Self { text_start, ..self }
    }

    /// Gives the address of the first function.
    pub fn first(&self) -> Option<u64> {
        self.base().checked_add(self.entry(0)?.0)
    }

    /// Gives the functions that an instruction is of, innermost first: those that the compiler put into another one,
    /// then that. `inlined_call` reads the record at an offset of `go:func.*` ([`INLINED_CALL_BYTES`]); where it
    /// cannot, the function that is really there is given, without a line, which would be another one's.
    pub fn frames(
        &self,
        address: u64,
        inlined_call: impl Fn(u64) -> Option<[u8; INLINED_CALL_BYTES]>,
    ) -> Vec<Frame<'a>> {
        let function = self.function(address);
        function.map_or_else(Vec::new, |(function, offset)| {
            function.frames(offset, inlined_call)
        })
    }

    /// Gives the function around an address, and how far into it that is.
    fn function(&self, address: u64) -> Option<(function::Function<'a>, u64)> {
        let offset = address.checked_sub(self.base())?;
        let index = self.index(offset)?;
        let (begins, at) = self.entry(index)?;
        let (ends, _) = self.entry(index + 1)?;
        let record = self.functions.get(usize::try_from(at).ok()?..)?;
        let function = function::Function::new(*self, record)?;
        (begins..ends)
            .contains(&offset)
            .then(|| (function, offset - begins))
    }

    /// Finds the last function that does not begin behind an offset.
    fn index(&self, offset: u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(middle)?.0 <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// Gives where a function begins and where its record lies; of the entry behind the last, where the code ends.
    fn entry(&self, index: usize) -> Option<(u64, u64)> {
        if index > self.count {
            return None;
        }
        if self.form == Form::Go1_16 {
            let at = index.checked_mul(16)?;
            let record = u64_at(self.functions, at.checked_add(8)?).unwrap_or(0);
            return Some((u64_at(self.functions, at)?, record));
        }
        let at = index.checked_mul(8)?;
        let record = u32_at(self.functions, at.checked_add(4)?).unwrap_or(0);
        Some((u32_at(self.functions, at)?.into(), record.into()))
    }

    fn base(&self) -> u64 {
        match self.form {
            Form::Go1_16 => 0,
            Form::Go1_18 | Form::Go1_20 => self.text_start,
        }
    }

    fn name(&self, at: u32) -> Option<&'a [u8]> {
        text(self.names, at)
    }

    /// Gives the name of a file by its number in a unit of compilation.
    fn file(&self, unit: u32, number: u32) -> Option<&'a [u8]> {
        let index = usize::try_from(unit.checked_add(number)?).ok()?;
        let at = u32_at(self.units, index.checked_mul(4)?)?;
        text(self.files, at)
    }
}

/// Gives a name as its author wrote it: in the last part of a package's path Go's linker writes `%2e` for a dot, so
/// that the first dot behind it ends the package.
///
/// ```
/// let name = plumb_wire::go::decode_name("gopkg.in/yaml%2ev3.Unmarshal");
/// assert_eq!(name, "gopkg.in/yaml.v3.Unmarshal");
/// ```
pub fn decode_name(name: &str) -> Cow<'_, str> {
    if name.contains("%2e") {
        name.replace("%2e", ".").into()
    } else {
        name.into()
    }
}
