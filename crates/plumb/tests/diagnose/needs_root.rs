//! In a sandbox: a fault of known kind, and a user who may not see everything.

use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use plumb_testkit::chain::Chain;
use plumb_testkit::sandbox;
use serde_json::Value;

use super::called::plumb;

/// Connections whose clients have closed and whose servers have not.
fn forgotten(count: usize) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:8080").expect("the sandbox is empty");
    let kept = (0..count)
        .map(|_| {
            let client = TcpStream::connect("127.0.0.1:8080").expect("it listens");
            let (server, _) = listener.accept().expect("it came");
            drop(client);
            server
        })
        .collect();
    (listener, kept)
}

#[test]
fn a_finding_makes_the_exit_status_only_when_asked_and_concerns_only_its_subject() {
    sandbox::run(|| {
        let _kept = forgotten(30);
        let json = |words: &[&str]| {
            let output = plumb(&[&["--json", "--for=300ms"], words].concat());
            let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
            let kinds: Vec<String> = document["findings"]
                .as_array()
                .expect("an array")
                .iter()
                .map(|finding| finding["kind"].as_str().unwrap_or_default().to_owned())
                .collect();
            (output.status.code(), kinds)
        };
        let leak = vec!["close-wait-leak".to_owned()];
        assert_eq!(json(&[]), (Some(0), leak.clone()));
        assert_eq!(json(&["--fail-on=warning"]), (Some(1), leak.clone()));
        assert_eq!(json(&["--fail-on=critical"]), (Some(0), leak.clone()));
        assert_eq!(json(&[":8080"]).1, leak);
        // Of what nobody has nothing is found, and that is no health.
        let nobody = plumb(&[":8081", "--json", "--for=10ms"]);
        let document: Value = serde_json::from_slice(&nobody.stdout).expect("a document");
        let why = "nothing to look at: no socket and no packet has :8081; --probe tries it";
        assert!(
            document["reasons"]
                .as_array()
                .expect("an array")
                .contains(&why.into())
        );
        assert_eq!(json(&[":8081"]).1, Vec::<String>::new());
        let own = std::process::id().to_string();
        assert_eq!(json(&[&own]).1, leak);
        // Somebody who has nothing to do with it, in the same namespace.
        let mut other = Command::new("sleep").arg("60").spawn().expect("coreutils");
        assert_eq!(json(&[&other.id().to_string()]).1, Vec::<String>::new());
        other.kill().expect("it is ours");
        other.wait().expect("it was killed");
        let text = plumb(&["--for=300ms"]);
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(text.starts_with("warning close-wait-leak: "), "{text}");
        assert!(text.contains("\n  -> "), "{text}");
    });
}

#[test]
fn an_ordinary_user_is_told_what_could_not_be_seen() {
    sandbox::run(|| {
        let _kept = forgotten(30);
        let diagnosed = |form: &str| {
            Command::new("setpriv")
                .args(["--reuid=1234", "--regid=1234", "--clear-groups"])
                .args(["--inh-caps=-all", env!("CARGO_BIN_EXE_plumb"), "diagnose"])
                .args(["--output", form, "--for=100ms"])
                .output()
                .expect("util-linux is installed")
        };
        let (output, text) = (diagnosed("json"), diagnosed("table"));
        assert!(output.status.success(), "{output:?}");
        let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
        assert_eq!(document["complete"], false);
        let reasons = document["reasons"].to_string();
        assert!(reasons.contains("on the wire"), "{reasons}");
        assert!(reasons.contains("rules of the firewall"), "{reasons}");
        let deaf = ["calls that fail: ", "its own firewall throws away: "];
        assert!(deaf.iter().all(|what| reasons.contains(what)), "{reasons}");
        // The listener and the ends that were kept are another user's.
        assert!(reasons.contains("the holders of 31 sockets"), "{reasons}");
        let checked = document["checked"].as_array().expect("an array");
        let is_checked = |id: &str| checked.iter().any(|known| known == id);
        assert!(is_checked("close-wait-leak"), "{document}");
        for id in ["no-listener", "port-in-use", "firewall-drop"] {
            assert!(!is_checked(id), "{document}");
            let mut whys = document["reasons"].as_array().expect("an array").iter();
            let is_why = |why: &Value| {
                let why = why.as_str().unwrap_or_default();
                why.starts_with("not looked for: ") && why.contains(id)
            };
            assert!(whys.any(is_why), "{id}: {reasons}");
        }
        let told = String::from_utf8_lossy(&text.stderr).into_owned();
        assert!(told.contains("plumb diagnose: not seen: "), "{told}");
        assert!(!told.contains("not seen: not seen"), "{told}");
        assert!(!told.contains("os error"), "{told}");
        assert!(told.contains("root sees that; plumb doctor"), "{told}");
    });
}

