//! What `plumb leaks` and `plumb connects` name in programs of each language that leak in a known function, and the
//! table of it in docs/stacks.md. `PLUMB_BLESS=1` writes its rows.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use plumb_testkit::leaking::{PROGRAMS, Program, Shows};
use plumb_testkit::sandbox;
use plumb_testkit::temp::TempDir;
use serde_json::Value;

use super::super::plumb;

/// Connections that a program opens, or takes.
const COUNT: u64 = 5;
/// What stands above the table.
const HEADING: &str = "## What the verbs name";

/// Runs `test` for a program, in a sandbox.
macro_rules! languages {
    ($($test:ident: $name:literal;)*) => {
        $(#[test]
        fn $test() {
            sandbox::run(|| check($name));
        })*

        #[test]
        fn every_program_is_asked_about() {
            let asked = [$($name),*];
            let names: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
            assert_eq!(names, asked);
        }
    };
}

languages! {
    c_with_frame_pointers_needs_root: "C, -O2 with frame pointers";
    c_without_frame_pointers_needs_root: "C, -O2";
    c_at_fixed_addresses_needs_root: "C, -O2, not PIE";
    c_with_its_library_inside_needs_root: "C, static";
    c_with_its_symbols_in_another_file_needs_root: "C, stripped, symbols in a file of their own";
    c_without_symbols_needs_root: "C, stripped";
    cpp_needs_root: "C++, -O2";
    rust_with_line_tables_needs_root: "Rust, release, with line tables";
    rust_without_line_tables_needs_root: "Rust, release";
    rust_without_symbols_needs_root: "Rust, release, stripped";
    go_needs_go_needs_root: "Go";
    go_without_symbols_needs_go_needs_root: "Go, stripped (-ldflags \"-s -w\")";
    go_without_symbols_linked_by_another_needs_go_needs_root: "Go, stripped, PIE, linked by the C linker";
    python_needs_python3_11_needs_root: "CPython 3.11";
    python_needs_python3_12_needs_root: "CPython 3.12";
    python_needs_python3_13_needs_root: "CPython 3.13";
    python_with_perf_needs_python3_12_needs_root: "CPython 3.12, -X perf";
    python_with_perf_needs_python3_13_needs_root: "CPython 3.13, -X perf";
    node_needs_node_needs_root: "Node";
    node_with_perf_needs_node_needs_root: "Node, --perf-basic-prof --interpreted-frames-native-stack";
    java_needs_java_needs_root: "Java";
    java_with_perf_needs_java_needs_root: "Java, compiled, -XX:+PreserveFramePointer, perf map";
}

fn check(name: &str) {
    let program = PROGRAMS.iter().find(|program| program.name == name);
    let program = program.expect("the table has it");
    let folder = TempDir::new("languages").expect("a folder");
    let run = words(&built(name, &folder));

    let wanted = (program.shows != Shows::Neither).then_some(program.functions.connect);
    let leaking = leaks_of_a_client(&run);
    let connecting = connects_of_a_client(&run);
    for (verb, named) in [("leaks", &leaking), ("connects", &connecting)] {
        let right = named.function.as_deref() == Some(program.functions.connect);
        assert_eq!(right, wanted.is_some(), "plumb {verb} names {named:?}");
    }
    let serving = (program.shows == Shows::Both).then(|| leaks_of_a_server(&run));
    if let Some(named) = &serving {
        let function = named.function.as_deref();
        assert_eq!(function, Some(program.functions.accept), "{named:?}");
    }
    check_row(
        program,
        &row(program, &leaking, &connecting, serving.as_ref()),
    );
}

#[test]
fn node_without_names_says_what_to_start_it_with_needs_node_needs_root() {
    sandbox::run(|| says_what_to_do("Node", "run node with --perf-basic-prof"));
}

#[test]
fn java_without_names_says_what_to_start_it_with_needs_java_needs_root() {
    sandbox::run(|| says_what_to_do("Java", "run java with -XX:+PreserveFramePointer"));
}

/// What hides the names of a program stands below both tables, in words.
fn says_what_to_do(name: &str, advice: &str) {
    let folder = TempDir::new("languages").expect("a folder");
    let run = words(&built(name, &folder));
    for verb in [&["leaks", "--"][..], &["connects", "--by-code", "--"]] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let text = printed(verb, &run, &["connect", &port.to_string(), "2"], || {});
        let text = String::from_utf8_lossy(&text);
        assert_eq!(text.matches(advice).count(), 1, "{verb:?}: {text}");
    }
}

/// Writes to the port it is given until its input ends, and nobody reads it.
const WRITES: &str = "const out = require('net').connect(Number(process.argv[1]), '127.0.0.1');
    setInterval(() => out.write('x'.repeat(1000)), 5);
    process.stdin.resume(); process.stdin.on('end', () => process.exit());";

#[test]
fn by_function_says_what_to_start_node_with_needs_node_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let mut node = Command::new("node")
            .args(["-e", WRITES, &port.to_string()])
            .stdin(Stdio::piped())
            .spawn()
            .expect("node runs");
        let _peer = listener.accept().expect("it connects");
        let pid = node.id().to_string();
        let top = ["top", "--every", "2s", "-n", "1"];
        let mem = ["mem", "--for", "2s"];
        for verb in [&top[..], &mem] {
            let words = [verb, &["--by", "function", "-p", &pid]].concat();
            let text = String::from_utf8_lossy(&plumb(&words).stdout).into_owned();
            let advice = "hint: JavaScript names not known: run node with --perf-basic-prof";
            assert_eq!(text.matches(advice).count(), 1, "{verb:?}: {text}");
        }
        drop(node.stdin.take());
        node.wait().expect("it ends");
    });
}

