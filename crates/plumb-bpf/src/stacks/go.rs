//! The table of functions in a Go program's file (`plumb_wire::go`), and what leads into it.
//!
//! Where the code begins and where the records of inlined calls lie is in `runtime.firstmoduledata`, which has no name
//! in a stripped program. It is found by what it holds: its first word is the address of the table.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use object::read::{ReadCache, ReadRef};
use object::{Object as _, ObjectSection as _, RelocationTarget, SectionFlags, elf};
use plumb_model::stack::{Frame, Source};
use plumb_model::{Known, Reason};
use plumb_wire::go::{self, Form, HEADER_BYTES, INLINED_CALL_BYTES, Table, decode_name};

/// Bytes of a section that are read at most; the table of a program of 100 MB has some 30 MB.
const MAX_SECTION_BYTES: u64 = 128 << 20;

/// Sections that every Go program has one of, and no other.
const MARKS: &[&str] = &[".go.buildinfo", ".note.go.buildid"];

/// What the section is called: by itself, in a program that may lie anywhere, and where another linker than Go's
/// made that.
const SECTIONS: &[&str] = &[".gopclntab", ".data.rel.ro.gopclntab", ".data.rel.ro"];

/// Words of `runtime.moduledata` before the first and the last address of code, before the start of the code, and
/// before the address of `go:func.*`.
const MIN_PC: u64 = 20;
const TEXT: u64 = 22;
const FUNCTIONS_DATA_1_18: u64 = 38;
const FUNCTIONS_DATA_1_20: u64 = 40;

/// The table of one file.
#[derive(Debug)]
pub(super) struct GoTable {
    bytes: Vec<u8>,
    text_start: u64,
    /// Where `go:func.*` lies in the file.
    inlined: Option<u64>,
}

impl GoTable {
    /// Reads it; `None` if the file has none, or one whose addresses nothing tells.
    pub(super) fn read(file: &File) -> Option<Self> {
        let cache = ReadCache::new(file);
        let object = object::File::parse(&cache).ok()?;
        MARKS.iter().find_map(|name| object.section_by_name(name))?;
        SECTIONS.iter().find_map(|name| {
            let section = object.section_by_name(name)?;
            if section.size() > MAX_SECTION_BYTES {
                return None;
            }
            let bytes = section.data().ok()?;
            let at = begin(bytes)?;
            let address = section.address().checked_add(at)?;
            let bytes = bytes.get(usize::try_from(at).ok()?..)?;
            Self::new(&Words::of(&object), address, bytes.to_vec())
        })
    }

    fn new<'data, R: ReadRef<'data>>(
        words: &Words<'data, '_, R>,
        address: u64,
        bytes: Vec<u8>,
    ) -> Option<Self> {
        let table = Table::decode(&bytes)?;
        let module = words.module(address, &table);
        // What the loader fills in is in no section.
        let in_table = words.relocated(address + 24).unwrap_or(table.text_start());
        let text_start = match module {
            Some(module) => words.at(module, TEXT)?,
            None if table.form() == Form::Go1_16 || in_table != 0 => in_table,
            // Without either, names would be a guess.
            None => return None,
        };
        let functions_data = match table.form() {
            Form::Go1_16 => None,
            Form::Go1_18 => Some(FUNCTIONS_DATA_1_18),
            Form::Go1_20 => Some(FUNCTIONS_DATA_1_20),
        };
        let inlined = module
            .zip(functions_data)
            .and_then(|(module, place)| words.in_file(words.at(module, place)?));
        Some(Self {
            bytes,
            text_start,
            inlined,
        })
    }

