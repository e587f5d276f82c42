//! Values of living sockets, and real shells on terminals, in a namespace of their own.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use plumb_testkit::sandbox;
use plumb_testkit::terminal::Terminal;

use crate::answers::answers;

/// A listener of ours, and one of `cat`'s.
struct Sockets {
    cat: Child,
    _ours: TcpListener,
}

impl Sockets {
    fn new() -> Self {
        let ours = TcpListener::bind("127.0.0.1:47001").expect("loopback is up");
        let cats = TcpListener::bind("127.0.0.1:47002").expect("loopback is up");
        let cat = Command::new("cat")
            .stdin(Stdio::piped())
            .stderr(OwnedFd::from(cats))
            .spawn()
            .expect("cat starts");
        Self { cat, _ours: ours }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // It ends with the sandbox at the latest.
        let _ = self.cat.kill();
        let _ = self.cat.wait();
    }
}

#[test]
fn values_are_those_of_this_moment() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let cat = sockets.cat.id().to_string();
        assert_eq!(answers("plumb ls :47"), [":47001", ":47002"]);
        assert_eq!(
            answers("plumb ls 'sport = :"),
            ["sport = :47001", "sport = :47002"]
        );
        assert_eq!(answers("plumb ls port = 4700"), ["47001", "47002"]);
        assert_eq!(answers("plumb ls process = ca"), ["cat"]);
        assert!(answers("plumb ls pid = ").contains(&cat));
        assert_eq!(
            answers("plumb ls 'state = listen and process=ca"),
            ["state = listen and process=cat"]
        );
        assert_eq!(answers("plumb ls user = "), ["root"]);
        assert_eq!(answers("plumb ls interface = l"), ["lo"]);
        assert_eq!(answers("plumb ls src = "), ["127.0.0.1"]);
        assert!(
            answers("plumb ls exe = /")
                .iter()
                .any(|exe| exe.ends_with("/cat"))
        );
    });
}

/// Lines that are typed, with TAB for the key, and what plumb then finds: the row of `cat`.
const TYPED: [&str; 4] = [
    "plumb ls -Hc pro\t process = ca\t",
    "plumb ls -Hc process port = 47002",
    "plumb ls -Hc process :47002\t",
    "plumb ls -Hc process 'state = listen and process = ca\t",
];

/// Types lines into a shell that has plumb's completion, and looks at what they find.
fn shell_completes(shell: &str, arguments: &[&str], load: &str) {
    let plumb = Path::new(env!("CARGO_BIN_EXE_plumb"));
    let folder = plumb.parent().and_then(Path::to_str).expect("it is text");
    let path = std::env::var("PATH").expect("there is a path");
    let sockets = Sockets::new();
    let cat = format!("cat[{}]", sockets.cat.id());
    for typed in TYPED {
        // A shell wants the terminal to itself.
        let mut command = Command::new("setsid");
        command
            .args(["--ctty", "--wait", shell])
            .args(arguments)
            .env("PATH", format!("{folder}:{path}"))
            .env("TERM", "dumb")
            .env("INPUTRC", "/dev/null")
            .env("HOME", std::env::temp_dir());
        let mut terminal = Terminal::start(&mut command, 40, 160).expect("there are terminals");
        // What is typed is echoed, so the answer is spelled otherwise.
        type_line(&mut terminal, &format!("{load}; echo rea''dy"));
        wait_for(&mut terminal, "ready", typed);
        terminal.seen.clear();
        type_line(&mut terminal, typed);
        wait_for(&mut terminal, &cat, typed);
    }
}

fn type_line(terminal: &mut Terminal, line: &str) {
    terminal.type_in(line).expect("the shell reads");
    terminal.type_in("\r").expect("the shell reads");
}

fn wait_for(terminal: &mut Terminal, text: &str, typed: &str) {
    let came = terminal.read_until(|seen| String::from_utf8_lossy(seen).contains(text));
    let seen = String::from_utf8_lossy(&terminal.seen);
    assert!(came, "{typed:?}: no {text} in {seen}");
}

#[test]
fn bash_completes_filters_between_quotes_and_without() {
    sandbox::run(|| {
        let load = "source <(plumb completions bash)";
        shell_completes("bash", &["--norc", "--noprofile", "-i"], load);
    });
}

#[test]
fn zsh_completes_filters_between_quotes_and_without() {
    sandbox::run(|| {
        let load = "autoload -U compinit; compinit -u -D; source <(plumb completions zsh)";
        shell_completes("zsh", &["-f", "-i"], load);
    });
}

#[test]
fn fish_completes_filters_between_quotes_and_without() {
    sandbox::run(|| {
        let load = "plumb completions fish | source";
        shell_completes("fish", &["--no-config", "-i"], load);
    });
}
