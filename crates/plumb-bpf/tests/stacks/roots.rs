//! Programs whose files the host does not see, or sees others in their places: what a process runs is named from its
//! own files.

use std::path::Path;
use std::process::Command;

use plumb_bpf::stacks::{Symbolizer, Unwinder, Unwound};
use plumb_model::stack::Stack;
use plumb_testkit::stopped::{Call, Stopped};
use plumb_testkit::temp::TempDir;

use crate::programs::{listener, program, raw, run};

/// Another program: the same source, other names, other lines.
fn decoy(folder: &Path) {
    let source = std::fs::read_to_string(folder.join("leak.c")).expect("it was built here");
    let other = "\n".repeat(100) + &source.replace("_here", "_elsewhere");
    std::fs::write(folder.join("other.c"), other).expect("there is room");
    run(Command::new("cc")
        .args(["-O2", "-g", "-o", "leak", "other.c"])
        .current_dir(folder));
    run(Command::new("objcopy")
        .args(["--only-keep-debug", "leak", "leak.debug"])
        .current_dir(folder));
}

/// Says which function connects, and in which line.
fn blamed(unwound: &Unwound) -> Option<(String, u32)> {
    let stack: Stack = Symbolizer::new().symbolize(unwound);
    let frame = stack.caller_of_interest()?;
    Some((
        frame.function.clone().ok()?,
        frame.source.clone().ok()?.line,
    ))
}

fn right() -> (String, u32) {
    (String::from("leak_here"), 20)
}

/// Runs a program in a mount namespace of its own, in which alone its files are: on the host others have their
/// places. `enter` is what begins it there, in a shell, with its folder in `$1`.
fn in_a_namespace(name: &str, enter: &str) {
    let folder = TempDir::new("roots").expect("there is room");
    let (listener, port) = listener();
    program(name).build(folder.path()).expect("a compiler");
    let hidden = folder.path().join("files");
    std::fs::create_dir(&hidden).expect("there is room");
    for file in ["leak", "leak.debug"] {
        let from = folder.path().join(file);
        if from.exists() {
            std::fs::copy(&from, hidden.join(file)).expect("there is room");
        }
    }
    let place = folder.path().join("place");
    std::fs::create_dir(&place).expect("there is room");
    let script = format!(
        "mount -t tmpfs none \"$1\" && cp files/* \"$1\" && rm -r files && exec {enter} connect {port} 1"
    );
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-c"])
        .args([&script, "sh"])
        .arg(&place)
        .current_dir(folder.path());
    decoy(folder.path());
    for file in ["leak", "leak.debug"] {
        std::fs::rename(folder.path().join(file), place.join(file)).expect("it was built");
    }
    let stopped = Stopped::at(&command, Call::Connect(port), 1).expect("it connects");
    let unwound = Unwinder::new().unwind(&raw(&stopped));
    // Named when its namespace is gone.
    drop((stopped, listener));
    assert_eq!(blamed(&unwound), Some(right()), "{name}");
}

#[test]
fn names_are_of_the_file_in_the_namespace_of_the_process_needs_root() {
    in_a_namespace("C, -O2", "\"$1/leak\"");
}

#[test]
fn so_are_those_of_a_file_of_symbols_and_another_root_needs_root() {
    // Its loader and library are bound in, as a container's image has them.
    let name = "C, stripped, symbols in a file of their own";
    let enter = "sh -c 'cd \"$0\" && for part in usr lib lib64; do mkdir -p $part && mount --rbind /$part $part; done && shift 0 && exec chroot . /leak \"$@\"' \"$1\"";
    in_a_namespace(name, enter);
}

#[test]
fn a_program_that_was_replaced_or_deleted_is_named_by_what_it_was() {
    for replaced in [true, false] {
        let folder = TempDir::new("roots").expect("there is room");
        let (_listener, port) = listener();
        let mut command = program("C, -O2").build(folder.path()).expect("a compiler");
        command.args(["connect", &port.to_string(), "1"]);
        let stopped = Stopped::at(&command, Call::Connect(port), 1).expect("it connects");
        std::fs::remove_file(folder.path().join("leak")).expect("it is there");
        if replaced {
            decoy(folder.path());
        }
        let unwound = Unwinder::new().unwind(&raw(&stopped));
        assert_eq!(blamed(&unwound), Some(right()), "replaced: {replaced}");
    }
}