    /// Gives the functions at an address of the file, innermost first; `whole` has what they have in common.
    pub(super) fn frames(&self, file: &File, address: u64, whole: &Frame) -> Vec<Frame> {
        let inlined_call = |offset: u64| {
            let mut record = [0; INLINED_CALL_BYTES];
            let at = self.inlined?.checked_add(offset)?;
            file.read_exact_at(&mut record, at).ok()?;
            Some(record)
        };
        let table = Table::decode(&self.bytes).map(|table| table.at(self.text_start));
        let found = table.map_or_else(Vec::new, |table| table.frames(address, inlined_call));
        let count = found.len();
        let frame = |(index, found): (usize, go::Frame<'_>)| Frame {
            function: Known::Known(decode_name(&text(found.name)).into_owned()),
            source: found
                .place
                .map_or(Known::Unknown(Reason::NoSymbols), |(file, line)| {
                    let file = text(file).into_owned();
                    Known::Known(Source { file, line })
                }),
            inlined: index + 1 < count,
            ..whole.clone()
        };
        found.into_iter().enumerate().map(frame).collect()
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Finds where the table begins in its section.
fn begin(section: &[u8]) -> Option<u64> {
    let places = (0..section.len().saturating_sub(HEADER_BYTES)).step_by(16);
    let mut tables = places.filter(|at| {
        let rest = section.get(*at..).unwrap_or_default();
        // Cheap, before the whole is looked at.
        rest.get(4..8)
            .is_some_and(|head| matches!(head, [0, 0, 1 | 2 | 4, 8]))
            && Table::decode(rest).is_some()
    });
    tables.next().and_then(|at| at.try_into().ok())
}

/// The words of a file as they are in memory, before it is moved.
struct Words<'data, 'file, R: ReadRef<'data>> {
    object: &'file object::File<'data, R>,
    /// What the loader writes, by address.
    relocated: HashMap<u64, u64>,
}

impl<'data, 'file, R: ReadRef<'data>> Words<'data, 'file, R> {
    fn of(object: &'file object::File<'data, R>) -> Self {
        let relocations = object.dynamic_relocations().into_iter().flatten();
        let relative = relocations.filter_map(|(at, relocation)| {
            let is_relative = relocation.target() == RelocationTarget::Absolute;
            is_relative.then(|| (at, relocation.addend().cast_unsigned()))
        });
        Self {
            object,
            relocated: relative.collect(),
        }
    }

    fn relocated(&self, address: u64) -> Option<u64> {
        self.relocated.get(&address).copied()
    }

    /// Reads a word behind an address.
    fn at(&self, address: u64, index: u64) -> Option<u64> {
        let address = address.checked_add(index.checked_mul(8)?)?;
        self.relocated(address).or_else(|| {
            let sections = self.object.sections();
            let mut bytes = sections.filter_map(|section| section.data_range(address, 8).ok()?);
            bytes.next()?.try_into().ok().map(u64::from_le_bytes)
        })
    }

    /// Finds `runtime.firstmoduledata`: it begins with the table's address and holds that of the first function.
    fn module(&self, table_address: u64, table: &Table<'_>) -> Option<u64> {
        let moved = self.relocated.iter();
        let moved = moved.filter_map(|(at, to)| (*to == table_address).then_some(*at));
        let fixed = self.object.sections().filter(is_data).flat_map(|section| {
            let bytes = section.data().unwrap_or_default();
            let words = bytes.chunks_exact(8).zip((section.address()..).step_by(8));
            let is_it = move |word: &[u8]| word == table_address.to_le_bytes();
            words.filter_map(move |(word, at)| is_it(word).then_some(at))
        });
        let mut candidates: Vec<u64> = moved.chain(fixed).collect();
        candidates.sort_unstable();
        candidates.into_iter().find(|module| {
            let text = self.at(*module, TEXT);
            let first = text.and_then(|text| table.at(text).first());
            first.is_some() && first == self.at(*module, MIN_PC)
        })
    }

    /// Gives where an address lies in the file.
    fn in_file(&self, address: u64) -> Option<u64> {
        self.object.sections().find_map(|section| {
            let (start, size) = section.file_range()?;
            let range: Range<u64> = section.address()..section.address().checked_add(size)?;
            range
                .contains(&address)
                .then(|| start + (address - range.start))
        })
    }
}

/// Says whether a section is data that may hold the structure.
fn is_data<'data>(section: &object::Section<'data, '_, impl ReadRef<'data>>) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
        return false;
    };
    let is_writable = sh_flags & u64::from(elf::SHF_WRITE) != 0;
    is_writable && section.file_range().is_some() && section.size() <= MAX_SECTION_BYTES
}
