//! `leaks`, `connects`, `trace` and `top`, with the hooks this kernel has.

use plumb_testkit::acting;
use plumb_testkit::temp::TempDir;
use serde_json::Value;

use super::{assert_complete, listener, plumb, record};

/// Makes every packet of loopback too long for its queue, so that it is dropped there.
const DROP_ALL: &str = "tc qdisc add dev lo root tbf rate 8kbit burst 10b limit 10b";
/// One try, so that nobody's answer is waited for only a second.
const ONE_TRY: (&str, &str) = ("/proc/sys/net/ipv4/tcp_syn_retries", "1");

fn events(trace: &Value) -> Vec<&Value> {
    trace["events"].as_array().into_iter().flatten().collect()
}

mod needs_root {
    use std::io::Write as _;
    use std::process::Command;

    use plumb_testkit::sandbox;
    use serde_json::json;

    use super::*;

    #[test]
    fn leaks_names_the_function_that_opened() {
        sandbox::run(|| {
            let folder = TempDir::new("leaks").expect("a folder");
            let act = acting::program(folder.path());
            let (_listener, port) = listener();
            let (output, leaks) = record(&["leaks"], "", &act, &["connect", &port, "5"]);
            let group = &leaks["groups"][0];
            assert_eq!(group["count"], 5, "{leaks}");
            assert_eq!(group["verdict"], "open-at-exit");
            assert_eq!(group["made_by"]["function"], acting::OPENS, "{group}");
            assert_complete(&leaks);
            assert_eq!(output.status.code(), Some(0));
        });
    }

    #[test]
    fn connects_tells_refused_from_never_answered_and_which_code_tried() {
        sandbox::run(|| {
            let folder = TempDir::new("connects").expect("a folder");
            let act = acting::program(folder.path());
            let by_code = ["connects", "--failed", "--by-code"];
            let (output, connects) = record(&by_code, "", &act, &["connect", "1", "3"]);
            let path = &connects["paths"][0];
            assert_eq!(path["outcomes"], json!({"refused": 3}), "{connects}");
            assert_eq!(path["code"]["function"], acting::OPENS, "{connects}");
            assert_eq!(output.status.code(), Some(1), "failures were asked to fail");

            let (file, tries) = ONE_TRY;
            std::fs::write(file, tries).expect("the namespace is ours");
            let shell = Command::new("sh").args(["-c", DROP_ALL]).status();
            assert!(shell.expect("there is a shell").success());
            let failed = ["connects", "--failed"];
            let (_, connects) = record(&failed, "", &act, &["connect", "1", "1"]);
            let row = &connects["connects"][0];
            assert_eq!(row["outcome"], "timed-out", "{connects}");
            assert_eq!(row["made_by"]["function"], acting::OPENS);
            let detail = row["detail"].as_str().unwrap_or_default();
            let (_, why) = detail.split_once("packets dropped: ").unwrap_or_default();
            println!("{detail}");
            // A reason by the kernel's name, else the function that dropped; a number would be neither.
            assert!(
                why.len() > 4 && !why.starts_with(|c: char| c.is_ascii_digit()),
                "{row}"
            );
            assert_complete(&connects);
        });
    }

    #[test]
    fn trace_tells_calls_states_resets_and_errors() {
        sandbox::run(|| {
            let folder = TempDir::new("trace").expect("a folder");
            let act = acting::program(folder.path());
            let (_, trace) = record(&["trace"], "", &act, &["connect", "1", "1"]);
            assert_complete(&trace);
            let names: Vec<&str> = events(&trace)
                .iter()
                .filter_map(|event| event["call"].as_str().or(event["event"].as_str()))
                .collect();
            let at = |word: &str| {
                let at = names.iter().position(|name| *name == word);
                at.unwrap_or_else(|| panic!("no {word}: {names:?}"))
            };
            assert!(at("socket") < at("reset-received"), "{names:?}");
            assert!(at("reset-received") < at("connect"), "{names:?}");
            let mut errors = events(&trace).into_iter().map(|event| &event["error"]);
            assert!(errors.any(|error| error == "ECONNREFUSED"), "{trace}");
        });
    }

    #[test]
    fn top_counts_tcp_udp_and_unix() {
        sandbox::run(|| {
            let stop = std::sync::atomic::AtomicBool::new(false);
            let mut moved = 0_u64;
            let top = std::thread::scope(|scope| {
                let mover = scope.spawn(|| {
                    let (mut one, two) = std::os::unix::net::UnixStream::pair().expect("a pair");
                    let mut sent = 0;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        one.write_all(&[0; 700]).expect("it is read");
                        std::io::Read::read_exact(&mut &two, &mut [0; 700]).expect("it came");
                        sent += 700;
                    }
                    sent
                });
                let words = ["top", "--by", "socket", "--every", "500ms", "--json"];
                let output = plumb().args(words).output().expect("plumb runs");
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
                moved += mover.join().expect("it does not panic");
                output
            });
            let top: Value = serde_json::from_slice(&top.stdout).expect("it is JSON");
            assert_complete(&top);
            let flows = top["flows"].as_array().into_iter().flatten();
            let of = |key: &str| -> u64 {
                let flows = flows.clone().filter_map(|flow| flow[key].as_u64());
                flows.sum()
            };
            let (sent, received) = (of("sent_bytes"), of("received_bytes"));
            assert!(sent >= 700 && sent <= moved, "{sent} of {moved}: {top}");
            assert!(
                received >= 700 && received <= moved,
                "{received} of {moved}"
            );
        });
    }
}
