//! From a program's bytes to its descriptors: by its light skeleton, else by aya.
//!
//! The skeleton loads in a few milliseconds, but only where the kernel applies relocations itself
//! (5.17). aya reads the kernel's types in this process, which takes tens of milliseconds and works
//! on every kernel that has any. What both refuse is a reason with the verifier's last line.

use std::os::fd::{AsFd as _, OwnedFd};

use aya::programs::{Iter, ProgramError};
use aya::{Btf, EbpfLoader};
use rustix::io::Errno;

use crate::light::{self, NotLoaded};
use crate::unavailable::Unavailable;
use crate::{privilege, sys};

/// An iterator program as it is built.
#[derive(Debug)]
pub(crate) struct Program {
    /// Folder and file below `probes/`.
    pub name: &'static str,
    /// The object, aligned as aya wants it; `None` for a program that aya cannot load, because it calls
    /// functions of the kernel.
    pub object: Option<&'static [u8]>,
    /// Its light skeleton.
    pub light: &'static [u8],
    /// What it iterates over: `task`, `task_file`, `unix`.
    pub iterator: &'static str,
    /// The name of its function.
    pub function: &'static str,
    /// The names of the maps that are used from here.
    pub maps: &'static [&'static str],
}

/// A program in the kernel.
#[derive(Debug)]
pub(crate) struct Loaded {
    program: OwnedFd,
    /// Its maps, in the order of [`Program::maps`].
    pub maps: Vec<OwnedFd>,
}

impl Loaded {
    /// Opens the iterator: reading the file runs the program.
    pub(crate) fn open_iterator(&self) -> Result<OwnedFd, Unavailable> {
        let link = self.link_iterator()?;
        sys::open_iterator(link.as_fd())
            .map_err(|error| Unavailable::new(format!("cannot open the iterator: {error}")))
    }

    /// Links the iterator, to be opened or pinned.
    pub(crate) fn link_iterator(&self) -> Result<OwnedFd, Unavailable> {
        sys::link_iterator(self.program.as_fd())
            .map_err(|error| Unavailable::new(format!("cannot make the iterator: {error}")))
    }
}

/// Loads a program.
pub(crate) fn load(program: &Program) -> Result<Loaded, Unavailable> {
    privilege::check()?;
    let not_loaded = match load_light(program) {
        Ok(loaded) => return Ok(loaded),
        Err(not_loaded) => not_loaded,
    };
    match program.object {
        Some(object) => {
            load_object(program, object).map_err(|why| refused(program, &not_loaded, Some(&why)))
        }
        None => Err(refused(program, &not_loaded, None)),
    }
}

/// Loads the first of these that this kernel takes; the reason is that of the last.
pub(crate) fn load_first(programs: &[&Program]) -> Result<Loaded, Unavailable> {
    let mut refused = Unavailable::new("there is no such program");
    for program in programs {
        match load(program) {
            Ok(loaded) => return Ok(loaded),
            Err(unavailable) => refused = unavailable,
        }
    }
    Err(refused)
}

/// Loads a program by its skeleton.
pub(crate) fn load_light(program: &Program) -> Result<Loaded, NotLoaded> {
    let odd = || NotLoaded {
        doing: "take what the loader made",
        error: Errno::BADF,
        verifier: None,
    };
    let mut loaded = light::load(program.light)?;
    let mut maps = Vec::new();
    for &wanted in program.maps {
        let at = loaded.maps.iter().position(|(name, _)| name == wanted);
        maps.push(loaded.maps.swap_remove(at.ok_or_else(odd)?).1);
    }
    let program = loaded.programs.into_iter().next().ok_or_else(odd)?;
    Ok(Loaded { program, maps })
}

/// Loads a program by its object; the reason is in words.
fn load_object(program: &Program, object: &[u8]) -> Result<Loaded, String> {
    let types = Btf::from_sys_fs().map_err(|error| chain(&error))?;
    let mut object = EbpfLoader::new()
        .btf(Some(&types))
        .load(object)
        .map_err(|error| chain(&error))?;
    let mut maps = Vec::new();
    for &name in program.maps {
        let map = object.map(name).ok_or_else(|| format!("no map {name}"))?;
        let aya::maps::Map::Array(map) = map else {
            return Err(format!("map {name} is no array"));
        };
        let fd = map.fd().as_fd().try_clone_to_owned();
        maps.push(fd.map_err(|error| error.to_string())?);
    }
    let iterator: &mut Iter = object
        .program_mut(program.function)
        .ok_or_else(|| format!("no program {}", program.function))?
        .try_into()
        .map_err(|error: ProgramError| chain(&error))?;
    iterator
        .load(program.iterator, &types)
        .map_err(|error| said_last(&error))?;
    let fd = iterator.fd().map_err(|error| chain(&error))?;
    let fd = fd.as_fd().try_clone_to_owned();
    Ok(Loaded {
        program: fd.map_err(|error| error.to_string())?,
        maps,
    })
}

/// The verifier's last line where there is one, else the error.
fn said_last(error: &ProgramError) -> String {
    if let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    {
        let log = verifier_log.to_string();
        return match light::last_line(log.as_bytes()) {
            Some(line) => format!("{io_error}: {line}"),
            None => io_error.to_string(),
        };
    }
    chain(error)
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let words: Vec<String> = causes.map(ToString::to_string).collect();
    words.join(": ")
}

fn refused(program: &Program, light: &NotLoaded, object: Option<&str>) -> Unavailable {
    let light = light.to_string();
    let why = match object {
        Some(object) => format!("{object} (by the light loader: {light})"),
        None => light,
    };
    Unavailable::new(format!(
        "the kernel refused the program {}: {why}",
        program.name
    ))
}
