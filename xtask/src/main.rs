//! The development commands of plumb, one file each. `cargo xtask` without a command lists them.
//!
//! Whatever needs more than one cargo call lives here, so that CI and a newcomer's machine run the
//! same thing. Nothing of the product depends on this crate.

mod arguments;
mod bench;
mod bpf;
mod churn;
mod fuzz;
mod lab;
mod machine;
mod step;
mod test;
mod truth;
mod vm;

use std::process::ExitCode;

use step::Failure;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--full] [--need-vm]
                         everything CI checks, after installing what the machine lacks;
                         --full adds 20000 fuzzing cases against the real netstat
                         and as many against the real ss and nstat, churn and truth; --need-vm fails where
                         no guests can be run, or no BPF program be compiled, instead
                         of naming it
  bench [--sockets N] [--processes P] [--runs R] [--json|--growth]
                         plumb beside the real netstat, ss and lsof over a farm of sockets
  bench-trace [--rounds N] [--only churn|ping-pong|bulk] [--spread]
                         what it costs a program to be watched by plumb, strace, perf and bpftrace
  churn [--attributions N] [--big N]
                         owners of sockets while 1000 processes a second come and go, by both
                         engines: none may be wrong; --big sockets are in one process
  truth [--connections N] [--seed S]
                         connections of several namespaces, processes and threads, written down
                         by who makes them: trace, connects and top must tell of every one, or
                         say how much they lost
  bpf [--check]          builds the BPF programs of plumb-bpf and their manifests (clang-19);
                         --check compares them with what is committed
  fuzz-netstat [--cases N] [--seed S] [--keep DIR]
                         random command lines over random kernel states, compared with netstat
  fuzz-ss [--cases N] [--seed S] [--keep DIR]
                         random command lines, filters and dumps, compared with ss
  fuzz-nstat [--cases N] [--seed S] [--keep DIR]
                         random counters, histories and command lines, compared with nstat
  lab [--only TEXT] [--jobs N] [--list] [--no-guest] [--kernel 5.10|6.1|6.12|7.2]
                         the fault lab: what plumb diagnose says of real faults and of healthy
                         controls that look alike, and the score; what takes a whole machine is
                         made in a guest, with --kernel everything
  fuzz TARGET [-- ARGS]  one decoder under libFuzzer (nightly); without TARGET, lists them
  vm [--kernel 5.10|6.1|6.12|7.2] [--module NAME]... [--with FILE]... [--memory MIB]
     [--timeout S] -- COMMAND
                         a command under another kernel (qemu, no hardware help needed); one word
                         is a line of shell, several are a program and its arguments
  vm smoke [--kernel K]...
                         the tests that depend on the kernel, under 6.1 and 6.12 or those named
  vm --list              the kernels, and what of them is here
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<_> = arguments.collect();
    let result = match command.to_str() {
        Some("test") => test::run(&rest),
        Some("vm") => vm::run(&rest),
        Some("bpf") => bpf::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("churn") => churn::run(&rest),
        Some("truth") => truth::run(&rest),
        Some("bench-trace") => bench::trace::run(&rest),
        Some("bench-inside") => bench::inside::run(&rest),
        Some("bench-dump") => bench::dump::run(&rest),
        Some("bench-measure") => bench::measure::run(&rest),
        Some("lab") => lab::run(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some(fuzzer @ ("fuzz-netstat" | "fuzz-ss" | "fuzz-nstat")) => {
            fuzz::run_against_original(fuzzer, &rest)
        }
        Some("help" | "-h" | "--help") => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::usage(format!(
            "unknown command {}\n{USAGE}",
            command.display()
        ))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                eprintln!("xtask: {}", failure.text.trim_end());
            }
            ExitCode::from(failure.status)
        }
    }
}
