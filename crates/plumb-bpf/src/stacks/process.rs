//! One process: where its code lies, read when it is first seen and again when an address is unknown.

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use framehop::{ExplicitModuleSectionInfo, Unwinder as _, UnwinderNative};
use plumb_model::stack::Cut;
use plumb_wire::proc::maps::{self, Mapping};
use plumb_wire::proc::process_stat;

use super::elf::Tables;
use super::module::{Module, Modules};
use super::python::{Codes, Interpreter};
use super::runtime::Runtime;

/// The unwinder of one process, on tables that its modules share.
pub(super) type Tablewise = UnwinderNative<Arc<[u8]>, framehop::MayAllocateDuringUnwind>;

/// Ranges of code that are kept at most of one process.
const MAX_REGIONS: usize = 16_384;

/// What is known of a process.
pub(super) struct Process {
    pub(super) origin: Arc<Origin>,
    /// Where its code lies, by address.
    regions: Vec<Region>,
    pub(super) tablewise: Tablewise,
    /// Its interpreter, if it is CPython of a known release.
    pub(super) python: Option<Interpreter>,
    /// What that interpreter was seen to run.
    pub(super) codes: Codes,
    /// Its program file, to notice that it began another one.
    program: Option<(u64, u64)>,
}

/// What outlives a process and is needed to name its code.
#[derive(Debug)]
pub(super) struct Origin {
    /// As the host counts.
    pub(super) pid: u32,
    /// As it counts itself, which is how it names its perf map.
    pub(super) own_pid: u32,
    /// Clock ticks since boot when it began; 0 if not known.
    pub(super) start_ticks: u64,
    /// Its root folder.
    pub(super) root: Option<OwnedFd>,
    /// What we call that folder; empty where it is the root of what we see.
    pub(super) root_path: Vec<u8>,
    /// Its user, who alone may say what its code is called.
    pub(super) uid: u32,
    /// What compiles or interprets in it.
    pub(super) runtime: Runtime,
}

/// A range of addresses with code.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) range: Range<u64>,
    pub(super) code: Code,
}

/// Whose code it is.
#[derive(Debug, Clone)]
pub(super) enum Code {
    /// A file's, at this distance from the addresses the file counts.
    Module(Arc<Module>, u64),
    /// Of a file that could not be opened, by its path.
    Closed(Arc<[u8]>),
    /// Made while running.
    Anonymous,
}

impl Process {
    /// Reads the maps of a process and opens its modules. One that has ended has no maps any more: then what was
    /// noted of them has to do.
    pub(super) fn read(pid: u32, noted: Option<&[u8]>, modules: &mut Modules) -> Result<Self, Cut> {
        let read = std::fs::read(format!("/proc/{pid}/maps")).map_err(|error| why(&error));
        let maps = match (read, noted) {
            (Ok(maps), _) if !maps.is_empty() => maps,
            (_, Some(noted)) => noted.to_vec(),
            (Ok(_), None) => return Err(Cut::ProcessEnded),
            (Err(cut), None) => return Err(cut),
        };
        let mut process = Self {
            origin: Arc::new(Origin::read(pid, Runtime::of(&maps))),
            regions: Vec::new(),
            tablewise: Tablewise::new(),
            python: None,
            codes: Codes::default(),
            program: program_of(pid),
        };
        process.place(pid, &maps, modules);
        Ok(process)
    }

    /// Reads the maps again; what was known stays if the process has ended.
    pub(super) fn refresh(&mut self, noted: Option<&[u8]>, modules: &mut Modules) {
        if let Ok(mut process) = Self::read(self.origin.pid, noted, modules)
            && (process.origin.start_ticks == self.origin.start_ticks
                || process.origin.start_ticks == 0)
        {
            process.keep_from(self);
            *self = process;
        }
    }

    /// Takes over what was seen of the same interpreter.
    pub(super) fn keep_from(&mut self, before: &mut Self) {
        self.python = self.python.or(before.python);
        if self.python == before.python {
            self.codes = std::mem::take(&mut before.codes);
        }
    }

    /// Says whether the process began another program since it was read (`execve`).
    pub(super) fn is_another_program(&self) -> bool {
        let now = program_of(self.origin.pid);
        now.is_some() && now != self.program
    }

