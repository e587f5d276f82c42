//! The first file system of a guest: programs of this machine with their libraries, modules, the job.
//!
//! Programs are copied as they are, with the libraries `ldd` names and the few files they read, at
//! the same paths. A static build would have to be built apart, would not be what the tests of this
//! machine run, and with glibc still loads libraries for names.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cpio::Archive;
use super::guest;
use super::kernel::Kernel;
use crate::machine;
use crate::step::{self, Failure};

/// Programs of this machine that every guest has.
const PROGRAMS: &[&str] = &[
    "ss", "nstat", "netstat", "ip", "tc", "unshare", "nsenter", "setpriv",
];
/// Files of this machine that those programs read, where they exist.
const FILES: &[&str] = &["/etc/services", "/etc/protocols", "/etc/iproute2"];
/// Files of the guest alone: names come from files only, nothing is asked over a network.
const OWN_FILES: &[(&str, &str)] = &[
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    ),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    (
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    ),
];
/// Where programs of ours go.
const OURS: &str = "usr/local/bin";

/// What goes into a guest.
pub(crate) struct Contents<'a> {
    /// The kernel, for its modules.
    pub kernel: &'a Kernel,
    /// Modules to load before the command runs.
    pub modules: &'a [String],
    /// Programs of ours.
    pub ours: &'a [PathBuf],
    /// Other files and programs of this machine, at their own paths.
    pub with: &'a [PathBuf],
    /// The command, for a shell.
    pub command: &'a [u8],
}

/// Puts a file system together.
pub(crate) fn build(contents: &Contents) -> Result<Vec<u8>, Failure> {
    let mut archive = Archive::default();
    for folder in ["proc", "sys", "dev", "run", "tmp", "root"] {
        archive.folder(folder)?;
    }
    // What the kernel calls when it wants a module.
    archive.link("sbin/modprobe", "/bin/busybox")?;
    archive.file("init", 0o755, guest::INIT.as_bytes())?;
    archive.file("job/command", 0o644, contents.command)?;
    let mut names = contents.modules.join("\n");
    names.push('\n');
    archive.file("job/modules", 0o644, names.trim_start().as_bytes())?;
    for (name, text) in OWN_FILES {
        archive.file(name, 0o644, text.as_bytes())?;
    }
    for file in FILES {
        add_tree(&mut archive, Path::new(file))?;
    }
    let busybox = need("busybox")?;
    add_program(&mut archive, &busybox, "bin/busybox")?;
    // Busybox's shell would run its own netstat instead of the one on the PATH.
    add_program(&mut archive, &need("dash")?, "bin/sh")?;
    for program in PROGRAMS {
        let path = need(program)?;
        add_program(&mut archive, &path, &path.to_string_lossy())?;
    }
    for path in contents.ours {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        add_program(&mut archive, path, &format!("{OURS}/{name}"))?;
    }
    for path in contents.with {
        add_tree(&mut archive, path)?;
    }
    add_modules(&mut archive, contents)?;
    archive.finish()
}

fn need(program: &str) -> Result<PathBuf, Failure> {
    machine::find(program)
        .ok_or_else(|| Failure::lacking(format!("this machine has no program {program}")))
}

/// Adds a file, or all files of a folder, at the same path; programs with their libraries.
fn add_tree(archive: &mut Archive, path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| cannot_read(path, &error))?;
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        return paths.iter().try_for_each(|path| add_tree(archive, path));
    }
    if !path.exists() {
        return Ok(());
    }
    add_program(archive, path, &path.to_string_lossy())
}

/// Adds a file under a name, and the libraries it needs.
fn add_program(archive: &mut Archive, path: &Path, name: &str) -> Result<(), Failure> {
    if archive.has(name) {
        return Ok(());
    }
    let content = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
    let meta = path.metadata().map_err(|error| cannot_read(path, &error))?;
    archive.file(name, meta.permissions().mode() & 0o7777, &content)?;
    if !content.starts_with(b"\x7fELF") {
        return Ok(());
    }
    for library in libraries(path)? {
        add_program(archive, Path::new(&library), &library)?;
    }
    Ok(())
}

/// Asks `ldd` which libraries a program loads; a static one none.
fn libraries(program: &Path) -> Result<Vec<String>, Failure> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .map_err(|error| Failure::lacking(format!("cannot start ldd: {error}")))?;
    Ok(parse_ldd(&String::from_utf8_lossy(&output.stdout)))
}

/// Finds the paths in lines as `libc.so.6 => /lib/libc.so.6 (0x…)` and `/lib64/ld.so (0x…)`.
fn parse_ldd(text: &str) -> Vec<String> {
    let paths = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.find(|word| word.starts_with('/'))
    });
    paths.map(str::to_owned).collect()
}

fn add_modules(archive: &mut Archive, contents: &Contents) -> Result<(), Failure> {
    let modules = &contents.kernel.modules;
    let from = modules.folder();
    let release = from.file_name().unwrap_or_default().to_string_lossy();
    let to = format!("lib/modules/{release}");
    let tables = [
        "modules.dep",
        "modules.alias",
        "modules.softdep",
        "modules.builtin",
    ];
    let chosen = modules.choose(contents.modules)?;
    for file in tables.into_iter().chain(chosen) {
        let path = from.join(file);
        let content = std::fs::read(&path).map_err(|error| cannot_read(&path, &error))?;
        archive.file(&format!("{to}/{file}"), 0o644, &content)?;
    }
    Ok(())
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    Failure::check(format!("cannot read {}: {error}", path.display()))
}

/// Builds plumb and the programs of its tests, and says where they are.
pub(crate) fn build_ours() -> Result<Vec<PathBuf>, Failure> {
    let mut build = step::cargo();
    build.args([
        "build",
        "--quiet",
        "-p",
        "plumb",
        "-p",
        "plumb-testkit",
        "--bins",
    ]);
    // Unannounced: standard error is to be that of the command in the guest.
    step::output(&mut build)?;
    let folder = step::target_folder()?.join("debug");
    let names = ["plumb", "plumb-farm", "plumb-sockets"];
    Ok(names.map(|name| folder.join(name)).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_the_paths_ldd_names() {
        // ldd (Debian GLIBC 2.36) of /usr/bin/ss, shortened; the last line is that of a static one.
        let text = "\tlinux-vdso.so.1 (0x00007ffc5b5f2000)\n\
                    \tlibelf.so.1 => /lib/x86_64-linux-gnu/libelf.so.1 (0x00007f0fa1ac5000)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f0fa1c1c000)\n\
                    \tlibgone.so => not found\n\
                    \tnot a dynamic executable\n";
        assert_eq!(
            parse_ldd(text),
            [
                "/lib/x86_64-linux-gnu/libelf.so.1",
                "/lib64/ld-linux-x86-64.so.2"
            ]
        );
    }
}
