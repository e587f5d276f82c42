//! The kernels of the matrix: where each comes from, what is cached, and how it is unpacked.
//!
//! A kernel is Debian's `linux-image-…-cloud-amd64` as it is, below `target/vm/RELEASE`: the package, or those it is split
//! into, and `root/` with what is in them, modules uncompressed (the guest has nothing that could do it).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt;
use super::modules::Modules;
use crate::step::{self, Failure};

/// A kernel of the matrix.
pub(crate) struct Release {
    /// Its first two numbers, as one asks for it.
    pub name: &'static str,
    /// Which suites of Debian have it, the most recently mended first.
    pub suites: &'static [&'static str],
}

/// All of them.
pub(crate) const RELEASES: &[Release] = &[
    Release {
        name: "5.10",
        suites: &["bullseye-security", "bullseye"],
    },
    Release {
        name: "6.1",
        suites: &["bookworm-security", "bookworm"],
    },
    Release {
        name: "6.12",
        suites: &["bookworm-backports", "trixie-security", "trixie"],
    },
    Release {
        name: "7.2",
        suites: &["forky", "sid"],
    },
];

/// An unpacked kernel.
pub(crate) struct Kernel {
    /// The image to boot.
    pub image: PathBuf,
    /// Its modules.
    pub modules: Modules,
}

impl Release {
    /// Finds the one called `name`.
    pub(crate) fn find(name: &str) -> Result<&'static Self, Failure> {
        let found = RELEASES.iter().find(|release| release.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = RELEASES.iter().map(|release| release.name).collect();
            Failure::usage(format!(
                "there is no kernel {name} in the matrix; there are {}",
                names.join(", ")
            ))
        })
    }

    /// Gives the folder it is cached in.
    pub(crate) fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(self.name)
    }

    /// Gives the kernel, after downloading and unpacking what is not there.
    pub(crate) fn kernel(&self, cache: &Path) -> Result<Kernel, Failure> {
        let folder = self.folder(cache);
        let root = folder.join("root");
        if !root.exists() {
            std::fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
            if packages(&folder).is_empty() {
                eprintln!("==> fetching kernel {}", self.name);
                apt::download(self.name, self.suites, &folder)?;
            }
            let packages = packages(&folder);
            if packages.is_empty() {
                let silent = "apt-get downloaded no package and said nothing";
                return Err(Failure::check(silent));
            }
            unpack(&packages, &root)?;
        }
        let release = only_entry(&root.join("lib/modules"))?;
        let version = release.file_name().unwrap_or_default().to_string_lossy();
        let images = [
            root.join(format!("boot/vmlinuz-{version}")),
            release.join("vmlinuz"),
        ];
        let image = images.into_iter().find(|image| image.exists());
        let missing = || Failure::check(format!("no image is in {}", root.display()));
        Ok(Kernel {
            image: image.ok_or_else(missing)?,
            modules: Modules::read(&release)?,
        })
    }
}

/// Finds the kernel packages in a folder, in the order of their names.
pub(crate) fn packages(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut packages: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect();
    packages.sort();
    packages
}

/// Unpacks packages, completely or not at all.
fn unpack(packages: &[PathBuf], root: &Path) -> Result<(), Failure> {
    let partial = root.with_extension("partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(|error| cannot("remove", &partial, &error))?;
    }
    for package in packages {
        let mut extract = Command::new("dpkg-deb");
        step::step(extract.arg("--extract").arg(package).arg(&partial))?;
    }
    // Where modules are changed from one Debian to the next, for the package and for depmod.
    let (old, new) = (partial.join("lib"), partial.join("usr/lib"));
    let linked = if old.exists() {
        std::fs::create_dir_all(&new)
            .and_then(|()| std::os::unix::fs::symlink("../../lib/modules", new.join("modules")))
    } else {
        std::os::unix::fs::symlink("usr/lib", &old)
    };
    linked.map_err(|error| cannot("link", &old, &error))?;
    let modules = only_entry(&partial.join("lib/modules"))?;
    let mut compressed = Vec::new();
    find_compressed(&modules, &mut compressed)?;
    if !compressed.is_empty() {
        eprintln!("==> xz --decompress ({} modules)", compressed.len());
        let mut xz = Command::new("xz");
        step::output(xz.args(["--decompress", "--quiet", "--"]).args(compressed))?;
    }
    let mut depmod =
        Command::new(crate::machine::find("depmod").unwrap_or_else(|| "depmod".into()));
    depmod.arg("-b").arg(&partial);
    step::step(depmod.arg(modules.file_name().unwrap_or_default()))?;
    std::fs::rename(&partial, root).map_err(|error| cannot("rename", &partial, &error))
}

/// Finds the modules that are compressed.
fn find_compressed(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| cannot("read", folder, &error))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find_compressed(&path, found)?;
        } else if path.extension().is_some_and(|end| end == "xz") {
            found.push(path);
        }
    }
    Ok(())
}

fn only_entry(folder: &Path) -> Result<PathBuf, Failure> {
    let mut entries = std::fs::read_dir(folder).map_err(|error| cannot("read", folder, &error))?;
    match entries.next() {
        Some(Ok(entry)) => Ok(entry.path()),
        _ => Err(Failure::check(format!("{} is empty", folder.display()))),
    }
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::check(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_outside_the_matrix_is_refused_with_those_inside() {
        assert!(Release::find("6.1").is_ok());
        let text = Release::find("2.4").err().map(|failure| failure.text);
        let text = text.unwrap_or_default();
        assert_eq!(
            text,
            "there is no kernel 2.4 in the matrix; there are 5.10, 6.1, 6.12, 7.2"
        );
    }
}
