//! The table of programs. Their functions are as each language's symbols name them.

use super::{Functions, Program, Shows};

const C: (&str, &str) = ("leak.c", include_str!("sources/leak.c"));
const CPP: (&str, &str) = ("leak.cpp", include_str!("sources/leak.cpp"));
const RUST: (&str, &str) = ("leak.rs", include_str!("sources/leak.rust"));
const GO: (&str, &str) = ("leak.go", include_str!("sources/leak.go"));
const PYTHON: (&str, &str) = ("leak.py", include_str!("sources/leak.py"));
const NODE: (&str, &str) = ("leak.js", include_str!("sources/leak.js"));
const JAVA: (&str, &str) = ("Leak.java", include_str!("sources/Leak.java"));

const PLAIN: Functions = Functions {
    connect: "leak_here",
    accept: "take_here",
};

/// Where pyenv keeps the releases of CPython that a distribution does not have.
const PYTHON_3_12: &[&str] = &["~/.pyenv/versions/3.12.1/bin"];
const PYTHON_3_13: &[&str] = &["~/.pyenv/versions/3.13.0/bin"];
const SYSTEM: &[&str] = &["/usr/bin"];

/// All programs.
pub const PROGRAMS: &[Program] = &[
    c(
        "C, -O2 with frame pointers",
        &[&[
            "cc",
            "-O2",
            "-g",
            "-fno-omit-frame-pointer",
            "-o",
            "{}/leak",
            "leak.c",
        ]],
    ),
    c(
        "C, -O2",
        &[&[
            "cc",
            "-O2",
            "-g",
            "-fomit-frame-pointer",
            "-o",
            "{}/leak",
            "leak.c",
        ]],
    ),
    c(
        "C, -O2, not PIE",
        &[&[
            "cc", "-O2", "-g", "-no-pie", "-fno-pie", "-o", "{}/leak", "leak.c",
        ]],
    ),
    c(
        "C, static",
        &[&["cc", "-O2", "-g", "-static", "-o", "{}/leak", "leak.c"]],
    ),
    c(
        "C, stripped, symbols in a file of their own",
        &[
            &["cc", "-O2", "-g", "-o", "{}/leak", "leak.c"],
            &["objcopy", "--only-keep-debug", "{}/leak", "{}/leak.debug"],
            &["strip", "{}/leak"],
            &["objcopy", "--add-gnu-debuglink={}/leak.debug", "{}/leak"],
        ],
    ),
    c(
        "C, stripped",
        &[&["cc", "-O2", "-s", "-o", "{}/leak", "leak.c"]],
    )
    .showing(Shows::Neither),
    Program {
        name: "C++, -O2",
        source: CPP,
        build: &[&["c++", "-O2", "-g", "-o", "{}/leak", "leak.cpp"]],
        run: &["{}/leak"],
        folders: &[],
        functions: Functions {
            connect: "pool::Keeper::leak_here(int)",
            accept: "pool::Keeper::take_here(int)",
        },
        shows: Shows::Both,
    },
    rust(
        "Rust, release, with line tables",
        &[&["rustc", "-O", "-g", "-o", "{}/leak", "leak.rs"]],
    ),
    rust(
        "Rust, release",
        &[&["rustc", "-O", "-o", "{}/leak", "leak.rs"]],
    ),
    rust(
        "Rust, release, stripped",
        &[&["rustc", "-O", "-Cstrip=symbols", "-o", "{}/leak", "leak.rs"]],
    )
    .showing(Shows::Neither),
    go("Go", &[&["go", "build", "-o", "{}/leak", "leak.go"]]),
    go(
        "Go, stripped (-ldflags \"-s -w\")",
        &[&[
            "go", "build", "-ldflags", "-s -w", "-o", "{}/leak", "leak.go",
        ]],
    ),
    go(
        "Go, stripped, PIE, linked by the C linker",
        &[&[
            "go",
            "build",
            "-buildmode=pie",
            "-ldflags",
            "-s -w -linkmode=external",
            "-o",
            "{}/leak",
            "leak.go",
        ]],
    ),
    python("CPython 3.11", &["python3.11", "{}/leak.py"], SYSTEM),
    python("CPython 3.12", &["python3.12", "{}/leak.py"], PYTHON_3_12),
    python("CPython 3.13", &["python3.13", "{}/leak.py"], PYTHON_3_13),
    python(
        "CPython 3.12, -X perf",
        &["python3.12", "-X", "perf", "{}/leak.py"],
        PYTHON_3_12,
    ),
    python(
        "CPython 3.13, -X perf",
        &["python3.13", "-X", "perf", "{}/leak.py"],
        PYTHON_3_13,
    ),
    node("Node", &["node", "{}/leak.js"]).showing(Shows::Neither),
    node(
        "Node, --perf-basic-prof --interpreted-frames-native-stack",
        &[
            "node",
            "--perf-basic-prof",
            "--interpreted-frames-native-stack",
            "{}/leak.js",
        ],
    )
    .showing(Shows::Neither),
    java("Java", &["java", "-cp", "{}", "Leak"]).showing(Shows::Neither),
    java(
        "Java, compiled, -XX:+PreserveFramePointer, perf map",
        &[
            "java",
            "-Xcomp",
            "-XX:CompileCommand=quiet",
            "-XX:CompileCommand=compileonly,Leak::*",
            "-XX:CompileCommand=dontinline,Leak::*",
            "-XX:TieredStopAtLevel=1",
            "-XX:+PreserveFramePointer",
            "-Dleak.perfmap=true",
            "-cp",
            "{}",
            "Leak",
        ],
    )
    .showing(Shows::WhatConnects),
];

const fn c(name: &'static str, build: &'static [&'static [&'static str]]) -> Program {
    Program {
        name,
        source: C,
        build,
        run: &["{}/leak"],
        folders: &[],
        functions: PLAIN,
        shows: Shows::Both,
    }
}

const fn rust(name: &'static str, build: &'static [&'static [&'static str]]) -> Program {
    Program {
        name,
        source: RUST,
        build,
        run: &["{}/leak"],
        folders: &[],
        functions: Functions {
            connect: "leak::pool::leak_here",
            accept: "leak::pool::take_here",
        },
        shows: Shows::Both,
    }
}

const fn go(name: &'static str, build: &'static [&'static [&'static str]]) -> Program {
    Program {
        name,
        source: GO,
        build,
        run: &["{}/leak"],
        folders: &["/usr/local/go/bin"],
        functions: Functions {
            connect: "main.leakHere",
            accept: "main.takeHere",
        },
        shows: Shows::Both,
    }
}

const fn python(
    name: &'static str,
    run: &'static [&'static str],
    folders: &'static [&'static str],
) -> Program {
    Program {
        name,
        source: PYTHON,
        build: &[],
        run,
        folders,
        functions: PLAIN,
        shows: Shows::Both,
    }
}

const fn node(name: &'static str, run: &'static [&'static str]) -> Program {
    Program {
        name,
        source: NODE,
        build: &[],
        run,
        folders: &[],
        functions: Functions {
            connect: "leakHere",
            accept: "servePool",
        },
        shows: Shows::Both,
    }
}

const fn java(name: &'static str, run: &'static [&'static str]) -> Program {
    Program {
        name,
        source: JAVA,
        build: &[&["javac", "Leak.java"]],
        run,
        folders: &[],
        functions: Functions {
            connect: "Leak.leakHere(int)",
            accept: "Leak.takeHere(java.net.ServerSocket)",
        },
        shows: Shows::Both,
    }
}
