//! The files that hold code: opened once, shared by every process that runs them.
//!
//! A module keeps its file open, so that symbols can be looked up after the process has ended, the file was
//! replaced by a new release, or its container is gone. The file opened is the one that is mapped: its inode
//! is compared, and where the name leads elsewhere, `/proc/PID/map_files` leads to it (for who may).

use std::collections::HashMap;
use std::fs::File;
use std::hash::BuildHasherDefault;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plumb_wire::proc::maps::{self, Mapping};

use super::elf::{self, Image, Name, PythonSymbols};
use super::python::{Interpreter, InterpreterProgram};
use super::runtime::Runtime;

/// Files that are held open at most; beyond, a module is known by its path alone and its symbols may get lost
/// with it. RLIMIT_NOFILE is 1024 where nobody raised it.
const MAX_OPEN: usize = 512;

/// Bytes of the vDSO that are read at most; it has 8 to 20 KB.
const MAX_VDSO_BYTES: u64 = 1 << 20;

/// A file with code, or the page of code that the kernel maps into every process.
#[derive(Debug)]
pub(super) struct Module {
    /// Never given to another module.
    pub(super) id: u64,
    /// Its path as its process saw it.
    pub(super) path: Arc<[u8]>,
    /// Its file; none for the kernel's page, and beyond [`MAX_OPEN`].
    pub(super) file: Option<File>,
    /// What its headers say.
    pub(super) image: Image,
    /// What leads to the functions it interprets, if it is CPython.
    pub(super) python: Option<PythonSymbols>,
    /// Its functions, where there is no file to look them up in.
    pub(super) names: Vec<Name>,
}

impl Module {
    /// Gives the distance between the addresses of a mapping and those the file counts.
    ///
    /// It must come from an executable segment: the page in which one segment ends and the next begins is
    /// mapped for both, and the other one's distance is wrong by what lies between them.
    pub(super) fn bias(&self, start: u64, offset: u64) -> Option<u64> {
        let segment = self.image.code.iter().find(|segment| {
            // The loader maps whole pages, of at most 64 KB.
            let first = segment.file.start & !0xffff;
            (first..segment.file.end).contains(&offset)
        })?;
        let in_file = segment
            .address
            .wrapping_sub(segment.file.start)
            .wrapping_add(offset);
        Some(start.wrapping_sub(in_file))
    }
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    device: u64,
    inode: u64,
    changed_s: i64,
    size: u64,
}

/// All modules seen.
#[derive(Debug, Default)]
pub(super) struct Modules {
    known: HashMap<Identity, Arc<Module>, BuildHasherDefault<std::hash::DefaultHasher>>,
    vdso: Option<Arc<Module>>,
    next_id: u64,
    /// Files that are interpreters, found since somebody asked; no more than modules.
    interpreters: Vec<InterpreterProgram>,
}

impl Modules {
    /// Gives the module behind a mapping of a process; `None` if its file cannot be had or is no ELF file.
    pub(super) fn get(&mut self, pid: u32, mapping: &Mapping<'_>) -> Option<Arc<Module>> {
        if mapping.path == b"[vdso]" {
            return self.vdso();
        }
        self.of_file(mapping.path, open(pid, mapping)?)
    }

    /// Gives the module that a file is.
    pub(super) fn of_file(&mut self, path: &[u8], file: File) -> Option<Arc<Module>> {
        let meta = file.metadata().ok()?;
        let identity = Identity {
            device: meta.dev(),
            inode: meta.ino(),
            changed_s: meta.mtime(),
            size: meta.len(),
        };
        if let Some(module) = self.known.get(&identity) {
            return Some(Arc::clone(module));
        }
        let image = elf::read_image(&file).ok()?;
        let held = (self.known.len() < MAX_OPEN).then_some(file);
        let module = self.add(path, held, image, Vec::new());
        self.interpreters
            .extend(interpreter_program(&module, &identity));
        self.known.insert(identity, Arc::clone(&module));
        Some(module)
    }

