//! What needs a namespace of its own, or other users.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use plumb_testkit::sandbox;
use rustix::io::FdFlags;
use rustix::net::sockopt;

use crate::{bind, json, stdout};

#[test]
fn heirs_of_a_descriptor_are_named() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:80").expect("nobody has it here");
        rustix::io::fcntl_setfd(&listener, FdFlags::empty()).expect("it can be handed on");
        let mut child = Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep is there");
        drop(listener);
        let output = bind(&["127.0.0.1:80", "--json"]);
        let text = stdout(&bind(&["127.0.0.1:80"]));
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        assert_eq!(output.status.code(), Some(1));
        let holder = &json(&output)["binds"][0]["blockers"][0]["processes"][0];
        assert_eq!(holder["pid"], child.id());
        assert_eq!(holder["name"], "sleep");
        assert_eq!(holder["parent_pid"], std::process::id());
        assert!(
            text.contains(&format!("end process {} (sleep)", child.id())),
            "{text}"
        );
        assert_eq!(bind(&["127.0.0.1:80"]).status.code(), Some(0));
    });
}

#[test]
fn time_wait_has_a_time_and_a_remedy() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:80").expect("nobody has it here");
        let near = TcpStream::connect("127.0.0.1:80").expect("somebody listens");
        let (far, _) = listener.accept().expect("somebody connected");
        drop(far);
        drop(near);
        drop(listener);
        let output = bind(&["127.0.0.1:80", "--json"]);
        let document = json(&output);
        let row = &document["binds"][0];
        assert_eq!(row["errno"], "EADDRINUSE", "{document}");
        assert_eq!(row["blockers"][0]["what"], "time-wait");
        let left = row["blockers"][0]["remaining_ms"].as_u64().expect("a time");
        assert!((1..=60_000).contains(&left), "{left}");
        assert_eq!(row["would_help"][0], "SO_REUSEADDR");
        let output = bind(&["127.0.0.1:80", "--reuseaddr", "--json"]);
        assert_eq!(output.status.code(), Some(0));
        let row = &json(&output)["binds"][0];
        // The flags of a connection that ended cannot be read, so the kernel has to say it.
        assert_eq!(row["predicted"], serde_json::Value::Null);
        assert_eq!(row["tried"]["bound"], true);
        let output = bind(&["127.0.0.1:80", "--reuseaddr", "--no-try"]);
        assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
        let told = "whether tcp 127.0.0.1:80 can be bound is not known: ";
        assert!(stdout(&output).contains(told), "{}", stdout(&output));
    });
}

#[test]
fn another_users_low_port_is_refused_without_being_that_user() {
    sandbox::run(|| {
        let output = bind(&["127.0.0.1:80", "--uid", "1000", "--json"]);
        let row = &json(&output)["binds"][0];
        assert_eq!(row["rule"], "privileged-port");
        assert_eq!(row["tried"]["errno"], "EACCES");
        let as_nobody = |words: &[&str]| {
            Command::new("setpriv")
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .args([env!("CARGO_BIN_EXE_plumb"), "bind"])
                .args(words)
                .output()
                .expect("util-linux is there")
        };
        let document = json(&as_nobody(&["127.0.0.1:80", "--json"]));
        let row = &document["binds"][0];
        assert_eq!(row["tried"]["errno"], "EACCES", "{row}");
        // Where root's processes are may not be looked at.
        let reasons = document["reasons"].as_array().cloned().unwrap_or_default();
        let is_whole = |reason: &serde_json::Value| {
            let text = reason.as_str().unwrap_or_default();
            text.starts_with("not seen: ") && text.ends_with(')')
        };
        assert!(
            !reasons.is_empty() && reasons.iter().all(is_whole),
            "{document}"
        );
        let row = &json(&as_nobody(&["127.0.0.1:8080", "--uid", "0", "--json"]))["binds"][0];
        assert_eq!(row["can_bind"], true);
        assert_eq!(
            row["not_tried"],
            "may not become user 0: Operation not permitted"
        );
    });
}

