//! `cargo xtask vm`: a command under another kernel, in a machine made of software.
//!
//! Boots a stock Debian kernel under qemu with the programs of this machine, runs the command there,
//! and gives its output and its exit status as its own. Nothing is installed or kept outside
//! `target/vm`. [`kernel`] gets kernels (by [`apt`]), [`modules`] chooses from them, [`image`] packs
//! what the guest sees (by [`cpio`]), [`qemu`] runs it, [`guest`] is what both sides agree on, and
//! [`smoke`] runs the tests that depend on the kernel (its guests side by side, [`labelled`]).

mod apt;
mod cpio;
mod guest;
mod image;
mod kernel;
mod labelled;
mod modules;
mod qemu;
mod smoke;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure};

/// The kernel that is taken when none is named: the one of Debian 12.
const DEFAULT_KERNEL: &str = "6.1";
/// Memory of a guest: enough for its files twice and for a farm of sockets.
const DEFAULT_MEMORY_MIB: u32 = 768;
/// The limit in time: boots take seconds, and some machines are busy.
const DEFAULT_TIMEOUT_S: u64 = 600;
/// The limit for commands that take long on purpose.
const LONG_TIMEOUT_S: u64 = 3600;

/// Runs a command in a guest, or lists the kernels.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    if arguments.switch("--list") {
        arguments.end()?;
        return list();
    }
    if given.first().is_some_and(|word| word == "smoke") {
        arguments.word();
        let kernels = arguments.values("--kernel")?;
        arguments.end()?;
        return smoke::run(&kernels, smoke::Depth::Whole);
    }
    let options = Options::take(&mut arguments)?;
    let words = std::mem::take(&mut arguments.behind_dashes);
    arguments.end()?;
    if words.is_empty() {
        return Err(Failure::usage("no command; it stands behind --"));
    }
    let command = guest::command_line(&words);
    let status = options.run(&command, &mut io::stdout(), &mut io::stderr())?;
    match status {
        0 => Ok(()),
        status => Err(Failure::silent(status)),
    }
}

/// Runs the tests that depend on the kernel under the usual kernels.
pub(crate) fn smoke() -> Result<(), Failure> {
    smoke::run(&[], smoke::Depth::Brief)
}

/// Gets everything that comes from elsewhere; what is lacking is a [`Failure::lacking`].
pub(crate) fn prepare(kernels: &[&str]) -> Result<(), Failure> {
    need_machine()?;
    let cache = cache()?;
    for name in kernels {
        let release = kernel::Release::find(name)?;
        release.kernel(&cache).map_err(Failure::into_lacking)?;
    }
    Ok(())
}

/// Runs a command of shell in a guest with these files, and gives what it wrote; it must end well.
pub(crate) fn output(kernel: &str, with: Vec<PathBuf>, command: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut options = Options::new(kernel::Release::find(kernel)?);
    options.with = with;
    options.timeout = Duration::from_secs(LONG_TIMEOUT_S);
    let mut stdout = Vec::new();
    match options.run(command, &mut stdout, &mut io::stderr())? {
        0 => Ok(stdout),
        status => Err(Failure::check(format!(
            "the command in the guest ended with status {status}"
        ))),
    }
}

/// A guest as it was asked for.
struct Options {
    kernel: &'static kernel::Release,
    modules: Vec<String>,
    with: Vec<PathBuf>,
    memory_mib: u32,
    timeout: Duration,
}

impl Options {
    fn new(kernel: &'static kernel::Release) -> Self {
        Self {
            kernel,
            modules: Vec::new(),
            with: Vec::new(),
            memory_mib: DEFAULT_MEMORY_MIB,
            timeout: Duration::from_secs(DEFAULT_TIMEOUT_S),
        }
    }

    fn take(arguments: &mut Arguments) -> Result<Self, Failure> {
        let kernel: String = arguments.value("--kernel", DEFAULT_KERNEL.to_owned())?;
        let with: Vec<String> = arguments.values("--with")?;
        Ok(Self {
            kernel: kernel::Release::find(&kernel)?,
            modules: arguments.values("--module")?,
            with: with
                .iter()
                .map(|path| find(path))
                .collect::<Result<_, _>>()?,
            memory_mib: arguments.value("--memory", DEFAULT_MEMORY_MIB)?,
            timeout: Duration::from_secs(arguments.value("--timeout", DEFAULT_TIMEOUT_S)?),
        })
    }

    fn run(
        &self,
        command: &[u8],
        stdout: &mut dyn io::Write,
        stderr: &mut dyn io::Write,
    ) -> Result<u8, Failure> {
        need_machine()?;
        let cache = cache()?;
        let kernel = self.kernel.kernel(&cache)?;
        let files = image::build(&image::Contents {
            kernel: &kernel,
            modules: &self.modules,
            ours: &image::build_ours()?,
            with: &self.with,
            command,
        })?;
        let guest = qemu::Guest {
            name: self.kernel.name,
            image: &kernel.image,
            files: &files,
            memory_mib: self.memory_mib,
            timeout: self.timeout,
        };
        qemu::run(&guest, &cache, stdout, stderr)
    }
}

/// Gives the file of `--with`: a path, or the name of a program.
fn find(word: &str) -> Result<PathBuf, Failure> {
    let found = if word.contains('/') {
        std::fs::canonicalize(word).ok()
    } else {
        machine::find(word)
    };
    found.ok_or_else(|| Failure::usage(format!("--with {word}: there is no such file or program")))
}

/// Makes sure that guests can be run here: their kernels are for the processors of PCs, and their
/// programs are those of this machine.
fn need_machine() -> Result<(), Failure> {
    if std::env::consts::ARCH != "x86_64" {
        return Err(Failure::lacking(format!(
            "guests are x86_64 with the programs of this machine, which is {}",
            std::env::consts::ARCH
        )));
    }
    machine::need_programs(machine::VM)
}

/// Everything of the matrix that is kept.
fn cache() -> Result<PathBuf, Failure> {
    Ok(step::target_folder()?.join("vm"))
}

fn list() -> Result<(), Failure> {
    let cache = cache()?;
    println!("kernels, in {}:", cache.display());
    for release in kernel::RELEASES {
        let packages = kernel::packages(&release.folder(&cache));
        let name = packages.first().and_then(|path| path.file_name());
        println!(
            "{:6} {}",
            release.name,
            name.map_or("not fetched yet".into(), |name| name.to_string_lossy())
        );
    }
    Ok(())
}
