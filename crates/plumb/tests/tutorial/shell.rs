//! What the rows of docs/tutorial.md are run in: a shell whose netstat, ss and nstat are plumb, and
//! sockets of this process to look at.

use std::net::{TcpListener, TcpStream};
use std::process::Command;

use plumb_testkit::temp::TempDir;

/// A shell in which `netstat`, `ss`, `nstat` and `plumb` are plumb.
pub struct Shell {
    path: TempDir,
}

impl Shell {
    /// Makes the shell and the links in its PATH. It works in a folder of its own, where nstat also
    /// remembers.
    pub fn new() -> Self {
        let path = TempDir::new("path").expect("the sandbox has room");
        for name in ["netstat", "ss", "nstat", "plumb"] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_plumb"), path.path().join(name))
                .expect("a link can be made");
        }
        Self { path }
    }

    /// Runs a script; gives what it printed and its exit status.
    pub fn run(&self, script: &str) -> (String, i32) {
        let system = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", script])
            .current_dir(self.path.path())
            .env("PATH", format!("{}:{system}", self.path.path().display()))
            .env("LC_ALL", "C")
            .env("NSTAT_HISTORY", self.path.path().join("nstat.history"))
            .output()
            .expect("sh is there");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text, output.status.code().unwrap_or(-1))
    }

    /// Runs a script that has to succeed; gives its lines.
    pub fn lines(&self, script: &str) -> Vec<String> {
        let (text, status) = self.run(script);
        assert_eq!(status, 0, "`{script}` failed:\n{text}");
        text.lines().map(str::to_owned).collect()
    }
}

/// A listener and a connection to it: (listener, near end, far end).
pub fn connection() -> (TcpListener, TcpStream, TcpStream) {
    connection_at(0)
}

/// As [`connection`], with the listener at a port of 127.0.0.1.
pub fn connection_at(port: u16) -> (TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("loopback is up");
    let address = listener.local_addr().expect("it is bound");
    let near = TcpStream::connect(address).expect("somebody listens");
    let (far, _) = listener.accept().expect("a connection waits");
    (listener, near, far)
}

/// The port a listener is at.
pub fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("it is bound").port()
}

/// How this process appears in the program column.
pub fn own_program() -> String {
    format!("{}/", std::process::id())
}
