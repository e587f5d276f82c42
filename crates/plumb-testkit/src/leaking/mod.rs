//! Programs that leak sockets, in many languages, each in a function whose name is known.
//!
//! All take `connect|accept PORT COUNT`: they open COUNT connections to PORT of loopback, or take COUNT of them
//! there ("listening" says that they may come), keep them, say "ready", and end with their standard input. The
//! sources are part of this crate and are built where a test asks for them; a language this machine has no
//! compiler for is [`Lacking`], with what it lacks.

mod programs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use programs::PROGRAMS;

/// What a program is built from and how.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// What it is: the language, and how it was built.
    pub name: &'static str,
    /// Name and text of its source.
    source: (&'static str, &'static str),
    /// Commands that build it; `{}` is the folder it is built in.
    build: &'static [&'static [&'static str]],
    /// The command that runs it, before its own arguments; `{}` as above.
    run: &'static [&'static str],
    /// Where the programs of `run` lie if they are not on the PATH: patterns of folders, the first that exists.
    folders: &'static [&'static str],
    /// The function that opens connections, and the function that takes them.
    pub functions: Functions,
    /// Which of them its stacks can name.
    pub shows: Shows,
}

/// The functions that leak, as their language names them.
#[derive(Debug, Clone, Copy)]
pub struct Functions {
    /// Opens connections.
    pub connect: &'static str,
    /// Takes connections.
    pub accept: &'static str,
}

/// Which leaking functions the stacks of a program can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Both, wherever they are.
    Both,
    /// The one that connects, from the second time on.
    WhatConnects,
    /// None: the program is stripped, or its runtime hides them.
    Neither,
}

/// Why a program cannot be had here: what this machine lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking(pub String);

impl Program {
    /// Makes it one whose stacks show less.
    const fn showing(self, shows: Shows) -> Self {
        Self { shows, ..self }
    }

    /// Builds the program in a folder of its own, and gives the command that runs it.
    pub fn build(&self, folder: &Path) -> Result<Command, Lacking> {
        for words in self.build.iter().copied().chain([self.run]) {
            self.look_for(words)?;
        }
        let (name, text) = self.source;
        std::fs::write(folder.join(name), text).map_err(|error| Lacking(error.to_string()))?;
        for words in self.build {
            let output = self
                .command(words, folder)
                .stdin(Stdio::null())
                .output()
                .map_err(|error| Lacking(format!("{}: {error}", words.join(" "))))?;
            if !output.status.success() {
                let why = String::from_utf8_lossy(&output.stderr).into_owned();
                panic!("{} does not build: {}\n{why}", self.name, words.join(" "));
            }
        }
        Ok(self.command(self.run, folder))
    }

    fn look_for(&self, words: &[&str]) -> Result<(), Lacking> {
        let found = words
            .first()
            .is_none_or(|word| word.starts_with("{}") || self.find(word).is_some());
        let lacking = || Lacking(format!("no {} here", words.first().unwrap_or(&"")));
        found.then_some(()).ok_or_else(lacking)
    }

    fn command(&self, words: &[&str], folder: &Path) -> Command {
        let folder = folder.to_string_lossy();
        let mut words = words.iter().map(|word| word.replace("{}", &folder));
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(self.find(&program).unwrap_or(program.into()));
        // Some write logs where they are.
        command
            .args(words.map(OsString::from))
            .current_dir(&*folder);
        command
    }

    /// Finds a program on the PATH, or in one of the folders.
    fn find(&self, program: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let home = std::env::var("HOME").unwrap_or_default();
        let folders = self
            .folders
            .iter()
            .map(|folder| PathBuf::from(folder.replace('~', &home)));
        folders
            .chain(std::env::split_paths(&path))
            .map(|folder| folder.join(program))
            .find(|file| file.is_file())
    }
}
