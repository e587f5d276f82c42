//! Ranges of few ports in namespaces of their own, used up for real.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use plumb_collect::sys::socket_option::set_word;
use plumb_testkit::sandbox;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};
use serde_json::Value;

use crate::{json, ports};

fn set(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/ipv4/{name}"), value).expect("root sets it here");
}

fn connect(to: SocketAddr) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::connect(&socket, &to)?;
    Ok(socket)
}

fn server() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:80").expect("nobody has it here");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

#[test]
fn a_range_that_is_used_up_is_full_and_connect_says_so() {
    sandbox::run(|| {
        set("ip_local_port_range", "40000 40019");
        set("ip_local_reserved_ports", "40003,40010-40011");
        set("tcp_tw_reuse", "0");
        let (_listener, address) = server();
        let mut held = Vec::new();
        let error = loop {
            match connect(address) {
                Ok(socket) => held.push(socket),
                Err(error) => break error,
            }
        };
        assert_eq!(error, Errno::ADDRNOTAVAIL);
        assert_eq!(held.len(), 17, "20 ports, 3 reserved");
        let output = ports(&["--once", "--json", "--fail-over", "90"]);
        assert_eq!(output.status.code(), Some(1));
        let document = json(&output);
        assert_eq!(document["range"]["ports"], 17);
        let row = &document["targets"][0];
        assert_eq!(row["destination"], "127.0.0.1:80");
        assert_eq!(
            (&row["in_use"], &row["percent"]),
            (&17.into(), &100.0.into())
        );
        assert_eq!(row["processes"][0]["pid"], std::process::id());
        assert_eq!(row["processes"][0]["sockets"], 17);
        let warnings = document["warnings"].as_array().expect("an array");
        assert!(warnings.iter().any(|warning| warning["id"] == "exhausted"));
        let text = String::from_utf8_lossy(&ports(&["--once"]).stdout).into_owned();
        assert!(
            text.contains("now") && text.contains("EADDRNOTAVAIL"),
            "{text}"
        );
        // To another destination there is the whole range.
        let other = TcpListener::bind("127.0.0.2:80").expect("nobody has it here");
        connect(other.local_addr().expect("it is bound"))
            .expect("ports are counted by destination");
        drop(held);
        assert_eq!(
            ports(&["--once", "--fail-over", "90"]).status.code(),
            Some(1),
            "TIME_WAIT"
        );
    });
}

#[test]
fn time_wait_that_can_be_taken_again_counts_for_a_second_only() {
    sandbox::run(|| {
        set("ip_local_port_range", "40000 40009");
        let (listener, address) = server();
        for _ in 0..6 {
            let near = TcpStream::connect(address).expect("there are ports");
            let (far, _) = listener.accept().expect("somebody connected");
            drop(near);
            drop(far);
        }
        let row = |value: &str| {
            set("tcp_tw_reuse", value);
            json(&ports(&["--once", "--json"]))["targets"][0].clone()
        };
        let counted = |row: &Value| (row["in_use"].clone(), row["blocked"].clone());
        let (all, none) = ((6.into(), 6.into()), (6.into(), 0.into()));
        assert_eq!(row("0")["time_wait"], 6);
        for value in ["1", "2"] {
            // Before a second has passed nobody takes one.
            let end = Instant::now() + Duration::from_secs(10);
            while counted(&row(value)) != none {
                assert!(Instant::now() < end, "{}", row(value));
            }
        }
        // Without the setting age changes nothing.
        assert_eq!(counted(&row("0")), all);
    });
}

#[test]
fn ports_that_are_bound_and_not_used_are_taken_from_everybody() {
    sandbox::run(|| {
        set("ip_local_port_range", "40000 40009");
        let (_listener, address) = server();
        let bound: Vec<OwnedFd> = (0..4)
            .map(|_| {
                let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
                rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0)))?;
                Ok::<_, Errno>(socket)
            })
            .collect::<Result<_, _>>()
            .expect("there are ports");
        let held: Vec<OwnedFd> = std::iter::from_fn(|| connect(address).ok()).collect();
        assert_eq!(held.len() + bound.len(), 10);
        let document = json(&ports(&["--once", "--json"]));
        assert_eq!(document["range"]["taken"], 4);
        let row = &document["targets"][0];
        assert_eq!((&row["in_use"], &row["capacity"]), (&6.into(), &6.into()));
        let warnings = document["warnings"].as_array().expect("an array");
        assert!(
            warnings
                .iter()
                .any(|warning| warning["id"] == "bound-without-connection")
        );
    });
}

