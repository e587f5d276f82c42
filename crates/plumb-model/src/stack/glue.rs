//! Which frames are not what a developer is looking for: wrappers of system calls, the inner working of
//! languages' libraries, the interpreter below a script.
//!
//! Tables, because that is knowledge about other people's code and has no rule. A frame that is wrongly called
//! glue is skipped only if another one is left.

use super::{Frame, Kind};
use crate::known::Known;

/// Modules that are never the culprit: the C and C++ libraries, the loader, the kernel's page.
const SYSTEM_MODULES: &[&str] = &[
    "[vdso]",
    "ld-linux",
    "ld-musl",
    "libc-",
    "libc.",
    "libcrypto.",
    "libgcc_s.",
    "libpthread",
    "libssl.",
    "libstdc++.",
];

/// Modules of interpreters and virtual machines: glue where frames of the script are known.
const RUNTIME_MODULES: &[&str] = &[
    "_socket.",
    "_ssl.",
    "java",
    "libjava.",
    "libjvm.",
    "libnet.",
    "libnio.",
    "libnode.",
    "libpython",
    "node",
    "nodejs",
    "python",
];

/// Functions of the C library where it is part of the program, and of other libraries linked in.
const WRAPPERS: &[&str] = &[
    "__GI_",
    "__connect",
    "__libc_",
    "__socket",
    "__syscall",
    "accept",
    "accept4",
    "bind",
    "connect",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmsg",
    "send",
    "sendmsg",
    "sendto",
    "socket",
    "syscall",
    "write",
    "writev",
];

/// How names of the languages' own libraries begin.
const LIBRARIES: &[&str] = &[
    // Rust, and the crates between a program and its sockets
    "std::",
    "<std::",
    "core::",
    "<core::",
    "alloc::",
    "<alloc::",
    "<&std::",
    "<&mut std::",
    "libc::",
    "mio::",
    "<mio::",
    "nix::",
    "rustix::",
    "socket2::",
    "<socket2::",
    "tokio::",
    "<tokio::",
    // Go
    "bufio.",
    "crypto/tls.",
    "internal/",
    "net.",
    "net/http.",
    "os.",
    "runtime.",
    "runtime/",
    "syscall.",
    // Java
    "java.",
    "jdk.",
    "sun.",
    "Interpreter",
    "StubRoutines",
];

/// Crates between a program and its sockets, as their folders are called: of a function that the compiler put
/// into another one, the name is told without its crate.
const LIBRARY_CRATES: &[&str] = &["libc-", "mio-", "nix-", "rustix-", "socket2-", "tokio-"];

/// Where the libraries of interpreters lie; what a user installed beside them is not among it.
const LIBRARY_FILES: &[&str] = &["node:", "internal/", "<frozen "];

/// Gives the first frame that is not glue; the first of all where everything is.
pub(super) fn first_of_interest(frames: &[Frame]) -> Option<&Frame> {
    let has_script = frames.iter().any(is_script);
    frames
        .iter()
        .filter(|frame| !has_script || !is_below_script(frame))
        .find(|frame| !is_glue(frame))
        .or_else(|| frames.iter().find(|frame| is_script(frame)))
        .or_else(|| {
            frames
                .iter()
                .find(|frame| !in_modules(frame, SYSTEM_MODULES))
        })
        .or_else(|| frames.first())
}

/// A frame of the script itself: of an interpreter, or compiled and named.
fn is_script(frame: &Frame) -> bool {
    match frame.kind {
        Kind::Interpreted => true,
        Kind::Jit => frame.function.reason().is_none(),
        Kind::Native | Kind::Kernel => false,
    }
}

/// What the script's frames stand for: the machine code of its runtime, and what it compiled unnamed.
fn is_below_script(frame: &Frame) -> bool {
    match frame.kind {
        Kind::Jit => frame.function.reason().is_some(),
        Kind::Native => in_modules(frame, RUNTIME_MODULES),
        Kind::Interpreted | Kind::Kernel => false,
    }
}

