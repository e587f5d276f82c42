//! Runs the body of a test in private network, mount and process namespaces, as root.
//!
//! Outside, [`run`] starts the test binary again for this one test under `unshare` and hands its
//! result on. Inside, loopback is up and [`std::env::temp_dir`] is a file system in memory; all of
//! it vanishes with the last process in there. The test is named by the type of its closure, and
//! the body proves that it ran: a test that was not found cannot pass.
//! Tests that need root live in modules named `needs_root`, so that who has no root can list them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

use crate::loopback;
use crate::temp::TempDir;

/// Says that this process is the inner one; its value is the name of the test.
const MARKER: &str = "PLUMB_SANDBOX";
/// What the inner process says after the body; the name of the test follows.
const PROOF: &str = "sandbox: the body ran to its end:";
/// A file written by either program may not be longer: a program gone wild must not eat the machine.
const FILE_LIMIT_BYTES: u64 = 512 * 1024 * 1024;
/// The same for programs that say they write much.
const LARGE_FILE_LIMIT_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Runs `body` in a sandbox with loopback up. Must be called with a closure, straight from the
/// test function: the closure's type name is where the test's name comes from.
pub fn run<F: FnOnce()>(body: F) {
    run_with(Loopback::Up, body);
}

/// As [`run`], with variables set in the environment.
pub fn run_with_environment<F: FnOnce()>(variables: &[(&str, &str)], body: F) {
    run_as(Loopback::Up, variables, body);
}

/// As [`run`], with loopback left down and without any address, as in a new network namespace.
pub fn run_with_loopback_down<F: FnOnce()>(body: F) {
    run_with(Loopback::Down, body);
}

#[derive(Clone, Copy)]
enum Loopback {
    Up,
    Down,
}

fn run_with<F: FnOnce()>(loopback: Loopback, body: F) {
    run_as(loopback, &[], body);
}

fn run_as<F: FnOnce()>(loopback: Loopback, variables: &[(&str, &str)], body: F) {
    let test = test_name(std::any::type_name::<F>());
    if std::env::var_os(MARKER).as_deref() == Some(OsStr::new(test)) {
        prepare(loopback, FILE_LIMIT_BYTES);
        body();
        println!("{PROOF} {test}");
        return;
    }
    let output = start_inside(test, variables, &["--exact", test, "--nocapture"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    print!("{stdout}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "{test} failed in its sandbox ({}); its output is above",
        output.status
    );
    assert!(
        stdout.contains(&format!("{PROOF} {test}")),
        "no test named {test} ran in the sandbox: is sandbox::run called with a closure, \
         straight from the test function?"
    );
}

/// Enters a sandbox with a whole program: outside, starts the program again with the same
/// arguments inside one and gives its exit status; inside (loopback up) gives `None`.
pub fn enter_program() -> std::io::Result<Option<ExitCode>> {
    enter(FILE_LIMIT_BYTES, Network::Own)
}

/// As [`enter_program`], for a program that writes files of gigabytes.
pub fn enter_program_that_writes_much() -> std::io::Result<Option<ExitCode>> {
    enter(LARGE_FILE_LIMIT_BYTES, Network::Own)
}

/// Whose network a sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// One of its own.
    Own,
    /// That of whoever enters it: only where the whole machine is there for it.
    Shared,
}

/// As [`enter_program`], with the network of the machine if that is wanted.
pub fn enter_program_with(network: Network) -> std::io::Result<Option<ExitCode>> {
    enter(FILE_LIMIT_BYTES, network)
}

fn enter(file_limit_bytes: u64, network: Network) -> std::io::Result<Option<ExitCode>> {
    const PROGRAM: &str = "the whole program";
    if std::env::var_os(MARKER).as_deref() == Some(OsStr::new(PROGRAM)) {
        prepare(Loopback::Up, file_limit_bytes);
        return Ok(None);
    }
    let dir = TempDir::new_and_sweep("sandbox")?;
    let mut command = unshare(PROGRAM, dir.path(), network);
    let status = command.args(std::env::args_os().skip(1)).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Some(ExitCode::from(code.unwrap_or(u8::MAX))))
}

/// Takes the path of a test out of the type name of a closure in it.
fn test_name(closure: &str) -> &str {
    let path = closure.split_once("::").map_or(closure, |(_, path)| path);
    path.strip_suffix("::{{closure}}").unwrap_or(path)
}

fn start_inside(test: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let dir = TempDir::new_and_sweep("sandbox").expect("the temporary directory is writable");
    unshare(test, dir.path(), Network::Own)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("cannot run unshare (package util-linux): {error}"))
}