    /// Gives the files that are interpreters, found since the last time.
    pub(super) fn new_interpreters(&mut self) -> Vec<InterpreterProgram> {
        std::mem::take(&mut self.interpreters)
    }

    /// Gives the kernel's page of code. It is the same in every process of this machine's own kind.
    fn vdso(&mut self) -> Option<Arc<Module>> {
        if self.vdso.is_none() {
            let bytes = read_vdso()?;
            let image = elf::decode_image(&*bytes).ok()?;
            let names = elf::decode_names(&bytes);
            self.vdso = Some(self.add(b"[vdso]", None, image, names));
        }
        self.vdso.clone()
    }

    fn add(
        &mut self,
        path: &[u8],
        file: Option<File>,
        image: Image,
        names: Vec<Name>,
    ) -> Arc<Module> {
        self.next_id += 1;
        let is_python = Runtime::of_path(path) == Some(Runtime::Python);
        let python = file
            .as_ref()
            .filter(|_| is_python)
            .and_then(elf::read_python_symbols);
        Arc::new(Module {
            id: self.next_id,
            path: path.into(),
            file,
            image,
            python,
            names,
        })
    }
}

/// Says where an interpreter is in its file.
fn interpreter_program(module: &Module, identity: &Identity) -> Option<InterpreterProgram> {
    let code = module.image.code.iter();
    let first = code.min_by_key(|segment| segment.address)?;
    Some(InterpreterProgram {
        interpreter: Interpreter::new(module.python.as_ref()?, 0)?,
        inode: identity.inode,
        size: identity.size,
        first_code: first.address,
        first_code_at: first.file.start,
    })
}

/// Opens the file that is mapped, by its name as its process sees it, or else by the mapping itself.
fn open(pid: u32, mapping: &Mapping<'_>) -> Option<File> {
    if mapping.inode == 0 || !mapping.path.starts_with(b"/") {
        return None;
    }
    let by_name = || {
        let ended = || open_regular(Path::new(std::ffi::OsStr::from_bytes(mapping.path)));
        // A process that has ended has no root folder; the inode tells whether ours has the same file.
        let file = open_regular(&in_root(pid, mapping.path)).or_else(ended)?;
        // The device of a layered file system is one in `maps` and another in `stat`: inodes have to do.
        (file.metadata().ok()?.ino() == mapping.inode).then_some(file)
    };
    let by_mapping = || {
        let range = &mapping.range;
        let link = format!("/proc/{pid}/map_files/{:x}-{:x}", range.start, range.end);
        open_regular(Path::new(&link))
    };
    // Whoever may not use that reaches the program itself, deleted or not.
    let as_program = || {
        let file = open_regular(Path::new(&format!("/proc/{pid}/exe")))?;
        (file.metadata().ok()?.ino() == mapping.inode).then_some(file)
    };
    let by_name = if mapping.deleted { None } else { by_name() };
    by_name.or_else(by_mapping).or_else(as_program)
}

/// Opens a regular file; a path that somebody else chose must not make us wait at a pipe.
pub(super) fn open_regular(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path).ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

/// Gives the path by which we reach what a process calls `path`.
fn in_root(pid: u32, path: &[u8]) -> PathBuf {
    let mut reached = PathBuf::from(format!("/proc/{pid}/root"));
    reached.push(Path::new(std::ffi::OsStr::from_bytes(
        path.strip_prefix(b"/").unwrap_or(path),
    )));
    reached
}

fn read_vdso() -> Option<Vec<u8>> {
    let own = std::fs::read("/proc/self/maps").ok()?;
    let range = maps::decode_maps(&own)
        .find(|mapping| mapping.path == b"[vdso]")?
        .range;
    let mut memory = File::open("/proc/self/mem").ok()?;
    memory.seek(SeekFrom::Start(range.start)).ok()?;
    let size = (range.end - range.start).min(MAX_VDSO_BYTES);
    let mut bytes = Vec::new();
    memory.take(size).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
