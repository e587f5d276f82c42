//! docs/json.md and the JSON documents say the same keys.
//!
//! Every mode runs on live state and on a frozen tree with the tables few kernels have; what comes
//! out is compared with the tables of the page, key by key, in both directions.

use serde_json::Value;

use crate::json_keys::{self, Keys, collect_row};

/// The rows of these share one section of the page.
const LEGACY: [&str; 5] = ["ipx", "ax25", "x25", "netrom", "rose"];

fn differences(seen: &Keys) -> Vec<String> {
    json_keys::differences(seen, "json.md", &LEGACY)
}

/// Adds the keys of a document to those seen before.
fn collect(document: &Value, seen: &mut Keys) {
    for (key, value) in document.as_object().expect("a document is an object") {
        seen.entry(String::new()).or_default().insert(key.clone());
        for row in value.as_array().into_iter().flatten() {
            collect_row(row, "", seen.entry(key.clone()).or_default());
        }
    }
}

#[test]
fn an_unknown_key_is_noticed() {
    let mut seen = Keys::new();
    let document = serde_json::json!({"sockets": [{"local": {"address": "::", "colour": 1}}]});
    collect(&document, &mut seen);
    let found = differences(&seen);
    assert!(found.contains(&"not documented: `local.colour` in `sockets`".to_owned()));
    assert!(!found.contains(&"not documented: `local.address` in `sockets`".to_owned()));
}

