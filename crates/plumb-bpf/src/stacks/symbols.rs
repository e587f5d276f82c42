//! From addresses to functions, files and lines. Slow, and therefore late: once for each distinct stack.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::Arc;

use blazesym::symbolize::source::{Elf, Source as Symbols};
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized};
use plumb_model::stack::{Frame, Hint, How, Kind, Source, Stack};
use plumb_model::{Known, Reason};
use plumb_wire::{go, perf_map};

use super::debug_file;
use super::go::GoTable;
use super::module::Module;
use super::perf_map::PerfMap;
use super::process::Origin;
use super::python::Call;
use super::runtime::Runtime;
use super::unwind::{Place, PlaceCode, Unwound};

/// Places whose frames are remembered at most; beyond, all are forgotten.
const MAX_REMEMBERED: usize = 65_536;

/// Programs whose Go tables are remembered at most; beyond, all are forgotten. One may have some 30 MB.
const MAX_GO_TABLES: usize = 16;

/// Processes whose perf maps are remembered at most; beyond, all are forgotten.
const MAX_PERF_MAPS: usize = 256;

/// Looks symbols up, and remembers what it found.
pub struct Symbolizer {
    blaze: blazesym::symbolize::Symbolizer,
    /// Frames by module and address.
    remembered: HashMap<(u64, u64), Arc<[Frame]>>,
    /// Files with the symbols of modules that have none, by module.
    debug_files: HashMap<u64, Option<File>>,
    /// What Go's own table says, by module.
    go_tables: HashMap<u64, Option<GoTable>>,
    /// Names of compiled code, by pid and start.
    perf_maps: HashMap<(u32, u64), PerfMap>,
}

impl Default for Symbolizer {
    fn default() -> Self {
        Self::new()
    }
}

impl Symbolizer {
    /// Makes one that has looked nothing up.
    pub fn new() -> Self {
        Self {
            blaze: blazesym::symbolize::Symbolizer::builder()
                .enable_auto_reload(false)
                .build(),
            remembered: HashMap::new(),
            debug_files: HashMap::new(),
            go_tables: HashMap::new(),
            perf_maps: HashMap::new(),
        }
    }

    /// Names the code of a stack.
    pub fn symbolize(&mut self, unwound: &Unwound) -> Stack {
        let mut frames = Vec::new();
        for place in &unwound.places {
            self.add(place, unwound.origin.as_deref(), &mut frames);
        }
        if !unwound.calls.is_empty() {
            frames = with_calls(frames, &unwound.calls);
        }
        Stack {
            hint: hint(unwound, &frames),
            frames,
            how: unwound.how,
            cut: unwound.cut,
        }
    }

    fn add(&mut self, place: &Place, origin: Option<&Origin>, frames: &mut Vec<Frame>) {
        match &place.code {
            PlaceCode::Module(module, address) => {
                frames.extend_from_slice(&self.of_module(module, *address, origin));
            }
            PlaceCode::Closed(path) => frames.push(Frame {
                module: Known::Known(Arc::clone(path)),
                ..nameless(Kind::Native, place.address, Reason::PermissionDenied)
            }),
            PlaceCode::Anonymous => frames.push(self.compiled(place.address, origin)),
            PlaceCode::Unmapped => {
                frames.push(nameless(Kind::Native, place.address, Reason::ProcessEnded));
            }
        }
    }

    fn of_module(
        &mut self,
        module: &Arc<Module>,
        address: u64,
        origin: Option<&Origin>,
    ) -> Arc<[Frame]> {
        let key = (module.id, address);
        if let Some(frames) = self.remembered.get(&key) {
            return Arc::clone(frames);
        }
        if self.remembered.len() >= MAX_REMEMBERED {
            self.remembered.clear();
        }
        let frames: Arc<[Frame]> = self.look_up(module, address, origin).into();
        self.remembered.insert(key, Arc::clone(&frames));
        frames
    }

