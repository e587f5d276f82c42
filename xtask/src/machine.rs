//! What the tests need beside a Rust toolchain: installed where that is possible, named otherwise.
//!
//! A table of programs with the Debian package that holds each, and a table of cargo commands. A
//! program is looked for on the PATH and in the sbin folders, where a user's PATH often ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::step::{self, Failure};

/// A program and the Debian package it comes in.
type Program = (&'static str, &'static str);

/// What the tests run: the original to compare with, what makes namespaces and plays users without
/// privileges or with some, strace, which proves that `-n` asks nobody for names, a C compiler for the
/// library that gives the original answers of sock_diag, what pipelines of the tutorials end in,
/// groff, which reads the manual pages, and shells that complete plumb's words.
pub(crate) const TESTS: &[Program] = &[
    ("netstat", "net-tools"),
    ("ip", "iproute2"),
    ("ss", "iproute2"),
    ("nstat", "iproute2"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("setcap", "libcap2-bin"),
    ("setsid", "util-linux"),
    ("mount", "mount"),
    ("strace", "strace"),
    ("cc", "gcc"),
    ("c++", "g++"),
    ("objcopy", "binutils"),
    ("jq", "jq"),
    ("nft", "nftables"),
    ("traceroute", "traceroute"),
    ("logger", "bsdutils"),
    ("groff", "groff-base"),
    ("zsh", "zsh"),
    ("fish", "fish"),
];

/// What `cargo xtask lab` runs.
pub(crate) const LAB: &[Program] = &[
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nft", "nftables"),
    ("unshare", "util-linux"),
];

/// What `cargo xtask bench` runs.
pub(crate) const BENCH: &[Program] = &[
    ("netstat", "net-tools"),
    ("ss", "iproute2"),
    ("lsof", "lsof"),
    ("unshare", "util-linux"),
];

/// The peers of `cargo xtask bench-trace`.
pub(crate) const BENCH_TRACE: &[Program] = &[
    ("strace", "strace"),
    ("perf", "linux-perf"),
    ("bpftrace", "bpftrace"),
];

/// What `cargo xtask bpf` runs. Other versions give other bytes, so the compiler's is in its name.
pub(crate) const BPF: &[Program] = &[
    ("clang-19", "clang-19"),
    ("llvm-strip-19", "llvm-19"),
    ("bpftool", "bpftool"),
];

/// What `cargo xtask vm` runs, here and in its guests.
pub(crate) const VM: &[Program] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("dash", "dash"),
    ("depmod", "kmod"),
    ("xz", "xz-utils"),
    ("netstat", "net-tools"),
    ("ss", "iproute2"),
    ("setpriv", "util-linux"),
];

/// Makes sure that every program is there, by apt-get where we may.
pub(crate) fn need_programs(programs: &[Program]) -> Result<(), Failure> {
    let mut packages: Vec<&str> = Vec::new();
    for (program, package) in programs {
        if find(program).is_none() && !packages.contains(package) {
            packages.push(package);
        }
    }
    if packages.is_empty() {
        return Ok(());
    }
    if !is_root() || find("apt-get").is_none() {
        return Err(Failure::lacking(format!(
            "this machine lacks {0}; install them, on Debian or Ubuntu by\n    sudo apt-get install -y {0}",
            packages.join(" ")
        )));
    }
    step::step(Command::new("apt-get").args(["update", "-q"]))?;
    step::step(
        Command::new("apt-get")
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// A cargo command: its name, and the features it is built with.
type CargoCommand = (&'static str, &'static [&'static str]);

/// The test runner, without the part that would update itself.
pub(crate) const NEXTEST: CargoCommand = (
    "nextest",
    &["--no-default-features", "--features", "default-no-update"],
);

/// The check of licences and sources.
pub(crate) const DENY: CargoCommand = ("deny", &[]);

/// libFuzzer for cargo.
pub(crate) const FUZZ: CargoCommand = ("fuzz", &[]);

/// Makes sure that a cargo command is there: built into `target/tools` where it is not, so that
/// nobody's own tools change, and unoptimised, because building it takes longer than it ever runs.
pub(crate) fn need_cargo_command((name, features): CargoCommand) -> Result<(), Failure> {
    if answers(step::cargo().args([name, "--version"])) {
        return Ok(());
    }
    let package = format!("cargo-{name}");
    let mut install = step::cargo();
    install.args(["install", "--quiet", "--locked", &package]);
    install.args(features).arg("--root").arg(step::tools());
    for (variable, value) in [
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
        ("CARGO_PROFILE_RELEASE_LTO", "off"),
        ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ] {
        install.env(variable, value);
    }
    step::step(&mut install).map_err(|failure| {
        Failure::lacking(format!(
            "{}\n{package} is needed and could not be built here (no network, or a toolchain it is \
             too new for); install it by\n    cargo install --locked {package}",
            failure.text
        ))
    })
}

/// Makes sure that the toolchain has rustfmt and clippy.
pub(crate) fn need_components() -> Result<(), Failure> {
    let mut lacking = vec!["fmt", "clippy"];
    lacking.retain(|name| !answers(step::cargo().args([name, "--version"])));
    if lacking.is_empty() {
        return Ok(());
    }
    let components = lacking
        .iter()
        .map(|name| if *name == "fmt" { "rustfmt" } else { name });
    let mut add = Command::new("rustup");
    add.args(["component", "add"]).args(components);
    add.current_dir(step::root());
    if find("rustup").is_some() && step::step(&mut add).is_ok() {
        return Ok(());
    }
    Err(Failure::lacking(format!(
        "the Rust toolchain lacks {}; add them, with rustup by\n    {}",
        lacking.join(" and "),
        step::typed(&add)
    )))
}

/// Says whether we run as root: only then can tests make namespaces and read every process.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Looks a program up.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Says whether a command runs and ends well, quietly.
fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
