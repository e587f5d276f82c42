//! Functions that a compiler put into others, generic ones and those without a name.

use std::process::Command;

use plumb_bpf::stacks::{Symbolizer, Unwinder};
use plumb_testkit::stopped::{Call, Stopped};
use plumb_testkit::temp::TempDir;

use crate::programs::{listener, raw, run};

const CPP: &str = "
#include <arpa/inet.h>
#include <cstdlib>
#include <sys/socket.h>
namespace pool {
template <typename Port>
[[gnu::always_inline]] inline int open_as(Port port)
{
	sockaddr_in to{};
	to.sin_family = AF_INET;
	to.sin_port = htons(port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr *>(&to), sizeof(to)) + 1;
}
template <typename Act>
[[gnu::noinline]] int twice(Act act, int port)
{
	return act(port) + act(port);
}
}
int main(int, char **argv)
{
	auto dial = [](int port) __attribute__((noinline)) { return pool::open_as<long>(port) + 1; };
	return pool::twice(dial, std::atoi(argv[1]));
}
";

const RUST: &str = "
mod pool {
    #[inline(always)]
    pub fn open_as<T: Into<u16>>(port: T) -> std::net::TcpStream {
        std::net::TcpStream::connect((\"127.0.0.1\", port.into())).unwrap()
    }
    #[inline(never)]
    pub fn twice<T>(act: impl Fn() -> T) -> (T, T) {
        (act(), act())
    }
}
fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    std::hint::black_box(pool::twice(
        #[inline(never)]
        || std::hint::black_box(pool::open_as::<u16>(port)),
    ));
}
";

/// Gives the functions of a program's own source from its connect() outwards, and whether they were put into the next.
fn frames(file: &str, source: &str, compiler: &[&str]) -> Vec<(String, bool)> {
    let folder = TempDir::new("inlined").expect("there is room");
    std::fs::write(folder.path().join(file), source).expect("there is room");
    let [compiler, options @ ..] = compiler else {
        panic!("a compiler");
    };
    run(Command::new(compiler)
        .args(options)
        .args(["-g", "-o", "program", file])
        .current_dir(folder.path()));
    let (_listener, port) = listener();
    let mut command = Command::new(folder.path().join("program"));
    command.arg(port.to_string());
    let stopped = Stopped::at(&command, Call::Connect(port), 1).expect("it connects");
    let stack = Symbolizer::new().symbolize(&Unwinder::new().unwind(&raw(&stopped)));
    let own = stack.frames.iter().filter(|frame| {
        let source = frame.source.clone().ok();
        source.is_some_and(|source| source.file.ends_with(file))
    });
    own.map(|frame| {
        let name = frame.function.clone().ok().unwrap_or_default();
        (name, frame.inlined)
    })
    .collect()
}

fn expected(names: &[(&str, bool)]) -> Vec<(String, bool)> {
    let names = names.iter();
    names
        .map(|(name, inlined)| ((*name).to_owned(), *inlined))
        .collect()
}

#[test]
fn templates_and_lambdas_of_cpp_have_their_names() {
    let found = frames("inlined.cpp", CPP, &["c++", "-O2"]);
    let lambda = "main::{lambda(int)#1}";
    let twice = format!("int pool::twice<{lambda}>({lambda}, int)");
    assert_eq!(
        found,
        expected(&[
            ("int pool::open_as<long>(long)", true),
            ("main::{lambda(int)#1}::operator()(int) const", false),
            (&twice, false),
        ])
    );
}

#[test]
fn generic_functions_and_closures_of_rust_have_their_names() {
    let found = frames("inlined.rs", RUST, &["rustc", "-O"]);
    assert_eq!(
        found,
        expected(&[
            ("inlined::pool::open_as", true),
            ("inlined::main::{{closure}}", false),
            ("inlined::pool::twice", false),
            ("inlined::main", false),
        ])
    );
}
