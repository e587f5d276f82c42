//! Ways that mislead: answers held back, this host's own refusals, translated addresses, several ways at the same time.

use std::process::Command;

use plumb_testkit::chain::Chain;
use plumb_testkit::sandbox;

use super::{ROUTERS, found, hops, plumb, small_link};
use crate::json;

#[test]
fn answers_that_a_host_holds_back_are_no_hole_for_big_packets() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        let server = chain.last();
        // What every host does unless it is told otherwise: an ICMP error a second, six at once.
        chain
            .set(server, "ipv4/icmp_ratelimit", "1000")
            .expect("root sets it");
        for _ in 0..2 {
            let words = ["--udp", "10.0.5.2", "-c", "3", "--json"];
            let document = json(&plumb(&chain, &words));
            let mtu = &document["path_mtu"];
            assert_eq!(mtu["bytes"], 1500, "{document}");
            assert_eq!(mtu["black_hole"], false, "{document}");
            // Nor is what was asked behind a destination whose first answer was held back a hop.
            assert_eq!(hops(&document).len(), 6, "{document}");
        }
    });
}

#[test]
fn what_this_host_refuses_is_no_hop() {
    sandbox::run(|| {
        let chain = Chain::new(1).expect("root builds it");
        let rule = "ip daddr 10.0.1.2 reject with icmp type admin-prohibited";
        chain.filter(0, "output", rule).expect("nft is there");
        let output = plumb(&chain, &["10.0.1.2"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        let told = "nothing leaves this host: it says admin prohibited itself";
        assert!(text.contains(told) && !text.contains("note:"), "{text}");
        // So it says, too, when the neighbour was asked for in vain.
        chain
            .set(0, "ipv4/neigh/near0/mcast_solicit", "1")
            .expect("root sets it");
        let output = plumb(&chain, &["-w", "3s", "-c", "1", "10.0.0.77"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = "nothing leaves this host: nobody on the link of near0 answers for 10.0.0.77";
        assert!(text.contains(told) && !text.contains("stops at"), "{text}");
    });
}

#[test]
fn routers_behind_a_translated_address_are_told_as_such() {
    sandbox::run(|| {
        let chain = Chain::new(3).expect("root builds it");
        for rule in [
            "add table ip lab",
            "add chain ip lab there { type nat hook prerouting priority -100 ; }",
            "add rule ip lab there ip daddr 10.0.9.9 dnat to 10.0.3.2",
        ] {
            chain.nft(1, rule).expect("nft is there");
        }
        chain
            .ip(0, "route add 10.0.9.9 via 10.0.0.2")
            .expect("a route");
        let document = found(&chain, &["--udp", "10.0.9.9"]);
        let notes = document["notes"].as_array().expect("an array");
        let ids: Vec<&str> = notes
            .iter()
            .filter_map(|note| note["id"].as_str())
            .collect();
        assert!(ids.contains(&"address-translated"), "{document}");
        assert!(!ids.contains(&"same-router-twice"), "{document}");
    });
}

#[test]
fn what_was_learned_of_a_path_is_no_route_of_the_table() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        small_link(&chain);
        for _ in 0..2 {
            let document = found(&chain, &["--icmp", "10.0.5.2"]);
            assert_eq!(document["local"]["network"], "10.0.5.0/24", "{document}");
        }
    });
}

#[test]
fn one_of_two_ways_that_is_closed_does_not_hide_the_other() {
    sandbox::run(|| {
        let chain = Chain::new(3).expect("root builds it");
        // A second address of the second router, that the first takes for another router.
        chain
            .ip(1, "address add 10.1.1.1/24 dev near1")
            .expect("an address");
        chain
            .ip(2, "address add 10.1.1.2/24 dev far1")
            .expect("an address");
        chain
            .set(1, "ipv4/fib_multipath_hash_policy", "1")
            .expect("root sets it");
        let both = "route replace 10.0.3.0/24 nexthop via 10.0.1.2 nexthop via 10.1.1.2";
        chain.ip(1, both).expect("a route of two ways");
        // Every second flow is refused.
        let rule = "udp sport & 1 == 1 reject with icmp type host-unreachable";
        chain.filter(2, "forward", rule).expect("nft is there");
        let words = [
            "--udp", "10.0.3.2", "-c", "12", "-i", "1ms", "--no-mtu", "--json",
        ];
        let document = json(&plumb(&chain, &words));
        assert_eq!(document["end"]["how"], "reached", "{document}");
        assert_eq!(document["notes"][0]["id"], "some-stop", "{document}");
    });
}

#[test]
fn without_loopback_this_host_does_not_reach_itself_and_is_told_why() {
    sandbox::run(|| {
        let output = Command::new("unshare")
            .args([
                "--net",
                "--",
                env!("CARGO_BIN_EXE_plumb"),
                "path",
                "127.0.0.1",
            ])
            .output()
            .expect("util-linux is there");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("lo is down"), "{text}");
        assert_eq!(output.status.code(), Some(1), "{text}");
    });
}

#[test]
fn echo_requests_are_of_one_flow_and_go_one_of_several_ways() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        // From the first router a way past the second, shorter by a hop.
        let third = chain.path(3);
        let link = format!("link add skip1 type veth peer name skip3 netns {third}");
        chain.ip(1, &link).expect("a link");
        for (place, name, address) in [(1, "skip1", "10.77.0.1/24"), (3, "skip3", "10.77.0.2/24")] {
            let line = format!("address add {address} dev {name}");
            chain.ip(place, &line).expect("an address");
            let line = format!("link set {name} up");
            chain.ip(place, &line).expect("a link");
        }
        chain
            .set(1, "ipv4/fib_multipath_hash_policy", "1")
            .expect("root sets it");
        let both = "route replace 10.0.5.0/24 nexthop via 10.0.1.2 nexthop via 10.77.0.2";
        chain.ip(1, both).expect("a route of two ways");
        let ask = |method| {
            let words = [
                method, "10.0.5.2", "-c", "12", "-i", "1ms", "--no-mtu", "--json",
            ];
            json(&plumb(&chain, &words))
        };
        let several = |document: &serde_json::Value| {
            let rows = document["hops"].as_array().expect("an array");
            let several =
                |row: &&serde_json::Value| row["addresses"].as_array().map(Vec::len) > Some(1);
            rows.iter().filter(several).count()
        };
        let document = ask("--icmp");
        assert_eq!(several(&document), 0, "{document}");
        assert_eq!(document["notes"], serde_json::json!([]), "{document}");
        // Each datagram is of a flow of its own, and routers are at two distances.
        let document = ask("--udp");
        assert!(several(&document) > 0, "{document}");
        assert_eq!(document["notes"], serde_json::json!([]), "{document}");
    });
}

#[test]
fn a_destination_that_drops_echo_requests_is_not_waited_for() {
    sandbox::run(|| {
        let chain = Chain::new(2).expect("root builds it");
        let rule = "meta l4proto { icmp, udp } drop";
        chain.filter(2, "forward", rule).expect("nft is there");
        let start = std::time::Instant::now();
        let document = json(&plumb(&chain, &["-w", "9s", "10.0.2.2:80", "--json"]));
        assert_eq!(document["path_mtu"], serde_json::Value::Null, "{document}");
        // Answers come within a millisecond, so nobody waits as long as the first might have taken.
        assert!(start.elapsed().as_secs() < 9, "{:?}", start.elapsed());
    });
}
