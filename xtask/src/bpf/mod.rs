//! `cargo xtask bpf`: the BPF programs of plumb-bpf, from C to the objects that are committed.
//!
//! Every `crates/plumb-bpf/probes/NAME/FILE.bpf.c` becomes `FILE.bpf.o` beside it; one that says
//! `Loader: light` in its beginning also becomes `FILE.light`, which needs no parsing to be loaded.
//! `NAME/manifest` names the compiler, and the SHA-256 of what went in and what came out. Who
//! builds plumb needs no clang, because the objects are there; who changes C runs this, and a test
//! without clang notices when somebody did not. [`compile`] runs the programs, [`light`] reads what
//! bpftool writes, [`manifest`] is the file.

mod compile;
mod light;
mod manifest;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure};
use compile::Tools;
use manifest::Manifest;

/// Rebuilds the objects, or with `--check` compares them with what is committed.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let check = arguments.switch("--check");
    arguments.end()?;
    machine::need_programs(machine::BPF)?;
    let tools = Tools::find()?;
    for folder in probes(&folder())? {
        if check {
            check_probe(&folder, &tools)?;
        } else {
            write_probe(&folder, &tools)?;
        }
    }
    Ok(())
}

/// Where the probes are.
fn folder() -> PathBuf {
    step::root().join("crates/plumb-bpf/probes")
}

/// Lists the folders that hold probes.
fn probes(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in listed(folder)? {
        if path.is_dir() && !programs(&path)?.is_empty() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Lists the programs of a probe: its `.bpf.c` files.
fn programs(probe: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = listed(probe)?;
    files.retain(|path| path.to_string_lossy().ends_with(".bpf.c"));
    Ok(files)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::check(format!("cannot read {}: {error}", path.display()))
}

/// Builds everything of a probe: names of files beside its sources, and their bytes.
fn build(probe: &Path, tools: &Tools) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut built = Vec::new();
    for source in programs(probe)? {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.trim_end_matches(".bpf.c").to_owned();
        let object = tools.compile(probe, &name)?;
        if compile::wants_light(&read(&source)?) {
            let header = tools.skeleton(&object)?;
            built.push((format!("{stem}.light"), light::decode(&header)?.encode()));
        }
        built.push((format!("{stem}.bpf.o"), object));
    }
    Ok(built)
}

fn write_probe(probe: &Path, tools: &Tools) -> Result<(), Failure> {
    let built = build(probe, tools)?;
    for (name, bytes) in &built {
        let path = probe.join(name);
        std::fs::write(&path, bytes)
            .map_err(|error| Failure::check(format!("cannot write {}: {error}", path.display())))?;
        println!("{} {} bytes", path.display(), bytes.len());
    }
    let text = Manifest::of(probe, tools.versions(), &built)?.encode();
    let path = probe.join(manifest::NAME);
    std::fs::write(&path, text)
        .map_err(|error| Failure::check(format!("cannot write {}: {error}", path.display())))
}

/// Fails where the committed files are not what the sources give. Another compiler may give other
/// bytes and is then no proof of anything: something is lacking, which is not a failed check.
fn check_probe(probe: &Path, tools: &Tools) -> Result<(), Failure> {
    let name = probe.file_name().unwrap_or_default().to_string_lossy();
    let committed = Manifest::read(probe)?;
    committed.check_files(probe)?;
    for (file, bytes) in build(probe, tools)? {
        if read(&probe.join(&file))? == bytes {
            continue;
        }
        if committed.tools != tools.versions() {
            return Err(Failure::lacking(format!(
                "{name}/{file} was built by {}, and here is {}",
                committed.tools.join(", "),
                tools.versions().join(", ")
            )));
        }
        return Err(Failure::check(format!(
            "{name}/{file} is not what its source gives; run `cargo xtask bpf` and commit it"
        )));
    }
    println!("{name}: as committed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_objects_are_those_of_the_committed_sources() {
        let probes = probes(&folder()).expect("the probes can be listed");
        assert!(!probes.is_empty());
        for probe in probes {
            let manifest = Manifest::read(&probe).expect("a probe has a manifest");
            let checked = manifest.check_files(&probe).map_err(|failure| failure.text);
            assert_eq!(checked, Ok(()), "run `cargo xtask bpf` and commit");
            for program in programs(&probe).expect("a probe can be listed") {
                let object = program.with_extension("o");
                let name = object.file_name().unwrap_or_default().to_string_lossy();
                assert!(manifest.names(&name), "{name} was never built");
            }
        }
    }
}
