//! Loads a light skeleton: a BPF program that makes maps and loads other programs, without parsing.
//!
//! The file (`FILE.light`, written by `cargo xtask bpf`) is four little-endian words (the number of
//! programs, the lengths of what follows), the names of the maps, data, instructions. Loading is three
//! calls of `bpf(2)`: an array with the data, the loader itself, one run of it. The kernel then
//! applies the relocations, so no types of the kernel are read by us.
//!
//! Minimum kernel version: 5.17 (the kernel applies CO-RE relocations; programs of type syscall are
//! older). Below it [`crate::load`] takes the object instead.

use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::Errno;

use crate::sys;

/// `struct bpf_loader_ctx`: size, flags, level, length and address of the log.
const HEAD: usize = 24;
/// `struct bpf_map_desc`: descriptor, number of entries, address of a first value.
const MAP: usize = 16;
/// `struct bpf_prog_desc`: descriptor.
const PROGRAM: usize = 4;
/// Room for the verifier's words.
const LOG_BYTES: usize = 1 << 16;

/// What a skeleton made.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Its maps, by their names.
    pub maps: Vec<(String, OwnedFd)>,
    /// Its programs, in the order of the C source.
    pub programs: Vec<OwnedFd>,
}

/// Why a skeleton did not load.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {doing}: {error}{}", verifier.as_ref().map_or(String::new(), |line| format!(": {line}")))]
pub(crate) struct NotLoaded {
    /// What was being done.
    pub doing: &'static str,
    /// The kernel's answer.
    pub error: Errno,
    /// The last line of the verifier, where it said something.
    pub verifier: Option<String>,
}

/// A skeleton as it stands in its file.
struct Skeleton<'a> {
    programs: usize,
    maps: Vec<&'a str>,
    data: &'a [u8],
    instructions: &'a [u8],
}

/// Loads a skeleton; where that fails, once more with the verifier's words.
pub(crate) fn load(file: &[u8]) -> Result<Loaded, NotLoaded> {
    load_logged(file, &mut []).or_else(|_| load_logged(file, &mut vec![0; LOG_BYTES]))
}

fn load_logged(file: &[u8], log: &mut [u8]) -> Result<Loaded, NotLoaded> {
    let failed = |doing| {
        move |error| NotLoaded {
            doing,
            error,
            verifier: None,
        }
    };
    let skeleton = decode_skeleton(file).ok_or(Errno::NOEXEC);
    let skeleton = skeleton.map_err(failed("read the skeleton"))?;
    let data = sys::array_of(skeleton.data).map_err(failed("make a map"))?;
    let loader = sys::load_syscall_program(skeleton.instructions, data.as_fd())
        .map_err(failed("load the loader, a program of type syscall"))?;
    let mut context = context(&skeleton, log);
    #[expect(unsafe_code, reason = "the loader is given the address of the log")]
    // SAFETY: the only address in the context is that of `log`, with its length beside it.
    let result = unsafe { sys::run_syscall_program(loader.as_fd(), &mut context) };
    match result.map_err(failed("run the loader"))? {
        0.. => Ok(take(&skeleton, &context)),
        result => Err(NotLoaded {
            doing: "load the program",
            error: Errno::from_raw_os_error(result.saturating_neg()),
            verifier: last_line(log),
        }),
    }
}

fn decode_skeleton(file: &[u8]) -> Option<Skeleton<'_>> {
    let mut rest = file;
    let mut word = || {
        let (word, behind) = rest.split_first_chunk::<4>()?;
        rest = behind;
        usize::try_from(u32::from_le_bytes(*word)).ok()
    };
    let (programs, names, data, instructions) = (word()?, word()?, word()?, word()?);
    let (names, rest) = rest.split_at_checked(names)?;
    let names = std::str::from_utf8(names).ok()?;
    let (data, behind) = rest.split_at_checked(data)?;
    (behind.len() == instructions).then_some(Skeleton {
        programs,
        maps: names.split_terminator('\0').collect(),
        data,
        instructions: behind,
    })
}

/// Writes the context: everything is zero but its size and the log.
fn context(skeleton: &Skeleton<'_>, log: &mut [u8]) -> Vec<u8> {
    let len = HEAD + skeleton.maps.len() * MAP + skeleton.programs * PROGRAM;
    let mut context = vec![0; len];
    let word = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_ne_bytes();
    context[0..4].copy_from_slice(&word(len));
    if !log.is_empty() {
        context[8..12].copy_from_slice(&word(1));
        context[12..16].copy_from_slice(&word(log.len()));
        let address = log.as_mut_ptr().expose_provenance() as u64;
        context[16..24].copy_from_slice(&address.to_ne_bytes());
    }
    context
}

/// Takes the descriptors the loader left in its context.
fn take(skeleton: &Skeleton<'_>, context: &[u8]) -> Loaded {
    let fd = |at: usize| {
        let bytes = context.get(at..)?.first_chunk::<4>()?;
        #[expect(unsafe_code, reason = "ownership of a number")]
        // SAFETY: the loader ended well, so it opened this descriptor for us, and each place in the
        // context is taken once.
        unsafe {
            sys::take_fd(i32::from_ne_bytes(*bytes))
        }
    };
    let programs = HEAD + skeleton.maps.len() * MAP;
    let maps = skeleton.maps.iter().enumerate();
    Loaded {
        maps: maps
            .filter_map(|(index, &name)| Some((name.to_owned(), fd(HEAD + index * MAP)?)))
            .collect(),
        programs: (0..skeleton.programs)
            .filter_map(|index| fd(programs + index * PROGRAM))
            .collect(),
    }
}

/// Finds what the verifier said last before it counted its work.
pub(crate) fn last_line(log: &[u8]) -> Option<String> {
    let len = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
    let text = String::from_utf8_lossy(log.get(..len)?);
    let mut lines = text.lines().rev().map(str::trim);
    let line = lines.find(|line| {
        !line.is_empty()
            && ![
                "processed ",
                "verification time",
                "stack depth",
                "max_states",
            ]
            .iter()
            .any(|count| line.starts_with(count))
    });
    line.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifiers_last_word_is_not_its_statistics() {
        let log = b"0: (b7) r0 = 0\nR1 invalid mem access 'scalar'\nprocessed 7 insns\n\0\0";
        assert_eq!(
            last_line(log).as_deref(),
            Some("R1 invalid mem access 'scalar'")
        );
        assert_eq!(last_line(&[0; 8]), None);
    }

    #[test]
    fn a_skeleton_that_is_cut_off_is_refused() {
        let mut file: Vec<u8> = [1_u32, 0, 2, 8]
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect();
        file.extend([0; 10]);
        assert!(decode_skeleton(&file).is_some());
        for len in 0..file.len() {
            assert!(decode_skeleton(&file[..len]).is_none());
        }
    }
}
