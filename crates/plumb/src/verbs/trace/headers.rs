//! Compares the tables of names with the headers of this system, which a C compiler reads.

use std::fmt::Write as _;
use std::process::Command;

use plumb_testkit::temp::TempDir;

use super::{arguments, error_names, option_names};

const HEADERS: [&str; 10] = [
    "errno.h",
    "netinet/in.h",
    "sys/socket.h",
    "linux/tcp.h",
    "linux/udp.h",
    "linux/in6.h",
    "linux/netlink.h",
    "linux/if_packet.h",
    "asm/socket.h",
    "stdio.h",
];

/// Lines `NAME NUMBER` of those names that the headers define, as the compiled program prints them.
fn defined(names: &[&str]) -> String {
    let mut source = String::from("#define _GNU_SOURCE\n");
    for header in HEADERS {
        let _ = writeln!(source, "#include <{header}>");
    }
    source.push_str("int main(void) {\n");
    for name in names {
        let _ = writeln!(
            source,
            "#ifdef {name}\nprintf(\"{name} %ld\\n\", (long)({name}));\n#endif"
        );
    }
    source.push_str("return 0; }\n");
    let dir = TempDir::new("headers").expect("a folder for the program");
    let (file, program) = (dir.path().join("names.c"), dir.path().join("names"));
    std::fs::write(&file, source).expect("the folder was just made");
    let built = Command::new("cc")
        .args(["-w", "-o"])
        .args([&program, &file])
        .output()
        .expect("Rust links with it");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let said = Command::new(&program).output().expect("it was just built");
    String::from_utf8(said.stdout).expect("names and numbers")
}

#[test]
fn names_are_those_of_the_headers() {
    let ours: Vec<(&str, i64)> = error_names::all()
        .chain(option_names::all())
        .chain(arguments::all())
        .collect();
    let names: Vec<&str> = ours.iter().map(|(name, _)| *name).collect();
    let theirs = defined(&names);
    let mut compared = 0;
    for line in theirs.lines() {
        let (name, number) = line.split_once(' ').expect("two words");
        let number: i64 = number.parse().expect("a number");
        assert!(
            ours.contains(&(name, number)),
            "the headers say {name} is {number}"
        );
        compared += 1;
    }
    // Older headers lack the newest names; nearly all must have been there.
    assert!(compared > 320, "{compared} of {} compared", ours.len());
}