/// Prepares `unshare … this program`.
fn unshare(marker: &str, dir: &Path, network: Network) -> Command {
    assert!(
        rustix::process::geteuid().is_root(),
        "needs root: this makes private network, mount and process namespaces"
    );
    let program = std::env::current_exe().expect("/proc is mounted");
    let mut command = Command::new("unshare");
    if network == Network::Own {
        command.arg("--net");
    }
    command
        .args(["--mount", "--propagation", "private"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(program)
        .env(MARKER, marker)
        // A backtrace through the harness says nothing that the message does not.
        .env("RUST_BACKTRACE", "0")
        .env("TMPDIR", dir);
    command
}

fn prepare(loopback: Loopback, file_limit_bytes: u64) {
    assert_eq!(
        std::process::id(),
        1,
        "{MARKER} is set, but this is not the first process of a new process namespace"
    );
    rustix::mount::mount(
        "tmpfs",
        std::env::temp_dir(),
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    )
    .expect("root can mount in its own mount namespace");
    leave_namespaces_outside().expect("root can unmount in its own mount namespace");
    let limit = rustix::process::Rlimit {
        current: Some(file_limit_bytes),
        maximum: Some(file_limit_bytes),
    };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit)
        .expect("a limit can be lowered");
    match loopback {
        Loopback::Up => loopback::bring_up().expect("root can bring its own loopback up"),
        Loopback::Down => {}
    }
}

/// Unmounts namespaces that are mounted outside (`ip netns`, containers): plumb would find them, and what is in them.
fn leave_namespaces_outside() -> std::io::Result<()> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    for place in mounts.lines().filter_map(namespace_mounted) {
        // Whoever made it may have unmounted it meanwhile; what counts is what is left.
        let _ = rustix::mount::unmount(place, rustix::mount::UnmountFlags::DETACH);
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    match mounts.lines().find_map(namespace_mounted) {
        Some(place) => Err(std::io::Error::other(format!("{place} stays mounted"))),
        None => Ok(()),
    }
}

/// Gives where a line of `/proc/self/mountinfo` says that a namespace is mounted (proc(5)). A place with white space in
/// its name, which is written as octal there, is none that `ip` or a container makes.
fn namespace_mounted(line: &str) -> Option<String> {
    let (mount, kind) = line.split_once(" - ")?;
    let place = mount.split(' ').nth(4)?;
    kind.starts_with("nsfs ").then(|| place.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_closure_names_its_test() {
        assert_eq!(
            test_name("differential::needs_root::routes::ipv4::{{closure}}"),
            "needs_root::routes::ipv4"
        );
        assert_eq!(test_name("binary::alone"), "alone");
    }

    mod needs_root {
        use std::net::{Ipv4Addr, TcpListener, TcpStream};

        #[test]
        fn the_sandbox_has_its_own_loopback_processes_and_files() {
            super::super::run(|| {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 1))
                    .expect("root may take port 1, and nobody else has it here");
                let port = listener.local_addr().expect("it is bound").port();
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("loopback is up");
                assert_eq!(std::process::id(), 1);
                let table = std::fs::read_to_string("/proc/net/dev").expect("/proc is ours");
                assert_eq!(table.lines().count(), 3, "lo alone:\n{table}");
                let files = std::fs::read_dir(std::env::temp_dir()).expect("it is mounted");
                assert_eq!(files.count(), 0);
            });
        }

        #[test]
        fn namespaces_that_are_mounted_outside_are_not_seen() {
            super::super::run(|| {
                let dir = std::env::temp_dir();
                for name in ["one", "two"] {
                    let place = dir.join(name);
                    std::fs::write(&place, "").expect("it is ours");
                    rustix::mount::mount_bind("/proc/self/ns/net", &place).expect("root can");
                }
                let mounted = || {
                    let mounts =
                        std::fs::read_to_string("/proc/self/mountinfo").expect("it is ours");
                    mounts
                        .lines()
                        .filter_map(super::super::namespace_mounted)
                        .count()
                };
                assert_eq!(mounted(), 2);
                super::super::leave_namespaces_outside().expect("root can");
                assert_eq!(mounted(), 0);
            });
        }

        #[test]
        fn loopback_can_stay_down() {
            super::super::run_with_loopback_down(|| {
                TcpStream::connect((Ipv4Addr::LOCALHOST, 1)).expect_err("there is no address");
                let routes = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
                assert_eq!(routes, "");
            });
        }

        #[test]
        #[should_panic(expected = "failed in its sandbox")]
        fn a_failure_inside_is_a_failure_outside() {
            super::super::run(|| {
                panic!("on purpose");
            });
        }
    }
}