fn built(name: &str, folder: &TempDir) -> Command {
    let program = PROGRAMS.iter().find(|program| program.name == name);
    let program = program.expect("the table has it");
    program
        .build(folder.path())
        .expect("what builds it is here")
}

fn words(command: &Command) -> Vec<String> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// What the first group of an answer names.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    function: Option<String>,
    line: Option<String>,
}

impl Named {
    /// Reads a stack: the function that is to blame, and the line of its frame.
    fn of(stack: &Value) -> Self {
        let function = stack["function"].as_str();
        let frames = stack["frames"].as_array().into_iter().flatten();
        let blamed = frames
            .into_iter()
            .find(|frame| function.is_some() && frame["function"].as_str() == function);
        let line = blamed.and_then(|frame| {
            let file = frame["file"].as_str()?.rsplit('/').next()?;
            Some(format!("{file}:{}", frame["line"].as_u64()?))
        });
        Self {
            function: function.map(str::to_owned),
            line,
        }
    }

    fn words(&self) -> String {
        let Some(function) = &self.function else {
            return String::from("an address");
        };
        match &self.line {
            Some(line) => format!("`{function}` {line}"),
            None => format!("`{function}`"),
        }
    }
}

fn answer(verb: &[&str], run: &[String], words: &[&str], meanwhile: impl FnMut()) -> Value {
    serde_json::from_slice(&printed(verb, run, words, meanwhile)).expect("it is JSON")
}

/// Runs a verb on a program until that says "ready"; gives what it printed. `meanwhile` is called when it listens.
fn printed(verb: &[&str], run: &[String], words: &[&str], mut meanwhile: impl FnMut()) -> Vec<u8> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(verb)
        .args(run)
        .args(words)
        // Some programs write logs where they are.
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("plumb runs");
    let hold = child.stdin.take();
    // What the command prints comes by standard error.
    let mut told = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    for line in told.by_ref().map_while(Result::ok) {
        match line.as_str() {
            "listening" => meanwhile(),
            "ready" => break,
            _ => {}
        }
    }
    // What an interpreter runs can be named only while it is there.
    wait_until_it_rests(child.id());
    drop(hold);
    let errors: Vec<String> = told.map_while(Result::ok).collect();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{errors:?}");
    output.stdout
}

/// Waits until a process slept in several looks and used no processor between them: it has done what there was.
fn wait_until_it_rests(pid: u32) {
    let mut before = Vec::new();
    let mut same = 0;
    for _ in 0..500 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let times: Vec<String> = stat
            .split(' ')
            .skip(13)
            .take(2)
            .map(str::to_owned)
            .collect();
        same = if times == before { same + 1 } else { 0 };
        if same == 10 {
            return;
        }
        before = times;
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a verb on a client, and gives its answer.
fn answer_about_a_client(verb: &[&str], run: &[String]) -> Value {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let words = ["connect", &port.to_string(), &COUNT.to_string()];
    let answer = answer(verb, run, &words, || {});
    assert_eq!(answer["complete"], true, "{answer}");
    answer
}

fn leaks_of_a_client(run: &[String]) -> Named {
    let answer = answer_about_a_client(&["leaks", "--json", "--"], run);
    assert_eq!(answer["held_too_long"], COUNT, "{answer}");
    Named::of(&answer["groups"][0]["made_by"])
}

fn connects_of_a_client(run: &[String]) -> Named {
    let answer = answer_about_a_client(&["connects", "--json", "--by-code", "--"], run);
    assert_eq!(answer["attempts"], COUNT, "{answer}");
    Named::of(&answer["paths"][0]["code"])
}

fn leaks_of_a_server(run: &[String]) -> Named {
    let mut clients = Vec::new();
    let words = ["accept", "5151", &COUNT.to_string()];
    let answer = answer(&["leaks", "--json", "--"], run, &words, || {
        let connect = |_| TcpStream::connect("127.0.0.1:5151").expect("it listens");
        clients.extend((0..COUNT).map(connect));
    });
    assert_eq!(answer["held_too_long"], COUNT, "{answer}");
    Named::of(&answer["groups"][0]["made_by"])
}

fn row(program: &Program, leaking: &Named, connecting: &Named, serving: Option<&Named>) -> String {
    let right = match program.shows {
        Shows::Both | Shows::WhatConnects => "yes",
        Shows::Neither => "no",
    };
    let connecting = if connecting == leaking {
        String::from("the same")
    } else {
        connecting.words()
    };
    let serving = serving.map_or_else(String::new, Named::words);
    let name = program.name;
    format!(
        "| {name} | {} | {connecting} | {right} | {serving} |",
        leaking.words()
    )
}

/// Compares a row with the document, or writes it there. Rows are written by one program at a time:
/// `-j1` with `PLUMB_BLESS`.
fn check_row(program: &Program, row: &str) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/stacks.md"));
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let (before, table) = text
        .split_once(HEADING)
        .expect("the document has the table");
    let begins = format!("| {} |", program.name);
    let found = table.lines().find(|line| line.starts_with(&begins));
    let found = found.unwrap_or_else(|| panic!("no row of {} in docs/stacks.md", program.name));
    if std::env::var_os("PLUMB_BLESS").is_some() {
        let table = table.replacen(found, row, 1);
        std::fs::write(path, format!("{before}{HEADING}{table}")).expect("it can be written");
        return;
    }
    assert_eq!(found, row, "PLUMB_BLESS=1 writes it to docs/stacks.md");
}