pub(super) fn is_glue(frame: &Frame) -> bool {
    frame.kind == Kind::Kernel
        || in_modules(frame, SYSTEM_MODULES)
        || in_library_file(frame)
        || in_library_crate(frame)
        || match &frame.function {
            Known::Known(name) => is_library_function(frame.kind, name),
            // A JIT's code that nobody named says nothing to anybody.
            Known::Unknown(_) => frame.kind == Kind::Jit,
        }
}

fn in_modules(frame: &Frame, modules: &[&str]) -> bool {
    let name = frame.module_name().unwrap_or_default();
    modules.iter().any(|known| {
        name.strip_prefix(known.as_bytes()).is_some_and(|rest| {
            // `java` is the launcher, `javelin` a program; `python3.11` is a release.
            known.ends_with(['.', '-', ']'])
                || rest.iter().all(|byte| !byte.is_ascii_alphabetic())
                || known.starts_with("lib")
                || known.starts_with("ld-")
        })
    })
}

fn is_library_function(kind: Kind, name: &str) -> bool {
    let wrapper = kind == Kind::Native
        && WRAPPERS
            .iter()
            .any(|known| name == *known || (known.starts_with("__") && name.starts_with(known)));
    let name = without_type(name);
    wrapper || LIBRARIES.iter().any(|known| name.starts_with(known)) || is_std_impl(name)
}

/// `void std::__invoke_impl<void>(…)`: C++ tells of templates what they return, in front.
fn without_type(name: &str) -> &str {
    let own = name.find(['<', '(']).unwrap_or(name.len());
    let space = name.get(..own).and_then(|own| own.rfind(' '));
    space.and_then(|at| name.get(at + 1..)).unwrap_or(name)
}

/// `<T as std::io::Read>::read` is the library's only where `T` is: `<std::…` is in the table.
fn is_std_impl(name: &str) -> bool {
    name.strip_prefix('<')
        .and_then(|rest| rest.split(" as ").next())
        .is_some_and(|of| {
            of.trim_start_matches("&mut ")
                .trim_start_matches('&')
                .starts_with("std::")
        })
}

/// Whether a native function's source is of Rust's own library or of a crate in the table: `/rustc/HASH/library/…`,
/// `…/registry/src/REGISTRY/rustix-1.1.6/src/…`.
fn in_library_crate(frame: &Frame) -> bool {
    let Known::Known(source) = &frame.source else {
        return false;
    };
    if frame.kind != Kind::Native {
        return false;
    }
    if let Some(rest) = source.file.strip_prefix("/rustc/") {
        return rest.split('/').nth(1) == Some("library");
    }
    let Some((_, rest)) = source.file.split_once("/registry/src/") else {
        return false;
    };
    let folder = rest.split('/').nth(1).unwrap_or_default();
    LIBRARY_CRATES.iter().any(|known| {
        // `nix-1.2` and not `nix-tools-1.2`.
        let version = folder.strip_prefix(known);
        version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    })
}

fn in_library_file(frame: &Frame) -> bool {
    if frame.kind == Kind::Native {
        return false;
    }
    // A script's file is the module of its functions; the line is not always known.
    let file: &[u8] = match &frame.module {
        Known::Known(path) => path,
        Known::Unknown(_) => return false,
    };
    LIBRARY_FILES
        .iter()
        .any(|known| file.starts_with(known.as_bytes()))
        || is_python_library(file)
}

/// `/usr/lib/python3.11/socket.py`, but not `…/site-packages/…` or `…/dist-packages/…`.
fn is_python_library(file: &[u8]) -> bool {
    let contains = |part: &str| {
        file.windows(part.len())
            .any(|window| window == part.as_bytes())
    };
    contains("/lib/python") && !contains("/site-packages/") && !contains("/dist-packages/")
}
