//! What `plumb bind` says of sockets in a VRF is what the kernel says, which it asks itself by a real bind.
//!
//! `vrf` among [`super::NEEDED`] says that the kernel must have VRFs; elsewhere their lack is said.

mod needs_root {
    use std::net::{IpAddr, Ipv4Addr};
    use std::os::fd::OwnedFd;

    use plumb_testkit::binds::{self, Bound, VRF_V4, VRF_V6};
    use plumb_testkit::sandbox;
    use serde_json::Value;

    use super::super::recorder::plumb;
    use super::super::{NEEDED, kernel};

    /// The port that is asked for.
    const PORT: u16 = 7000;
    /// The devices by name: none, the VRF, the interface in it, one outside.
    const DEVICES: [Option<&str>; 4] = [None, Some("plumbv"), Some("plumbv0"), Some("plumbv1")];

    /// Asks; the answer must be thought and tried, and both the same.
    fn bind(words: &[&str], device: Option<&str>, situation: &str) -> Value {
        let mut command = plumb();
        command.arg("bind").args(words).arg("--json");
        command.args(device.into_iter().flat_map(|device| ["--device", device]));
        let output = command.output().expect("plumb runs");
        let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
        let row = document["binds"][0].clone();
        let (tried, rule) = (&row["tried"], &row["rule"]);
        // Where the kernel does not list sockets that are only bound (before 6.8), "free" is a guess that is not
        // compared there, but here.
        let is_alike = match tried["agrees"].as_bool() {
            Some(agrees) => agrees,
            None => rule == "free" && tried["bound"] == true,
        };
        assert!(is_alike, "{situation}: {document}");
        row
    }

    /// Before 6.8 the kernel does not list sockets that are only bound, which concerns both addresses of a port.
    #[test]
    fn what_a_kernel_does_not_list_is_told_once() {
        sandbox::run(|| {
            let mut command = plumb();
            command.args(["bind", ":7000", "--no-try", "--json"]);
            let output = command.output().expect("plumb runs");
            let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
            let reasons = document["reasons"].as_array().expect("an array");
            let once = |reason| reasons.iter().filter(|other| *other == reason).count() == 1;
            assert!(reasons.iter().all(once), "{document}");
        });
    }

    fn hold(stream: bool, device: u32) -> OwnedFd {
        let socket = binds::bind(&Bound {
            stream,
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            scope_id: 0,
            port: PORT,
            reuse_addr: false,
            reuse_port: false,
            v6only: false,
            device,
            free: false,
            uid: 0,
        })
        .expect("nobody has it here");
        if stream {
            rustix::net::listen(&socket, 1).expect("it is bound");
        }
        socket
    }

    fn ports_are_shared_as_the_kernel_does(accept: &str, [vrf, member]: [u32; 2]) {
        std::fs::write("/proc/sys/net/ipv4/tcp_l3mdev_accept", accept).expect("root sets it");
        let (mut free, mut taken) = (0, 0);
        for (protocol, holder) in [
            ("tcp", 0),
            ("tcp", vrf),
            ("tcp", member),
            ("udp", 0),
            ("udp", vrf),
        ] {
            let held = hold(protocol == "tcp", holder);
            for device in DEVICES {
                let situation =
                    format!("accept {accept}, {protocol}, held on {holder}, asked for {device:?}");
                let row = bind(&["0.0.0.0:7000", protocol], device, &situation);
                match row["can_bind"].as_bool() {
                    Some(true) => free += 1,
                    _ => taken += 1,
                }
            }
            drop(held);
        }
        assert!(free > 3 && taken > 3, "one-sided: {free} and {taken}");
    }

    #[test]
    fn sockets_in_a_vrf_meet_and_have_addresses_as_the_kernel_says() {
        sandbox::run(|| {
            let Some(vrf) = binds::make_vrf().expect("ip runs") else {
                let needed = std::env::var(NEEDED).unwrap_or_default();
                assert!(
                    needed.split_whitespace().all(|name| name != "vrf"),
                    "{} must have VRFs",
                    kernel()
                );
                println!("not compared, {} has no VRFs", kernel());
                return;
            };
            for accept in ["0", "1"] {
                ports_are_shared_as_the_kernel_does(accept, vrf);
            }
            let (v4, v6) = (format!("{VRF_V4}:7000"), format!("[{VRF_V6}]:7000"));
            for endpoint in [
                v4.as_str(),
                &v6,
                "127.0.0.1:7000",
                "[::1]:7000",
                "0.0.0.0:0",
            ] {
                for device in DEVICES {
                    let situation = format!("{endpoint} on {device:?}");
                    let row = bind(&[endpoint], device, &situation);
                    let is_inside = device.is_some_and(|device| device != "plumbv1");
                    if [v4.as_str(), &v6].contains(&endpoint) {
                        let rule = if is_inside {
                            "free"
                        } else {
                            "address-in-other-vrf"
                        };
                        assert_eq!(row["rule"], rule, "{situation}");
                    }
                }
            }
        });
    }
}
