//! clang, llvm-strip and bpftool: which they are, and how they are called.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine;
use crate::step::{self, Failure};

/// What a program says in its first comment lines when it is to be loaded without parsing.
const LIGHT: &str = "Loader: light";

/// The programs, and what they say they are.
pub(super) struct Tools {
    clang: PathBuf,
    strip: PathBuf,
    bpftool: PathBuf,
    versions: Vec<String>,
}

impl Tools {
    /// Finds the programs and asks them.
    pub(super) fn find() -> Result<Self, Failure> {
        let clang = need("clang-19")?;
        let strip = need("llvm-strip-19")?;
        let bpftool = need("bpftool")?;
        let mut versions = Vec::new();
        for (program, name) in [(&clang, "clang"), (&bpftool, "bpftool")] {
            // Some say their own path when asked.
            let said = step::output(Command::new(program).arg0(name).arg("--version"))?;
            let said = String::from_utf8_lossy(&said);
            versions.push(said.lines().next().unwrap_or_default().trim().to_owned());
        }
        Ok(Self {
            clang,
            strip,
            bpftool,
            versions,
        })
    }

    /// The compiler and bpftool, by their first words on themselves.
    pub(super) fn versions(&self) -> &[String] {
        &self.versions
    }

    /// Compiles one program; no path of this machine is in the object.
    pub(super) fn compile(&self, probe: &Path, source: &str) -> Result<Vec<u8>, Failure> {
        let object = scratch("object.bpf.o")?;
        let mut clang = Command::new(&self.clang);
        clang.current_dir(probe);
        clang.args(["-target", "bpf", "-mcpu=v3", "-O2", "-g", "-std=gnu11"]);
        clang.args(["-Wall", "-Wextra", "-Werror"]);
        clang.arg("-fdebug-compilation-dir=.");
        clang.arg(format!("-ffile-prefix-map={}=.", probe.display()));
        step::output(clang.args(["-c", source, "-o"]).arg(&object))?;
        step::output(Command::new(&self.strip).arg("-g").arg(&object))?;
        super::read(&object)
    }

    /// Lets bpftool write the header from which [`super::light`] takes what it needs.
    pub(super) fn skeleton(&self, object: &[u8]) -> Result<String, Failure> {
        let path = scratch("skeleton.o")?;
        std::fs::write(&path, object)
            .map_err(|error| Failure::check(format!("cannot write {}: {error}", path.display())))?;
        let mut bpftool = Command::new(&self.bpftool);
        let header = step::output(bpftool.args(["gen", "skeleton", "-L"]).arg(&path))?;
        Ok(String::from_utf8_lossy(&header).into_owned())
    }
}

/// Says whether a source asks for the light loader.
pub(super) fn wants_light(source: &[u8]) -> bool {
    let text = String::from_utf8_lossy(source);
    text.lines().take(5).any(|line| line.contains(LIGHT))
}

fn need(program: &str) -> Result<PathBuf, Failure> {
    machine::find(program)
        .ok_or_else(|| Failure::lacking(format!("this machine has no program {program}")))
}

/// A file for a moment. Its name becomes the name of the skeleton, so it is always the same.
fn scratch(name: &str) -> Result<PathBuf, Failure> {
    let folder = step::target_folder()?.join("bpf");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::check(format!("cannot make {}: {error}", folder.display())))?;
    Ok(folder.join(name))
}
