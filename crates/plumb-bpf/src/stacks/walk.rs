//! From registers and a copy of the stack to addresses: who called whom.
//!
//! Each step goes by the unwind tables of the module it is in, or by the frame pointer where there are none.
//! Where a step leads must be code, or it is not believed: without that rule a register that holds something
//! else than a frame pointer makes frames nobody called.

use std::sync::Arc;

use framehop::{CacheNative, FrameAddress, UnwindRegsNative, Unwinder as _};
use plumb_model::stack::{Cut, How};

use super::elf::Tables;
use super::process::{Code, Process};
use super::raw::RawStack;
use super::runtime::Runtime;
use super::unwind::{Place, PlaceCode, Unwound};

/// Frames that are followed at most.
const MAX_FRAMES: usize = 512;

/// How far from a frame pointer a frame's words are looked for.
const NEAR_UNKNOWN: u64 = 1 << 31;

/// The cache of rules for steps.
pub(super) type Cache = CacheNative<framehop::MayAllocateDuringUnwind>;

/// A stack that was followed, and whether it led out of all that was mapped.
pub(super) struct Walked {
    pub(super) unwound: Unwound,
    pub(super) left_the_map: bool,
}

/// Follows a stack of a process.
pub(super) fn follow(process: &Process, raw: &RawStack<'_>, cache: &mut Cache) -> Walked {
    if raw.bytes.is_empty() {
        return by_kernel(process, raw);
    }
    Walk::new(process, raw).run(cache)
}

/// One stack being followed.
struct Walk<'a> {
    process: &'a Process,
    raw: &'a RawStack<'a>,
    registers: UnwindRegsNative,
    places: Vec<Place>,
    by_tables: bool,
    by_pointers: bool,
}

/// What the walk does next.
enum Step {
    To(FrameAddress),
    End,
    Cut(Cut),
}

impl<'a> Walk<'a> {
    fn new(process: &'a Process, raw: &'a RawStack<'a>) -> Self {
        Self {
            process,
            raw,
            registers: registers(raw),
            places: Vec::new(),
            by_tables: false,
            by_pointers: false,
        }
    }

    fn run(mut self, cache: &mut Cache) -> Walked {
        let mut at = FrameAddress::from_instruction_pointer(self.raw.ip);
        let mut left_the_map = false;
        let cut = loop {
            // The first address stands behind the instruction that entered the kernel, as a return address
            // stands behind its call: the byte before belongs to the line that is wanted.
            let address = at.address().saturating_sub(1);
            let Some(place) = place(self.process, address) else {
                left_the_map = true;
                break Some(if self.by_pointers {
                    Cut::NoUnwindInfo
                } else {
                    Cut::Inconsistent
                });
            };
            let code = place.code.clone();
            self.places.push(place);
            if self.places.len() >= MAX_FRAMES {
                break Some(Cut::TooDeep);
            }
            match self.step(at, &code, cache) {
                Step::To(next) => at = next,
                Step::End => break None,
                Step::Cut(cut) => break Some(cut),
            }
        };
        let how = match (self.by_tables, self.by_pointers) {
            (true, true) => How::Mixed,
            (false, true) => How::FramePointers,
            (true, false) => How::Tables,
            (false, false) => How::AddressOnly,
        };
        let origin = Some(Arc::clone(&self.process.origin));
        let unwound = Unwound {
            places: self.places,
            calls: Vec::new(),
            origin,
            how,
            cut,
        };
        Walked {
            unwound,
            left_the_map,
        }
    }

    fn step(&mut self, at: FrameAddress, code: &PlaceCode, cache: &mut Cache) -> Step {
        let tables = match code {
            PlaceCode::Module(module, address) => Some((&module.image.tables, *address)),
            _ => None,
        };
        let has_tables = tables.is_some_and(|(tables, _)| tables.any());
        if matches!(code, PlaceCode::Anonymous)
            && self.process.origin.runtime == Runtime::Python
            && let Some(caller) = self.python_trampoline()
        {
            self.by_pointers = true;
            return Step::To(caller);
        }
        let mut unreadable = None;
        let raw = self.raw;
        let by_pointer = frame_pointer(&self.registers).wrapping_add(16);
        let mut read =
            |address: u64| read_word(raw, address).ok_or_else(|| unreadable = Some(address));
        let next = self
            .process
            .tablewise
            .unwind_frame(at, &mut self.registers, cache, &mut read);
        match next {
            Ok(Some(caller)) => {
                // Where the frame pointer leads there, too, it may have been all there was to go by.
                let by_tables = tables.is_some_and(|(tables, address)| {
                    tables.any() && (self.registers.sp() != by_pointer || tables.cover(address))
                });
                self.by_tables |= by_tables;
                self.by_pointers |= !by_tables;
                FrameAddress::from_return_address(caller).map_or(Step::End, Step::To)
            }
            Ok(None) => Step::End,
            // A frame pointer of nothing is the outermost one, where there is no table to go by.
            Err(_) if self.registers_end(tables) => Step::End,
            Err(_) => Step::Cut(self.why(unreadable, has_tables)),
        }
    }