    /// Says what lies at an address.
    pub(super) fn region(&self, address: u64) -> Option<&Region> {
        let behind = self
            .regions
            .partition_point(|region| region.range.start <= address);
        let region = self.regions.get(behind.checked_sub(1)?)?;
        region.range.contains(&address).then_some(region)
    }

    /// Counts the modules that the unwinder was given.
    pub(super) fn module_count(&self) -> usize {
        self.regions.len()
    }

    fn place(&mut self, pid: u32, maps: &[u8], modules: &mut Modules) {
        let executable = maps::decode_maps(maps).filter(|mapping| mapping.executable);
        for mapping in executable.take(MAX_REGIONS) {
            let code = code_of(pid, &mapping, modules);
            if let Code::Module(module, bias) = &code {
                self.add_tables(module, *bias, &mapping.range);
                let symbols = module.python.as_ref();
                let python = symbols.and_then(|symbols| Interpreter::new(symbols, *bias));
                self.python = self.python.or(python);
            }
            self.regions.push(Region {
                range: mapping.range,
                code,
            });
        }
        self.regions.sort_by_key(|region| region.range.start);
    }

    fn add_tables(&mut self, module: &Module, bias: u64, range: &Range<u64>) {
        // The unwinder counts addresses inside a module in 32 bits, from a base that lies below them all.
        let start = range.start.wrapping_sub(bias);
        let base = if start >> 31 == 0 {
            0
        } else {
            start & !0xfff_ffff
        };
        let sections = sections(&module.image.tables, base);
        let name = String::from_utf8_lossy(&module.path).into_owned();
        let base = base.wrapping_add(bias);
        let module = framehop::Module::new(name, range.clone(), base, sections);
        self.tablewise.add_module(module);
    }
}

impl Origin {
    fn read(pid: u32, runtime: Runtime) -> Self {
        let root = rustix::fs::open(
            format!("/proc/{pid}/root"),
            rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        );
        let root_path = std::fs::read_link(format!("/proc/{pid}/root")).unwrap_or_default();
        let root_path = root_path.as_os_str().as_bytes();
        let status = std::fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
        let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        let stat = process_stat::decode_stat(&stat);
        Self {
            pid,
            own_pid: process_stat::decode_own_pid(&status).unwrap_or(pid),
            start_ticks: stat.map_or(0, |stat| stat.start_ticks),
            root: root.ok(),
            root_path: root_path.strip_suffix(b"/").unwrap_or(root_path).to_vec(),
            // Without it no map is trusted but root's.
            uid: process_stat::decode_effective_uid(&status).unwrap_or(0),
            runtime,
        }
    }
}

fn code_of(pid: u32, mapping: &Mapping<'_>, modules: &mut Modules) -> Code {
    if let Some(module) = modules.get(pid, mapping)
        && let Some(bias) = module.bias(mapping.range.start, mapping.offset)
    {
        return Code::Module(module, bias);
    }
    // What a runtime compiles may lie in memory with a name: `/memfd:jit`, `[anon:v8]`, `/dev/shm/…`.
    if mapping.path.starts_with(b"/") && !mapping.path.starts_with(b"/memfd:") {
        return Code::Closed(mapping.path.into());
    }
    Code::Anonymous
}

fn sections(tables: &Tables, base_svma: u64) -> ExplicitModuleSectionInfo<Arc<[u8]>> {
    let range = |section: &Option<super::elf::Section>| {
        section.as_ref().map(|section| section.range.clone())
    };
    let bytes = |section: &Option<super::elf::Section>| {
        section.as_ref().map(|section| Arc::clone(&section.bytes))
    };
    ExplicitModuleSectionInfo {
        base_svma,
        text_svma: tables.text.clone(),
        got_svma: tables.got.clone(),
        eh_frame_svma: range(&tables.eh_frame),
        eh_frame: bytes(&tables.eh_frame),
        eh_frame_hdr_svma: range(&tables.eh_frame_hdr),
        eh_frame_hdr: bytes(&tables.eh_frame_hdr),
        debug_frame: bytes(&tables.debug_frame),
        ..ExplicitModuleSectionInfo::default()
    }
}

fn why(error: &io::Error) -> Cut {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Cut::PermissionDenied,
        _ => Cut::ProcessEnded,
    }
}

fn program_of(pid: u32) -> Option<(u64, u64)> {
    let meta = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((meta.dev(), meta.ino()))
}
