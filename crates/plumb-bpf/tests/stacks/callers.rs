//! Two paths to one call are never taken for one, wherever in the compared top of the stack they differ.
//!
//! The program in the kernel compares a stack with the one it saw at this place before, and knows code addresses by
//! their looks. The callers here are in a library and return to multiples of 8, as pointers to data are.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plumb_bpf::recorder::{Layer, Plan, Recorder, Scope, Told};
use plumb_bpf::stacks::{Symbolizer, Unwinder, Unwound};
use plumb_model::event::StackId;
use plumb_model::id::{Cookie, Pid};
use plumb_testkit::temp::TempDir;

use crate::programs::{listener, run};

/// How long a busy machine may take to tell.
const PATIENCE: Duration = Duration::from_secs(20);
/// Connections of each depth, by turns from either caller.
const TURNS: usize = 6;
/// How many bytes lie between the call and what differs.
const DEPTHS: [usize; 4] = [0, 100, 1000, 3500];

const LIBRARY: &str = "
#define CALLER(name)                                                  \\
	__asm__(\".globl \" name \"\\n.type \" name \", @function\\n.p2align 4\\n\" \\
		name \": .cfi_startproc\\nsub $8, %rsp\\n.cfi_adjust_cfa_offset 8\\n\" \\
		\".p2align 4\\n.skip 6, 0x90\\ncall *%rdx\\nadd $8, %rsp\\n\" \\
		\".cfi_adjust_cfa_offset -8\\nret\\n.cfi_endproc\\n.size \" name \", . - \" name \"\\n\")
CALLER(\"first\");
CALLER(\"second\");
";

const PROGRAM: &str = "
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
typedef int (*reaching)(int port, int depth);
int first(int port, int depth, reaching reach);
int second(int port, int depth, reaching reach);
__attribute__((noinline)) static int reach(int port, int depth)
{
	volatile char room[depth + 1];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	for (int i = 0; i <= depth; i++)
		room[i] = 0;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) + room[0];
}
int main(int argc, char **argv)
{
	int (*volatile callers[])(int, int, reaching) = { first, second };
	int sum = 0;
	getchar();
	for (int at = 3; at < argc; at++)
		for (int i = 0; i < atoi(argv[2]); i++)
			sum += callers[i & 1](atoi(argv[1]), atoi(argv[at]), reach);
	printf(\"ready\\n\");
	fflush(stdout);
	getchar();
	return sum;
}
";

fn build(folder: &TempDir) {
    for (name, text) in [("paths.c", LIBRARY), ("main.c", PROGRAM)] {
        std::fs::write(folder.path().join(name), text).expect("there is room");
    }
    let library = ["-O2", "-shared", "-fPIC", "-o", "libpaths.so", "paths.c"];
    let program = ["-O2", "-g", "-o", "main", "main.c", "-L.", "-lpaths"];
    run(Command::new("cc").args(library).current_dir(folder.path()));
    run(Command::new("cc").args(program).current_dir(folder.path()));
}

/// What was told: the stack of each connection, in order, and the copies.
#[derive(Default)]
struct Heard {
    connections: Vec<(Cookie, StackId)>,
    stacks: HashMap<StackId, Unwound>,
}

impl Heard {
    fn take(&mut self, told: &Told<'_>, unwinder: &mut Unwinder) {
        match told {
            Told::Stack(copy) => {
                let unwound = unwinder.unwind(&copy.raw());
                self.stacks.insert(copy.id, unwound);
            }
            Told::Event(event) => {
                if let (Some(cookie), Some(stack)) = (event.cookie, event.stack)
                    && self.connections.iter().all(|(known, _)| *known != cookie)
                {
                    self.connections.push((cookie, stack));
                }
            }
            Told::Mapping(_) => {}
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn callers_that_differ_in_one_word_are_told_apart_needs_root() {
    let folder = TempDir::new("callers").expect("there is room");
    build(&folder);
    let (_listener, port) = listener();
    let plan = Plan {
        scope: Scope::Processes,
        layers: vec![Layer::Opening],
        ..Plan::default()
    };
    let mut recorder = Recorder::start(&plan).expect("root may record");
    let mut child = Command::new(folder.path().join("main"))
        .args([port.to_string(), TURNS.to_string()])
        .args(DEPTHS.map(|depth| depth.to_string()))
        .env("LD_LIBRARY_PATH", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    recorder.follow(Pid(child.id())).expect("there is room");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(b"\n").expect("it reads");
    let mut ready = String::new();
    let output = child.stdout.take().expect("it is piped");
    BufReader::new(output)
        .read_line(&mut ready)
        .expect("it speaks");
    assert_eq!(ready, "ready\n");

    let (mut heard, mut unwinder) = (Heard::default(), Unwinder::new());
    let begin = Instant::now();
    while heard.connections.len() < TURNS * DEPTHS.len() && begin.elapsed() < PATIENCE {
        recorder.wait(Duration::from_millis(10));
        recorder.poll(|told| heard.take(&told, &mut unwinder));
    }
    drop(input);
    child.wait().expect("it ends");

    let mut symbolizer = Symbolizer::new();
    let callers: Vec<String> = heard
        .connections
        .iter()
        .map(|(_, id)| {
            let stack = symbolizer.symbolize(&heard.stacks[id]);
            let mut names = stack
                .frames
                .iter()
                .filter_map(|frame| frame.function.clone().ok());
            let caller = names.find(|name| name == "first" || name == "second");
            caller.unwrap_or_else(|| format!("{stack:#?}"))
        })
        .collect();
    let by_turns = ["first", "second"].repeat(TURNS / 2 * DEPTHS.len());
    assert_eq!(callers, by_turns);
}
