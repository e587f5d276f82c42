//! Whom it is about, wherever and however short they live: processes in other network namespaces, services that
//! are started again and again, children of a command.

mod needs_root {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use plumb_testkit::namespace::Namespace;
    use plumb_testkit::sandbox;
    use serde_json::Value;

    use super::super::called::plumb;

    /// A process that keeps thirty connections which their peers have closed, and says so.
    const LEAK: &str = "import socket, sys, time
listener = socket.create_server((\"127.0.0.1\", 8080), backlog=50)
kept = []
for _ in range(30):
    client = socket.create_connection((\"127.0.0.1\", 8080))
    kept.append(listener.accept()[0])
    client.close()
open(sys.argv[1], \"w\").close()
time.sleep(60)";

    fn findings(words: &[&str]) -> (Vec<Value>, Value) {
        let output = plumb(&[&["--json"], words].concat());
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let all = document["findings"].as_array().expect("an array").clone();
        (all, document)
    }

    fn leaks(words: &[&str]) -> Vec<Value> {
        let (all, _) = findings(words);
        let leaks = all.into_iter();
        leaks
            .filter(|finding| finding["kind"] == "close-wait-leak")
            .map(|finding| finding["subject"].clone())
            .collect()
    }

    fn leaking(namespace: &Namespace) -> Child {
        let said = std::env::temp_dir().join(format!("plumb-leaks-{}", namespace.id));
        let child = namespace.inside({
            let said = said.clone();
            move || {
                Command::new("python3")
                    .args(["-c", LEAK])
                    .arg(said)
                    .spawn()
                    .expect("python3 is installed")
            }
        });
        let end = Instant::now() + Duration::from_secs(20);
        while !said.exists() {
            assert!(Instant::now() < end, "it never came so far");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::fs::remove_file(said).expect("it is ours");
        child
    }

    #[test]
    fn a_process_in_another_network_namespace_is_looked_at_where_it_is() {
        let namespace = Namespace::new().expect("root can make a network namespace");
        let mut child = leaking(&namespace);
        let pid = child.id().to_string();
        let label = format!("net:[{}]", namespace.id);
        let outside = leaks(&["--for=200ms", &pid]);
        let named = leaks(&["--for=200ms", "--netns", &pid]);
        let everywhere = leaks(&["--for=200ms", "--all-netns"]);
        let text = plumb(&["--for=200ms", &pid]);
        child.kill().expect("it is ours");
        child.wait().expect("it was killed");

        assert_eq!(outside.len(), 1, "{outside:?}");
        assert_eq!(outside[0]["netns"], label.as_str());
        assert_eq!(outside[0]["pid"].to_string(), pid);
        // There it is our own.
        assert_eq!(named.len(), 1, "{named:?}");
        assert!(named[0]["netns"].is_null(), "{named:?}");
        assert!(
            everywhere
                .iter()
                .any(|subject| subject["netns"] == label.as_str()),
            "{everywhere:?}"
        );
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        let head = format!("warning close-wait-leak in network namespace {label}: python3");
        assert!(text.starts_with(&head), "{text}");
    }

    /// Starts a service that cannot bind, again and again, until it is killed. It is called `unlucky` only while
    /// it tries, which is never long.
    fn unlucky() -> Child {
        let tried = "open(\"/proc/self/comm\", \"w\").write(\"unlucky\")
import socket
socket.create_server((\"127.0.0.1\", 8443))";
        Command::new("sh")
            .args(["-c", "while :; do python3 -c \"$0\"; done", tried])
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell")
    }

    /// What is told of the service comes first.
    fn assert_told(found: &[Value], document: &Value) {
        let first = found.first().unwrap_or_else(|| panic!("{document}"));
        assert_eq!(first["kind"], "port-in-use", "{document}");
        assert_eq!(first["subject"]["local"], "127.0.0.1:8443", "{document}");
    }

    #[test]
    fn a_service_that_cannot_bind_and_is_started_again_and_again_is_known_by_its_name() {
        sandbox::run(|| {
            let _held = TcpListener::bind("127.0.0.1:8443").expect("the sandbox is empty");
            let mut again = unlucky();
            let (found, document) = findings(&["--for=3s", "unlucky"]);
            again.kill().expect("it is ours");
            again.wait().expect("it was killed");
            assert_told(&found, &document);
        });
    }

    #[test]
    fn a_service_that_comes_and_goes_is_told_of_although_one_of_its_name_lives_elsewhere() {
        sandbox::run(|| {
            let _held = TcpListener::bind("127.0.0.1:8443").expect("the sandbox is empty");
            let elsewhere = Namespace::new().expect("root can make a network namespace");
            let mut namesake = elsewhere.inside(|| {
                let called = "open(\"/proc/self/comm\", \"w\").write(\"unlucky\")
print(flush=True)
import time
time.sleep(60)";
                Command::new("python3")
                    .args(["-c", called])
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("python3 is installed")
            });
            let mut line = [0];
            let mut said = namesake.stdout.take().expect("it is piped");
            said.read_exact(&mut line)
                .expect("it says when it is so far");
            let mut again = unlucky();
            let (found, document) = findings(&["--for=3s", "unlucky"]);
            for child in [&mut again, &mut namesake] {
                child.kill().expect("it is ours");
                child.wait().expect("it was killed");
            }
            assert_told(&found, &document);
        });
    }

    #[test]
    fn what_children_of_a_command_are_refused_is_the_commands() {
        sandbox::run(|| {
            let _held = TcpListener::bind("127.0.0.1:8443").expect("the sandbox is empty");
            let child = "import socket; socket.create_server((\"127.0.0.1\", 8443))";
            let line = format!("python3 -c '{child}' 2>/dev/null; true");
            let (found, document) = findings(&["--for=10s", "--", "sh", "-c", &line]);
            let kinds: Vec<_> = found.iter().map(|finding| &finding["kind"]).collect();
            assert_eq!(kinds, ["port-in-use"], "{document}");
        });
    }

    /// Connects and does not wait, learns that it was refused, and ends at once.
    #[test]
    fn a_command_that_does_not_wait_for_its_refusal_is_warned_like_one_that_does() {
        sandbox::run(|| {
            for waits in [true, false] {
                let tries = format!(
                    "import select, socket
client = socket.socket()
client.setblocking({})
client.connect_ex((\"127.0.0.1\", 7777))
select.select([], [client], [], 2)",
                    if waits { "True" } else { "False" }
                );
                let (found, document) = findings(&["--", "python3", "-c", &tries]);
                let first = found.first().unwrap_or_else(|| panic!("{document}"));
                assert_eq!(first["kind"], "no-listener", "{document}");
                assert_eq!(first["severity"], "warning", "{document}");
            }
        });
    }

    #[test]
    fn what_a_short_command_did_in_its_last_moment_is_said_to_be_unseen() {
        let (_, document) = findings(&["--for=10s", "--", "true"]);
        assert_eq!(document["complete"], false, "{document}");
        let reasons = document["reasons"].to_string();
        assert!(reasons.contains("they ended with it"), "{document}");
    }

    /// What was seen while it ran is all there is: its namespace ends with it.
    #[test]
    fn a_command_that_was_alone_in_its_network_namespace_is_told_of() {
        let line = format!("ip link set lo up; exec timeout 3 python3 -c '{LEAK}' /dev/null");
        let words = ["--for=10s", "--", "unshare", "-n", "sh", "-c", &line];
        let (found, document) = findings(&words);
        let first = found.first().unwrap_or_else(|| panic!("{document}"));
        assert_eq!(first["kind"], "close-wait-leak", "{document}");
        assert_eq!(first["subject"]["process"], "python3", "{document}");
    }

    #[test]
    fn a_command_is_followed_into_another_network_namespace() {
        let namespace = Namespace::new().expect("root can make a network namespace");
        let label = format!("net:[{}]", namespace.id);
        // Somebody who stays there, so that there is a way in, and who holds the port.
        let mut stays = leaking(&namespace);
        let pid = stays.id().to_string();
        let enter = ["--for=10s", "--", "nsenter", "--net", "--target", &pid];
        let tries = "import socket, time
try:
    socket.create_server((\"127.0.0.1\", 8080))
except OSError:
    # Long enough to be met there.
    time.sleep(2)";
        let (found, document) = findings(&[&enter[..], &["python3", "-c", tries]].concat());
        stays.kill().expect("it is ours");
        stays.wait().expect("it was killed");
        let first = found.first().unwrap_or_else(|| panic!("{document}"));
        assert_eq!(first["kind"], "port-in-use", "{document}");
        assert_eq!(first["subject"]["netns"], label.as_str(), "{document}");
    }
}