    fn registers_end(&self, tables: Option<(&Tables, u64)>) -> bool {
        let covered = tables.is_some_and(|(tables, address)| tables.cover(address));
        frame_pointer(&self.registers) == 0 && !covered
    }

    /// Says why a step failed.
    fn why(&self, unreadable: Option<u64>, has_tables: bool) -> Cut {
        let end = self.raw.sp.saturating_add(self.raw.bytes.len() as u64);
        match unreadable {
            Some(address) if address.abs_diff(RawStack::UNKNOWN) < NEAR_UNKNOWN => {
                Cut::RegisterUnknown
            }
            Some(address) if address.saturating_add(8) > end && has_tables => Cut::CopyEnded,
            _ if has_tables => Cut::Inconsistent,
            _ => Cut::NoUnwindInfo,
        }
    }

    /// Steps over a trampoline of `python -X perf`, which has no tables: below its return address lies one
    /// word, of padding (Python 3.12) or the caller's frame pointer (3.13 and newer).
    #[cfg(target_arch = "x86_64")]
    fn python_trampoline(&mut self) -> Option<FrameAddress> {
        let sp = self.registers.sp();
        let caller = read_word(self.raw, sp.checked_add(8)?)?;
        let place = place(self.process, caller.checked_sub(1)?)?;
        let PlaceCode::Module(module, _) = place.code else {
            return None;
        };
        // Only the interpreter calls trampolines.
        if Runtime::of_path(&module.path) != Some(Runtime::Python) {
            return None;
        }
        if self.registers.bp() == sp {
            self.registers.set_bp(read_word(self.raw, sp)?);
        }
        self.registers.set_sp(sp.checked_add(16)?);
        self.registers.set_ip(caller);
        FrameAddress::from_return_address(caller)
    }

    /// The trampolines of other machines keep frame pointers.
    #[cfg(not(target_arch = "x86_64"))]
    fn python_trampoline(&mut self) -> Option<FrameAddress> {
        None
    }
}

#[cfg(target_arch = "x86_64")]
fn registers(raw: &RawStack<'_>) -> UnwindRegsNative {
    UnwindRegsNative::new(raw.ip, raw.sp, raw.bp)
}

#[cfg(target_arch = "x86_64")]
fn frame_pointer(registers: &UnwindRegsNative) -> u64 {
    registers.bp()
}

#[cfg(target_arch = "aarch64")]
fn frame_pointer(registers: &UnwindRegsNative) -> u64 {
    registers.fp()
}

#[cfg(target_arch = "aarch64")]
fn registers(raw: &RawStack<'_>) -> UnwindRegsNative {
    UnwindRegsNative::new(raw.lr, raw.sp, raw.bp)
}

/// Reads a word of the copy, and of nothing else.
fn read_word(raw: &RawStack<'_>, address: u64) -> Option<u64> {
    let at = usize::try_from(address.checked_sub(raw.sp)?).ok()?;
    let word = raw.bytes.get(at..at.checked_add(8)?)?;
    word.try_into().ok().map(u64::from_ne_bytes)
}

fn place(process: &Process, address: u64) -> Option<Place> {
    let code = match &process.region(address)?.code {
        Code::Module(module, bias) => {
            PlaceCode::Module(Arc::clone(module), address.wrapping_sub(*bias))
        }
        Code::Closed(path) => PlaceCode::Closed(Arc::clone(path)),
        Code::Anonymous => PlaceCode::Anonymous,
    };
    Some(Place { address, code })
}

/// Takes what the kernel found by frame pointers, up to the first address that is no code.
fn by_kernel(process: &Process, raw: &RawStack<'_>) -> Walked {
    let callers = raw.kernel_fp.iter().copied();
    // The kernel's list begins with the instruction pointer itself.
    let callers = callers.skip(usize::from(raw.kernel_fp.first() == Some(&raw.ip)));
    let addresses = std::iter::once(raw.ip).chain(callers);
    let places: Vec<Place> = addresses
        .take(MAX_FRAMES)
        .map_while(|address| place(process, address.saturating_sub(1)))
        .collect();
    let how = if places.len() > 1 {
        How::FramePointers
    } else {
        How::AddressOnly
    };
    let left_the_map = places.is_empty();
    let unwound = Unwound {
        places,
        calls: Vec::new(),
        origin: Some(Arc::clone(&process.origin)),
        how,
        cut: Some(Cut::NotCaptured),
    };
    Walked {
        unwound,
        left_the_map,
    }
}
