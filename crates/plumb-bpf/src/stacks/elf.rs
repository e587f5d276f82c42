//! What unwinding needs out of an ELF file: its segments, its unwind tables, and what names its debug file.
//!
//! Read by offsets from the open file, so that a library of a hundred megabytes costs its tables alone.
//! Files are anybody's: whatever does not add up is absent.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use gimli::{BaseAddresses, EhFrame, EhFrameHdr, LittleEndian, UnwindSection as _};
use object::read::{ReadCache, ReadRef};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, elf};

/// Bytes of one section that are read at most: the largest `.eh_frame` seen has 14 MB.
const MAX_SECTION_BYTES: u64 = 128 << 20;

/// Size of an address; other processes than 64-bit ones are not followed.
const ADDRESS_BYTES: u8 = 8;

/// Names that are kept at most of a module that is memory alone (the vDSO has about ten).
const MAX_NAMES: usize = 256;

/// One ELF file.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// The parts of it that are code.
    pub(super) code: Vec<Segment>,
    /// Its unwind tables.
    pub(super) tables: Tables,
    /// What the linker calls this very build.
    pub(super) build_id: Option<Vec<u8>>,
    /// The name and checksum of the file with its symbols (`.gnu_debuglink`).
    pub(super) debug_link: Option<(Vec<u8>, u32)>,
}

/// An executable PT_LOAD segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its bytes in the file.
    pub(super) file: Range<u64>,
    /// Its address, as the file counts.
    pub(super) address: u64,
}

/// The unwind tables of a module, and the places that they count from.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) eh_frame: Option<Section>,
    pub(super) eh_frame_hdr: Option<Section>,
    pub(super) debug_frame: Option<Section>,
    pub(super) text: Option<Range<u64>>,
    pub(super) got: Option<Range<u64>>,
}

/// A section and its bytes.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) range: Range<u64>,
    pub(super) bytes: Arc<[u8]>,
}

/// A function of a module that is memory alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) range: Range<u64>,
    pub(super) name: String,
}

/// What leads into the memory of a CPython interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PythonSymbols {
    /// Address of `_PyRuntime`, as the file counts.
    pub(super) runtime: u64,
    /// Address of `PyCode_Type`.
    pub(super) code_type: u64,
    /// The value of `Py_Version` (3.11 and newer).
    pub(super) version: u64,
}

impl Tables {
    /// Says whether there is any table.
    pub(super) fn any(&self) -> bool {
        self.eh_frame.is_some() || self.debug_frame.is_some()
    }

    /// Says whether a table tells how to leave the code at an address: not so for what was written in assembler
    /// without, for Go's functions in a program that also has C's, for the built-in functions of V8.
    pub(super) fn cover(&self, address: u64) -> bool {
        let (Some(header), Some(table)) = (&self.eh_frame_hdr, &self.eh_frame) else {
            return self.any();
        };
        let bases = BaseAddresses::default()
            .set_eh_frame_hdr(header.range.start)
            .set_eh_frame(table.range.start)
            .set_text(self.text.as_ref().map_or(0, |text| text.start))
            .set_got(self.got.as_ref().map_or(0, |got| got.start));
        let frame = EhFrame::new(&table.bytes, LittleEndian);
        let header = EhFrameHdr::new(&header.bytes, LittleEndian).parse(&bases, ADDRESS_BYTES);
        let header = header.ok();
        let search = header.as_ref().and_then(gimli::ParsedEhFrameHdr::table);
        search.is_some_and(|search| {
            let found = search.fde_for_address(&frame, &bases, address, EhFrame::cie_from_offset);
            found.is_ok()
        })
    }
}

/// Reads what is wanted of an open file.
pub(super) fn read_image(file: &File) -> object::Result<Image> {
    decode_image(&ReadCache::new(file))
}