#[test]
fn a_range_that_a_program_allows_itself_is_what_it_has() {
    sandbox::run(|| {
        const SOL_IP: i32 = 0;
        const IP_LOCAL_PORT_RANGE: i32 = 51;
        set("ip_local_port_range", "40000 40999");
        let (_listener, address) = server();
        let connect = || -> Result<OwnedFd, Errno> {
            let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
            let range = (40_109_u32 * 65_536 + 40_100).cast_signed();
            set_word(&socket, SOL_IP, IP_LOCAL_PORT_RANGE, range)?;
            rustix::net::connect(&socket, &address)?;
            Ok(socket)
        };
        let mut held = Vec::new();
        match connect() {
            Err(Errno::NOPROTOOPT) => {
                println!("not compared: this kernel has no IP_LOCAL_PORT_RANGE (6.3 has)");
                return;
            }
            first => held.push(first.expect("it is a server")),
        }
        for _ in 1..5 {
            held.push(connect().expect("half of them"));
        }
        let row = json(&ports(&["--once", "--json"]))["targets"][0].clone();
        assert_eq!(row["own_range"]["first"], 40_100, "{row}");
        assert_eq!((&row["blocked"], &row["capacity"]), (&5.into(), &10.into()));
        while let Ok(socket) = connect() {
            held.push(socket);
        }
        assert_eq!(held.len(), 10);
        let document = json(&ports(&["--once", "--json"]));
        assert_eq!(document["targets"][0]["percent"], 100.0, "{document}");
        let ids = document["warnings"].as_array().expect("an array").iter();
        let ids: Vec<&str> = ids.filter_map(|warning| warning["id"].as_str()).collect();
        assert!(
            ids.contains(&"exhausted") && ids.contains(&"own-range"),
            "{ids:?}"
        );
    });
}

#[test]
fn growth_has_an_end() {
    sandbox::run(|| {
        set("ip_local_port_range", "40000 41999");
        let (_listener, address) = server();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let client = std::thread::spawn(move || {
            let mut held = Vec::new();
            // A connection every few milliseconds, a thousand at most.
            while held.len() < 1_000 {
                held.extend(connect(address).ok());
                if stopped.recv_timeout(Duration::from_millis(5))
                    != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                {
                    break;
                }
            }
            held.len()
        });
        let document = json(&ports(&["--for", "500ms", "--json"]));
        stop.send(()).expect("it listens");
        assert!(client.join().expect("it ends") > 0);
        let row = &document["targets"][0];
        let pace = row["new_per_s"].as_f64().expect("two looks");
        let end = row["exhausted_in_s"].as_f64().expect("it grows");
        let left = 2_000.0 - row["blocked"].as_f64().expect("a number");
        assert!(pace > 0.0, "{row}");
        assert!((end - left / pace).abs() < 0.01 * end, "{row}");
    });
}

#[test]
fn ports_of_a_server_in_the_range_are_no_use_of_it() {
    sandbox::run(|| {
        set("ip_local_port_range", "40000 40009");
        let listener = TcpListener::bind("127.0.0.1:40005").expect("nobody has it here");
        let near = connect(listener.local_addr().expect("it is bound")).expect("it listens");
        let (far, _) = listener.accept().expect("somebody connected");
        let document = json(&ports(&["--once", "--json"]));
        assert_eq!(
            document["targets"].as_array().map(Vec::len),
            Some(1),
            "{document}"
        );
        assert_eq!(document["targets"][0]["destination"], "127.0.0.1:40005");
        assert_eq!(document["targets"][0]["capacity"], 9);
        drop((near, far));
    });
}

#[test]
fn who_may_not_look_at_holders_is_told_so() {
    sandbox::run(|| {
        let (_listener, address) = server();
        let _held = TcpStream::connect(address).expect("somebody listens");
        let mut as_nobody = std::process::Command::new("setpriv");
        as_nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        as_nobody.args([env!("CARGO_BIN_EXE_plumb"), "ports", "--once", "--json"]);
        let document = json(&as_nobody.output().expect("util-linux is there"));
        assert_eq!(document["targets"][0]["processes"], serde_json::json!([]));
        assert_eq!(document["complete"], false, "{document}");
        let told = "not seen: the holders of 1 socket: other users' processes may not be looked at";
        let reasons = document["reasons"].as_array().expect("an array");
        let is_told = |reason: &Value| reason.as_str().is_some_and(|text| text.starts_with(told));
        assert!(reasons.iter().any(is_told), "{document}");
        // Root sees it.
        let document = json(&ports(&["--once", "--json"]));
        assert_eq!(document["reasons"], serde_json::json!([]), "{document}");
    });
}