/// Where nothing is wrong.
#[test]
fn how_many_causes_were_looked_for_depends_on_what_could_be_seen() {
    sandbox::run(|| {
        let all = plumb_analyze::diagnose::ids().count();
        let said = |output: std::process::Output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.lines().next().unwrap_or_default().to_owned()
        };
        let root = said(plumb(&["--for=100ms"]));
        assert_eq!(root, format!("nothing found; looked for {all} causes"));
        let output = Command::new("setpriv")
            .args(["--reuid=1234", "--regid=1234", "--clear-groups"])
            .args(["--inh-caps=-all", env!("CARGO_BIN_EXE_plumb"), "diagnose"])
            .arg("--for=100ms")
            .output()
            .expect("util-linux is installed");
        let user = said(output);
        let of_all = format!(" of {all} causes");
        assert!(user.starts_with("nothing found; looked for "), "{user}");
        assert!(user.ends_with(&of_all), "{user}");
    });
}

#[test]
fn what_was_tried_and_refused_is_nobody_else_s_attempt() {
    sandbox::run(|| {
        let output = plumb(&["127.0.0.1:8081", "--probe", "--for=500ms"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = "nothing listens on 127.0.0.1:8081: what was tried there was refused";
        assert!(
            text.starts_with(&format!("warning no-listener: {told}\n")),
            "{text}"
        );
        assert!(!text.contains("stop the client"), "{text}");
    });
}

#[test]
fn one_attempt_is_told_as_one() {
    sandbox::run(|| {
        let words = [
            "--for=2s",
            "--",
            "bash",
            "-c",
            "exec 3<>/dev/tcp/127.0.0.1/8081",
        ];
        let output = plumb(&words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = "\n  1 attempt at 127.0.0.1:8081 was refused in ";
        assert!(text.contains(told), "{text}");
    });
}

/// A program that connects to a port of 127.0.0.1 over and over, and waits for each refusal or does not.
fn keeps_connecting(waits: bool) -> String {
    let flags = if waits { "0" } else { "2048" };
    format!(
        "use Socket; for (1..400) {{ socket(my $s, AF_INET, SOCK_STREAM | {flags}, 6);
        connect($s, sockaddr_in(8081, INADDR_LOOPBACK)); select(undef, undef, undef, 0.05); }}"
    )
}

#[test]
fn who_keeps_connecting_to_nobody_is_named_whether_he_waits_or_not() {
    sandbox::run(|| {
        for waits in [true, false] {
            let mut client = Command::new("perl")
                .args(["-e", &keeps_connecting(waits)])
                .spawn()
                .expect("perl is everywhere");
            let output = plumb(&["--for=1500ms"]);
            client.kill().expect("it is ours");
            client.wait().expect("it was killed");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let who = format!("perl (process {})", client.id());
            let told = format!("{who} keeps connecting to 127.0.0.1:8081, where nothing listens\n");
            assert!(text.contains(&told), "waits: {waits}: {text}");
        }
    });
}

#[test]
fn a_flood_of_packets_does_not_lengthen_the_watch() {
    sandbox::run(|| {
        let flood = "import socket, time
end = time.time() + 40
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while time.time() < end:
    for _ in range(1000):
        try: out.sendto(b\"x\", (\"127.0.0.1\", 9))
        except OSError: pass";
        let mut floods = [0, 1].map(|_| {
            let mut python = Command::new("python3");
            let flood = python.args(["-c", flood]).spawn();
            flood.expect("python3 is installed")
        });
        let start = Instant::now();
        let output = plumb(&["--json", "--for=500ms"]);
        let took = start.elapsed();
        for flood in &mut floods {
            flood.kill().expect("it is ours");
            flood.wait().expect("it was killed");
        }
        assert!(output.status.success(), "{output:?}");
        // It took as long as the flood.
        assert!(took < Duration::from_secs(20), "{took:?}");
    });
}

#[test]
fn a_firewall_that_resets_in_a_hosts_name_is_told_by_probes() {
    sandbox::run(|| {
        let chain = Chain::new(3).expect("root builds it");
        let rule = "tcp dport 25 reject with tcp reset";
        chain.filter(2, "forward", rule).expect("nft is there");
        let summary = |end: &str| {
            let words = ["diagnose", end, "--probe", "--for=500ms", "--json"];
            let output = chain.run(0, env!("CARGO_BIN_EXE_plumb"), &words);
            let output = output.expect("the binary was built");
            let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let first = &document["findings"][0];
            assert_eq!(first["kind"], "connection-refused", "{document}");
            assert_eq!(document["findings"][1], Value::Null, "{document}");
            first["summary"].as_str().unwrap_or_default().to_owned()
        };
        let told = summary("10.0.3.2:25");
        assert!(
            told.contains("a firewall on the way, 10.0.1.2 at hop 2,"),
            "{told}"
        );
        let told = summary("10.0.3.2:26");
        assert!(told.contains("nothing listens on its port 26"), "{told}");
    });
}
