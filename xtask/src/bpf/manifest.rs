//! `probes/NAME/manifest`: what a probe was built from and by, and what came of it.
//!
//! Lines of words: `by TOOL…`, `source FILE SHA-256`, `built FILE SHA-256`; sorted, so that equal
//! builds give equal bytes. Sources are the probe's own files and the headers all probes share.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{listed, read};
use crate::step::Failure;

/// The file's name.
pub(super) const NAME: &str = "manifest";

/// A manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The compiler and bpftool, as they call themselves.
    pub tools: Vec<String>,
    sources: Vec<(String, String)>,
    built: Vec<(String, String)>,
}

impl Manifest {
    /// Describes a build.
    pub(super) fn of(
        probe: &Path,
        tools: &[String],
        built: &[(String, Vec<u8>)],
    ) -> Result<Self, Failure> {
        let mut built: Vec<_> = built
            .iter()
            .map(|(name, bytes)| (name.clone(), sha256(bytes)))
            .collect();
        built.sort();
        Ok(Self {
            tools: tools.to_vec(),
            sources: sources(probe)?,
            built,
        })
    }

    /// Reads the manifest of a probe.
    pub(super) fn read(probe: &Path) -> Result<Self, Failure> {
        let path = probe.join(NAME);
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        decode(&text)
            .ok_or_else(|| Failure::check(format!("{} is no manifest of a probe", path.display())))
    }

    /// Gives the text of the file.
    pub(super) fn encode(&self) -> String {
        let mut text = String::from("# Written by `cargo xtask bpf`.\n");
        let tools = self.tools.iter().map(|tool| format!("by {tool}\n"));
        let sources = self.sources.iter();
        let sources = sources.map(|(name, sum)| format!("source {name} {sum}\n"));
        let built = self.built.iter();
        let built = built.map(|(name, sum)| format!("built {name} {sum}\n"));
        text.extend(tools.chain(sources).chain(built));
        text
    }

    /// Says whether something was built under this name.
    #[cfg(test)]
    pub(super) fn names(&self, file: &str) -> bool {
        self.built.iter().any(|(name, _)| name == file)
    }

    /// Fails where a source changed since, or a built file is not the one that was built.
    pub(super) fn check_files(&self, probe: &Path) -> Result<(), Failure> {
        let name = probe.file_name().unwrap_or_default().to_string_lossy();
        if self.sources != sources(probe)? {
            return Err(Failure::check(format!(
                "probe {name}: its sources changed since it was built; run `cargo xtask bpf`"
            )));
        }
        for (file, sum) in &self.built {
            if *sum != sha256(&read(&probe.join(file))?) {
                return Err(Failure::check(format!(
                    "{name}/{file} is not the file that was built; run `cargo xtask bpf`"
                )));
            }
        }
        Ok(())
    }
}

fn decode(text: &str) -> Option<Manifest> {
    let mut manifest = Manifest::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(' ')? {
            ("by", tool) => manifest.tools.push(tool.to_owned()),
            ("source", rest) => manifest.sources.push(pair(rest)?),
            ("built", rest) => manifest.built.push(pair(rest)?),
            _ => return None,
        }
    }
    Some(manifest)
}

fn pair(rest: &str) -> Option<(String, String)> {
    let (name, sum) = rest.split_once(' ')?;
    Some((name.to_owned(), sum.to_owned()))
}

/// Lists what a probe is made of: its C files and headers, and the shared headers above it.
fn sources(probe: &Path) -> Result<Vec<(String, String)>, Failure> {
    let above = probe.parent().unwrap_or(probe);
    let mut sources = Vec::new();
    for (folder, prefix) in [(above, "../"), (probe, "")] {
        for path in listed(folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if [".c", ".h"].iter().any(|end| name.ends_with(end)) {
                sources.push((format!("{prefix}{name}"), sha256(&read(&path)?)));
            }
        }
    }
    Ok(sources)
}

fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_survives_its_file() {
        let manifest = Manifest {
            tools: vec!["clang version 19.1.7 (3)".into(), "bpftool v7".into()],
            sources: vec![("../bpf.h".into(), "00".into())],
            built: vec![("a.bpf.o".into(), "ff".into())],
        };
        assert_eq!(decode(&manifest.encode()), Some(manifest));
        assert_eq!(decode("what is this"), None);
        assert_eq!(decode("source lonely"), None);
    }

    #[test]
    fn the_sum_is_the_one_sha256sum_prints() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