#[test]
fn without_root_the_user_whose_socket_is_in_the_way_is_named() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").expect("nobody has it here");
        let as_nobody = |words: &[&str]| {
            Command::new("setpriv")
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .args([env!("CARGO_BIN_EXE_plumb"), "bind"])
                .args(words)
                .output()
                .expect("util-linux is there")
        };
        let text = stdout(&as_nobody(&["127.0.0.1:8080"]));
        let document = json(&as_nobody(&["127.0.0.1:8080", "--json"]));
        let by_name = json(&bind(&["127.0.0.1:80", "--uid", "nobody", "--json"]));
        drop(listener);
        assert!(text.contains("(socket of root)"), "{text}");
        assert!(
            text.contains("somebody unknown (permission-denied; the socket is root's) listens on"),
            "{text}"
        );
        assert!(
            text.contains("which process it is, ask as root\n"),
            "{text}"
        );
        let holder = &document["binds"][0]["blockers"][0];
        assert_eq!(
            (&holder["uid"], &holder["user"]),
            (&0.into(), &"root".into())
        );
        let row = &by_name["binds"][0];
        assert_eq!(row["tried"]["errno"], "EACCES", "{row}");
        let explanation = row["explanation"].as_str().unwrap_or_default();
        assert!(explanation.contains("user nobody does not have"), "{row}");
    });
}

#[test]
fn nobody_s_datagram_is_risked() {
    sandbox::run(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is up");
        let address = socket.local_addr().expect("it is bound").to_string();
        // Set late, as programs do that hand a port over.
        sockopt::set_socket_reuseport(socket.as_fd(), true).expect("an option of every kernel");
        let words = [&address, "udp", "--reuseport", "--json"];
        let row = &json(&bind(&words))["binds"][0];
        assert_eq!(row["can_bind"], true, "{row}");
        assert_eq!(row["rule"], "shared-by-reuseport");
        assert_eq!(row["tried"], serde_json::Value::Null);
        let row = &json(&bind(&[&words[..], &["--try"]].concat()))["binds"][0];
        assert_eq!(row["tried"]["agrees"], true, "{row}");
    });
}

#[test]
fn a_socket_elsewhere_is_in_nobodys_way_until_one_looks_there() {
    sandbox::run(|| {
        let script = "use Socket; socket(S, PF_INET, SOCK_STREAM, 0); \
            bind(S, sockaddr_in(80, INADDR_ANY)) or die; listen(S, 1) or die; print qq(ready\\n); \
            $| = 1; close(STDOUT); sleep(60)";
        let mut child = Command::new("unshare")
            .args(["--net", "--", "perl", "-e", script])
            .stdout(Stdio::piped())
            .spawn()
            .expect("util-linux and perl-base are there");
        let mut ready = String::new();
        let pipe = child.stdout.take().expect("it was asked for");
        std::io::Read::read_to_string(&mut std::io::BufReader::new(pipe), &mut ready)
            .expect("it closes its output");
        assert_eq!(ready, "ready\n");
        let pid = child.id().to_string();
        let here = bind(&["127.0.0.1:80", "--json"]);
        let there = bind(&["0.0.0.0:80", "--netns", &pid, "--json"]);
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        let row = &json(&here)["binds"][0];
        assert_eq!(row["can_bind"], true, "{row}");
        assert_eq!(row["elsewhere"][0]["processes"][0]["name"], "perl");
        let row = &json(&there)["binds"][0];
        assert_eq!(row["can_bind"], false, "{row}");
        assert_eq!(row["blockers"][0]["overlap"], "same-address");
    });
}

#[test]
fn a_namespace_that_never_had_an_address_is_no_disagreement_with_the_kernel() {
    sandbox::run(|| {
        for address in ["127.0.0.1:80", "192.0.2.1:80"] {
            let output = Command::new("unshare")
                .args([
                    "--net",
                    "--",
                    env!("CARGO_BIN_EXE_plumb"),
                    "bind",
                    address,
                    "--json",
                ])
                .output()
                .expect("util-linux is there");
            let row = &json(&output)["binds"][0];
            assert_eq!(row["can_bind"], true, "{row}");
            assert_eq!(row["predicted"], serde_json::Value::Null, "{row}");
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!told.contains("DISAGREES"), "{told}");
        }
    });
}