/// Decodes what is wanted of an ELF file.
pub(super) fn decode_image<'data>(data: impl ReadRef<'data>) -> object::Result<Image> {
    let object = object::File::parse(data)?;
    let build_id = object.build_id()?.map(<[u8]>::to_vec);
    let debug_link = object.gnu_debuglink().ok().flatten();
    Ok(Image {
        code: code_segments(&object),
        tables: Tables {
            eh_frame: section(&object, ".eh_frame"),
            eh_frame_hdr: section(&object, ".eh_frame_hdr"),
            debug_frame: section(&object, ".debug_frame"),
            text: range_of(&object, ".text"),
            got: range_of(&object, ".got"),
        },
        build_id,
        debug_link: debug_link.map(|(name, checksum)| (name.to_vec(), checksum)),
    })
}

/// Decodes the names of the functions a module exports.
pub(super) fn decode_names(bytes: &[u8]) -> Vec<Name> {
    let Ok(object) = object::File::parse(bytes) else {
        return Vec::new();
    };
    let name = |symbol: object::Symbol<'_, '_>| {
        let start = symbol.address();
        Some(Name {
            range: start..start.checked_add(symbol.size())?,
            name: symbol.name().ok()?.to_owned(),
        })
    };
    let names = object.dynamic_symbols().filter_map(name);
    names
        .filter(|name| !name.range.is_empty())
        .take(MAX_NAMES)
        .collect()
}

/// Reads what the file of a CPython interpreter says of itself; `None` if it is no such file, or too old.
pub(super) fn read_python_symbols(file: &File) -> Option<PythonSymbols> {
    let cache = ReadCache::new(file);
    let object = object::File::parse(&cache).ok()?;
    let find = |name: &str| {
        let mut symbols = object.dynamic_symbols().chain(object.symbols());
        symbols.find(|symbol| symbol.is_definition() && symbol.name() == Ok(name))
    };
    let version = find("Py_Version")?;
    let section = object.section_by_index(version.section_index()?).ok()?;
    let value = section.data_range(version.address(), 8).ok()??;
    Some(PythonSymbols {
        runtime: find("_PyRuntime")?.address(),
        code_type: find("PyCode_Type")?.address(),
        version: u64::from_ne_bytes(value.try_into().ok()?),
    })
}

fn code_segments<'data>(object: &object::File<'data, impl ReadRef<'data>>) -> Vec<Segment> {
    match object {
        object::File::Elf64(file) => file
            .elf_program_headers()
            .iter()
            .filter_map(|header| code_segment(header, file.endian()))
            .collect(),
        object::File::Elf32(file) => file
            .elf_program_headers()
            .iter()
            .filter_map(|header| code_segment(header, file.endian()))
            .collect(),
        _ => Vec::new(),
    }
}

fn code_segment<H: object::read::elf::ProgramHeader>(
    header: &H,
    endian: H::Endian,
) -> Option<Segment> {
    let is_code = header.p_type(endian) == elf::PT_LOAD && header.p_flags(endian) & elf::PF_X != 0;
    let start: u64 = header.p_offset(endian).into();
    let size: u64 = header.p_filesz(endian).into();
    let end = start.checked_add(size)?;
    is_code.then(|| Segment {
        file: start..end,
        address: header.p_vaddr(endian).into(),
    })
}

fn range_of<'data>(
    object: &object::File<'data, impl ReadRef<'data>>,
    name: &str,
) -> Option<Range<u64>> {
    let section = object.section_by_name(name)?;
    let start = section.address();
    Some(start..start.checked_add(section.size())?)
}

fn section<'data>(
    object: &object::File<'data, impl ReadRef<'data>>,
    name: &str,
) -> Option<Section> {
    let section = object.section_by_name(name)?;
    // Go compresses its table, and keeps frame pointers, which are as good.
    let format = section.compressed_file_range().ok()?.format;
    if format != object::CompressionFormat::None {
        return None;
    }
    // A debug file keeps the headers of the tables it does not hold: those have no bytes.
    let (_, size) = section.file_range()?;
    if size == 0 || size > MAX_SECTION_BYTES || size != section.size() {
        return None;
    }
    Some(Section {
        range: range_of(object, name)?,
        bytes: section.data().ok()?.into(),
    })
}