mod needs_root {
    use std::io::{BufRead as _, BufReader};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Output, Stdio};

    use plumb_testkit::frozen::ProcTree;
    use plumb_testkit::{sandbox, states};
    use serde_json::Value;

    use super::{Keys, collect, differences};
    use crate::needs_root::{RunDirectory, ip, netstat, thaw};

    fn output(words: &str) -> Output {
        let words: Vec<&str> = words.split_whitespace().collect();
        netstat(&words).output().expect("the program starts")
    }

    fn document(words: &str) -> Value {
        let output = output(&format!("{words} --json"));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words}: {error}"))
    }

    /// Adds rows of the tables that only kernels with amateur radio or X.25 have.
    fn add_radio(tree: &ProcTree) {
        let heads = "heads\n";
        for (path, text) in [
            ("net/ax25", "dead ax0 N0CALL-1 N0CALL-2,N0CALL-3* 3 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 9\n".to_owned()),
            ("net/x25", format!("{heads}12345      67890      eth0  011  3  1  2  3   0   2 200 180 180   100   200 12345\n")),
            ("net/nr", format!("{heads}N0CALL-1  N0CALL-2  N0CALL-3  nr0  01/FF 03/04  3   5   6   7 008/009 10/11 012/013 014/015 16/17  18    19    20 21\n")),
            ("net/rose", format!("{heads}1234567890 N0CALL-1  2222222222 N0CALL-2  rose0 010 00020  3  1  2  3\n")),
        ] {
            tree.file(path, text).expect("the sandbox has room");
        }
    }

    #[test]
    fn every_key_is_documented_and_every_documented_key_is_there() {
        sandbox::run(|| {
            let mut seen = Keys::new();
            let listener = TcpListener::bind("127.0.0.1:7111").expect("loopback is up");
            let waiting = TcpStream::connect("127.0.0.1:7111").expect("somebody listens");
            let path = std::env::temp_dir().join("socket");
            let unix = UnixListener::bind(path).expect("the sandbox has room");
            for words in [
                "-ap",
                "-antpeo",
                "-xap",
                "-g",
                "-gn",
                "-i",
                "-ae",
                "-ie",
                "-s",
                "-6s",
                "-rn",
                "-6rn",
                "-m",
                "-ma",
                "-t --all-netns",
                "-S",
                "-M",
            ] {
                collect(&document(words), &mut seen);
            }
            drop((listener, waiting, unix));
            let states = states::of('X').expect("the sandbox has room");
            let tree = &states.first().expect("there is one").tree;
            add_radio(tree);
            rustix::mount::mount_bind(tree.path(), "/proc").expect("root can mount here");
            let frozen: Vec<Output> = [
                "-anp",
                "-Sanp",
                "-A ipx,ax25,x25,netrom,rose -a",
                "-rn",
                "-rCn",
                "-6rn",
                "-Mn",
                "-sn",
                "-in",
                "-gn",
            ]
            .into_iter()
            .map(|words| output(&format!("{words} --json")))
            .collect();
            thaw();
            for output in frozen {
                let document = serde_json::from_slice(&output.stdout).expect("valid JSON");
                collect(&document, &mut seen);
            }
            let found = differences(&seen);
            assert!(found.is_empty(), "{}", found.join("\n"));
        });
    }

    #[test]
    fn each_round_is_a_document_on_a_line_of_its_own() {
        sandbox::run(|| {
            let mut child = netstat(&["-rnc", "--json"])
                .stdout(Stdio::piped())
                .spawn()
                .expect("the program starts");
            let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
            for line in lines.take(2) {
                let line = line.expect("a line comes");
                let document: Value = serde_json::from_str(&line).expect("one line, one document");
                assert_eq!(document["complete"], true);
            }
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
        });
    }

    /// Two more namespaces: `bare` as it was made, `red` with loopback and an interface `only0`.
    fn two_namespaces() -> RunDirectory {
        let run = RunDirectory::new();
        for words in [
            "netns add bare",
            "netns add red",
            "-n red link set lo up",
            "-n red link add only0 type veth peer name only1",
            "-n red addr add 10.9.0.2/24 dev only0",
            "-n red link set only0 up",
        ] {
            ip(&words.split(' ').collect::<Vec<_>>());
        }
        run
    }

    #[test]
    fn what_one_namespace_lacks_does_not_end_the_walk() {
        sandbox::run(|| {
            let _run = two_namespaces();
            // A namespace that never had an address has no IPv4 table at all.
            let routes = output("-46rn --all-netns");
            let text = String::from_utf8_lossy(&routes.stdout).into_owned();
            assert_eq!(routes.status.code(), Some(0), "{text}");
            assert!(text.contains("red              10.9.0.0 "), "{text}");
            assert!(text.contains("Kernel IPv6 routing table"), "{text}");
            let alone = Command::new("ip")
                .args(["netns", "exec", "bare", "/usr/bin/netstat", "-rn"])
                .status()
                .expect("ip is there");
            assert_eq!(alone.code(), Some(1), "alone it is a failure, as it was");

            let one = output("-I=only0 --all-netns");
            let text = String::from_utf8_lossy(&one.stdout).into_owned();
            assert_eq!((one.status.code(), &*one.stderr), (Some(0), &b""[..]));
            assert!(text.contains("red              only0 "), "{text}");
            let none = output("-I=none0 --all-netns");
            assert_eq!(none.status.code(), Some(1));
            assert_eq!(
                String::from_utf8_lossy(&none.stderr),
                "netstat: interface none0: no such interface\n"
            );
            std::fs::write("/run/netns/stale", "").expect("it is ours");
            let stale = output("-rn --all-netns");
            assert_eq!((stale.status.code(), &*stale.stderr), (Some(0), &b""[..]));
            let missing = output("-A ipx --all-netns");
            assert_eq!(
                String::from_utf8_lossy(&missing.stderr),
                "netstat: no support for `AF IPX' on this system.\n"
            );
        });
    }

    #[test]
    fn who_may_not_enter_sees_the_own_namespace_and_is_told() {
        sandbox::run(|| {
            let _run = two_namespaces();
            let _listener = TcpListener::bind("127.0.0.1:7112").expect("loopback is up");
            let program = std::env::temp_dir().join("netstat");
            std::fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the sandbox has room");
            for words in ["-ltnp", "-xa", "-i", "-rn", "-s", "-gn", "-m"] {
                let output = Command::new("setpriv")
                    .args(["--reuid", "1000", "--regid", "1000", "--clear-groups"])
                    .arg(&program)
                    .args([words, "--all-netns", "--json"])
                    .output()
                    .expect("setpriv is there");
                let document: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
                assert_eq!(document["complete"], false, "{words}");
                let reasons = document["reasons"].to_string();
                for name in ["bare", "red"] {
                    let reason = format!("enter network namespace {name}: Operation not permitted");
                    assert_eq!(reasons.matches(&reason).count(), 1, "{words}: {reasons}");
                }
                assert!(!reasons.contains("\\n"), "a reason is one line: {reasons}");
                assert_eq!(output.status.code(), Some(0), "{words}");
            }
        });
    }
}