    fn look_up(
        &mut self,
        module: &Arc<Module>,
        address: u64,
        origin: Option<&Origin>,
    ) -> Vec<Frame> {
        let whole = Frame {
            module: Known::Known(Arc::clone(&module.path)),
            ..nameless(Kind::Native, address, Reason::NoSymbols)
        };
        if let Some(name) = module
            .names
            .iter()
            .find(|name| name.range.contains(&address))
        {
            return vec![Frame {
                function: Known::Known(name.name.clone()),
                ..whole
            }];
        }
        let debug_file = self
            .debug_files
            .entry(module.id)
            .or_insert_with(|| debug_file::find(origin, module));
        let files = [debug_file.as_ref(), module.file.as_ref()];
        let in_file = |file: &File| {
            let symbol = symbol(&self.blaze, file, address, true)?;
            let name = whole_name(&self.blaze, file, address, &symbol.name);
            Some(frames_of(&symbol, name, &whole))
        };
        let frames = files.into_iter().flatten().find_map(in_file);
        let frames = frames.unwrap_or_default();
        let has_line = |frame: &Frame| frame.source.reason().is_none();
        if frames.first().is_some_and(has_line) {
            return frames;
        }
        // A Go program without DWARF has its lines still, and its names without symbols.
        let of_go = self.of_go(module, address, &whole);
        match (of_go.is_empty(), frames.is_empty()) {
            (false, _) => of_go,
            (true, false) => frames,
            (true, true) => vec![whole],
        }
    }

    fn of_go(&mut self, module: &Module, address: u64, whole: &Frame) -> Vec<Frame> {
        let Some(file) = &module.file else {
            return Vec::new();
        };
        let held = self.go_tables.values().flatten().count();
        if held >= MAX_GO_TABLES && !self.go_tables.contains_key(&module.id) {
            self.go_tables.clear();
        }
        let table = self.go_tables.entry(module.id);
        let table = table.or_insert_with(|| GoTable::read(file));
        let table = table.as_ref();
        table.map_or_else(Vec::new, |table| table.frames(file, address, whole))
    }

    fn compiled(&mut self, address: u64, origin: Option<&Origin>) -> Frame {
        let unnamed = nameless(Kind::Jit, address, Reason::NoSymbols);
        let Some(origin) = origin else {
            return unnamed;
        };
        let key = (origin.pid, origin.start_ticks);
        if self.perf_maps.len() >= MAX_PERF_MAPS && !self.perf_maps.contains_key(&key) {
            self.perf_maps.clear();
        }
        let map = self.perf_maps.entry(key).or_default();
        map.update(origin);
        match map.name(address) {
            Some(name) => named(&perf_map::decode_name(&name), &unnamed),
            None => unnamed,
        }
    }
}

fn symbol<'blaze>(
    blaze: &'blaze blazesym::symbolize::Symbolizer,
    file: &File,
    address: u64,
    by_dwarf: bool,
) -> Option<Sym<'blaze>> {
    // By the open file, whatever became of its name.
    let mut elf = Elf::new(PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())));
    elf.debug_syms = by_dwarf;
    let symbols = Symbols::Elf(elf);
    match blaze.symbolize_single(&symbols, Input::VirtOffset(address)) {
        Ok(Symbolized::Sym(symbol)) => Some(symbol),
        Ok(Symbolized::Unknown(_)) | Err(_) => None,
    }
}

/// Gives the name of a function with what it belongs to: DWARF has `operator()` of a lambda, where the symbol table
/// has `main::{lambda(int)#1}::operator()(int) const`.
fn whole_name(
    blaze: &blazesym::symbolize::Symbolizer,
    file: &File,
    address: u64,
    name: &str,
) -> String {
    let is_whole = |name: &str| {
        let own = name.split(['<', '(']).next();
        own.is_some_and(|own| own.contains("::"))
    };
    let by_table =
        || symbol(blaze, file, address, false).filter(|symbol| symbol.name.contains("::"));
    let found = if is_whole(name) { None } else { by_table() };
    found.map_or_else(
        || go::decode_name(name).into_owned(),
        // A copy that the compiler made for some callers is the same function.
        |symbol| {
            symbol
                .name
                .split(" [clone ")
                .next()
                .unwrap_or(name)
                .to_owned()
        },
    )
}

