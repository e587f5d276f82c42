//! Sockets of UDP: the code that made them and the code that bound them, or why nobody knows.

use std::net::UdpSocket;

use plumb_testkit::sandbox;
use rustix::net::{AddressFamily, SocketType, bind, socket};
use serde_json::Value;

use super::{Place, below, text};

#[inline(never)]
fn makes_it() -> std::os::fd::OwnedFd {
    socket(AddressFamily::INET, SocketType::DGRAM, None).expect("a socket")
}

#[inline(never)]
fn binds_it(made: &std::os::fd::OwnedFd, port: u16) {
    let at = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port);
    bind(made, &at).expect("it is free");
}

/// One that is bound, and one whose port the kernel chose.
#[test]
fn both_personalities_name_the_functions_that_made_and_bound_it_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let older = UdpSocket::bind("127.0.0.1:6000").expect("it is free");
        let recorder = place.record(&[]);
        let server = makes_it();
        binds_it(&server, 6001);
        let client = UdpSocket::from(makes_it());
        client.connect("127.0.0.1:6009").expect("nobody is asked");
        for words in [
            ["netstat", "-uapn", "--stack"],
            ["ss", "-uapn", "--stack"],
            ["ss", "-uan", "--stack"],
            ["netstat", "-plantu", "--stack"],
        ] {
            let listing = text(&mut place.plumb(&words));
            let lines = below(&listing, "127.0.0.1:6001 ");
            let at = |part: &str| lines.iter().position(|line| line.contains(part));
            assert!(lines[0].starts_with("socket() by "), "{listing}");
            let (made, bound) = (at("makes_it"), at("bound by bind() at "));
            assert!(
                made.is_some() && made < bound && bound < at("binds_it"),
                "{listing}"
            );
            let sends = listing.lines().filter(|line| line.contains("makes_it"));
            assert_eq!(sends.count(), 2, "{listing}");
            assert_eq!(listing.matches("bound by bind()").count(), 1, "{listing}");
            assert_eq!(
                below(&listing, "127.0.0.1:6000 "),
                ["(not known who made it: older than the recorder)"]
            );
        }
        let listing = text(&mut place.plumb(&["ls", "-u", "--here", "--stack", "--json"]));
        let document: Value = serde_json::from_str(&listing).expect("it is JSON");
        let rows = document["sockets"].as_array().cloned().unwrap_or_default();
        let row = rows.iter().find(|row| row["local_port"] == 6001);
        let row = row.expect("it is listed");
        let function = |key: &str| row[key]["stack"]["function"].to_string();
        assert!(function("creation").contains("makes_it"), "{row}");
        assert!(function("bound").contains("binds_it"), "{row}");
        assert_eq!(document["complete"], true, "{}", document["reasons"]);
        drop((older, server, client, recorder));
    });
}

/// The end of a socket is told, so its port is another's then, and the recorder holds nothing of it.
#[test]
fn a_port_that_is_bound_again_has_its_new_maker_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        drop(UdpSocket::bind("127.0.0.1:6001").expect("it is free"));
        let again = makes_it();
        binds_it(&again, 6001);
        let listing = text(&mut place.plumb(&["ss", "-uan", "--stack"]));
        assert!(listing.contains("makes_it"), "{listing}");
        assert_eq!(listing.matches("socket() by ").count(), 1, "{listing}");
        let doctor = text(&mut place.plumb(&["doctor"]));
        assert!(doctor.contains("recorder"), "{doctor}");
    });
}

/// Without programs at cgroups nobody tells of them, and it is said.
#[test]
fn without_cgroups_they_are_not_recorded_and_the_reason_is_said_needs_root() {
    let refused = [("PLUMB_HOOKS_REFUSED", "cgroup")];
    sandbox::run_with_environment(&refused, || {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let _socket = UdpSocket::bind("127.0.0.1:6001").expect("it is free");
        for face in ["netstat", "ss"] {
            let listing = text(&mut place.plumb(&[face, "-uan", "--stack"]));
            assert!(
                listing.contains("(not known who made it: sockets of this kind are not recorded)"),
                "{listing}"
            );
            let said =
                "--stack: not seen: UDP and raw sockets made, bound and closed (cgroup/sock_create";
            assert!(listing.contains(said), "{listing}");
        }
    });
}
