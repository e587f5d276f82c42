//! Names that would repaint a terminal: shown harmless there, and as they are in a pipe.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use plumb_testkit::differential::{Call, Lab, Program, Rule, Stdout, Tool};
use plumb_testkit::sandbox;

/// A process of a name that clears the screen, which holds what it is given until it is killed.
struct Holder(Child);

impl Holder {
    fn new(name: &str, socket: OwnedFd) -> Self {
        let program = std::env::temp_dir().join(name);
        std::os::unix::fs::symlink("/bin/cat", &program).expect("the folder is ours");
        let child = Command::new(program)
            .stdin(Stdio::piped())
            .stderr(socket)
            .spawn();
        Self(child.expect("cat starts"))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It ends with the sandbox at the latest.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lab() -> Lab {
    Lab::of(Tool::SS, Path::new(env!("CARGO_BIN_EXE_plumb")))
        .expect("a sandbox can hold both programs")
}

fn on_terminal(line: &str) -> Call {
    let mut call = Call::words(line.split(' '));
    call.stdout = Stdout::Terminal(200);
    call
}

#[test]
fn hostile_names_are_harmless_on_a_terminal_and_whole_in_a_pipe() {
    sandbox::run(|| {
        let lab = lab();
        let tcp = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let unix = std::env::temp_dir().join("b\u{1b}[2J\u{7}");
        let unix = UnixListener::bind(unix).expect("the folder is ours");
        let holders = [
            Holder::new("a\u{1b}[2J\n\u{202e}", tcp.into()),
            Holder::new("c\u{9b}31m", unix.into()),
        ];
        for line in ["-tlnp", "-xlp", "-tlnpH", "-xlpe", "-f netlink -a", "-alp"] {
            let outcome = lab.run(Program::Ours, &on_terminal(line)).expect("it runs");
            let shown = String::from_utf8(outcome.stdout).expect("all of it is text");
            let bad = shown
                .chars()
                .find(|&c| c.is_control() && !matches!(c, '\r' | '\n' | '\t') || c == '\u{202e}');
            assert_eq!(bad, None, "{line}\n{shown:?}");
            if line.starts_with("-tl") {
                let name = r#"(("a\x1b[2J\x0a\xe2\x80\xae",pid="#;
                assert!(shown.contains(name), "{line}\n{shown}");
            }
            if line.starts_with("-xl") {
                assert!(shown.contains(r"/b\x1b[2J\x07 "), "{line}\n{shown}");
                assert!(
                    shown.contains(r#"(("c\xc2\x9b31m",pid="#),
                    "{line}\n{shown}"
                );
            }
        }
        for line in ["-tlnp", "-xlp", "-tlnpH"] {
            lab.compare(&Call::words(line.split(' ')), &Rule::Exact)
                .unwrap_or_else(|difference| panic!("{line}\n{difference}"));
        }
        drop(holders);
    });
}

/// Names a terminal does not act on are the original's there, too, whatever the language.
#[test]
fn ordinary_names_stay_on_a_terminal() {
    sandbox::run(|| {
        let lab = lab();
        let tcp = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let unix = std::env::temp_dir().join("größe \"x\"");
        let unix = UnixListener::bind(unix).expect("the folder is ours");
        let holders = [
            Holder::new("größe: x", tcp.into()),
            Holder::new("日本", unix.into()),
        ];
        for line in ["-tlnp", "-xlp", "-tlnpO"] {
            lab.compare(&on_terminal(line), &Rule::Exact)
                .unwrap_or_else(|difference| panic!("{line}\n{difference}"));
        }
        drop(holders);
    });
}