/// Makes the frames of one address: the innermost function that was inlined there first.
fn frames_of(symbol: &Sym<'_>, name: String, whole: &Frame) -> Vec<Frame> {
    let mut frames = vec![Frame {
        function: Known::Known(name),
        source: source(symbol.code_info.as_deref()),
        ..whole.clone()
    }];
    frames.extend(symbol.inlined.iter().map(|inlined| Frame {
        function: Known::Known(go::decode_name(&inlined.name).into_owned()),
        source: source(inlined.code_info.as_ref()),
        inlined: true,
        ..whole.clone()
    }));
    frames.reverse();
    frames
}

fn source(info: Option<&CodeInfo<'_>>) -> Known<Source> {
    let source = info.and_then(|info| {
        Some(Source {
            file: info.to_path().to_string_lossy().into_owned(),
            line: info.line.filter(|line| *line > 0)?,
        })
    });
    source.map_or(Known::Unknown(Reason::NoSymbols), Known::Known)
}

fn named(name: &perf_map::Named<'_>, unnamed: &Frame) -> Frame {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let source = match (name.file, name.line) {
        (Some(file), Some(line)) => Known::Known(Source {
            file: text(file),
            line,
        }),
        _ => Known::Unknown(Reason::NotInSource),
    };
    Frame {
        // What has a file as its module has one to be told apart by.
        module: name
            .file
            .map_or(Known::Unknown(Reason::NotInSource), |file| {
                Known::Known(file.into())
            }),
        function: Known::Known(text(name.function)),
        source,
        ..unnamed.clone()
    }
}

fn nameless(kind: Kind, address: u64, why: Reason) -> Frame {
    Frame {
        kind,
        function: Known::Unknown(why),
        source: Known::Unknown(why),
        module: Known::Unknown(Reason::NotInSource),
        module_offset: address,
        inlined: false,
    }
}

/// The C function of CPython that runs functions of a script.
const PYTHON_EVALUATES: &str = "_PyEval_EvalFrameDefault";

/// Puts the functions of a script in front of the C function that runs them.
fn with_calls(frames: Vec<Frame>, calls: &[Call]) -> Vec<Frame> {
    let mut calls = calls.iter();
    let mut whole = Vec::with_capacity(frames.len() + calls.len());
    for frame in frames {
        // Trampolines (-X perf) name the same functions once more, and no lines.
        if frame.kind == Kind::Jit {
            continue;
        }
        let evaluates = matches!(&frame.function, Known::Known(name) if name == PYTHON_EVALUATES);
        if evaluates && !frame.inlined {
            whole.extend(calls.next().into_iter().flatten().cloned());
        }
        whole.push(frame);
    }
    // An interpreter without symbols has no such place: its script is above all that is native.
    whole.extend(calls.flatten().cloned());
    whole
}

/// Says what a runtime did not show.
fn hint(unwound: &Unwound, frames: &[Frame]) -> Option<Hint> {
    let runtime = unwound
        .origin
        .as_ref()
        .map_or(Runtime::Native, |origin| origin.runtime);
    let is_named = |frame: &Frame| frame.kind == Kind::Jit && frame.function.reason().is_none();
    let is_script = |frame: &Frame| frame.kind == Kind::Interpreted || is_named(frame);
    if frames.iter().any(is_script) || unwound.how == How::AddressOnly {
        return None;
    }
    let unnamed = frames.iter().any(|frame| frame.kind == Kind::Jit);
    runtime
        .without_script()
        .or(unnamed.then_some(Hint::JitWithoutPerfMap))
}
