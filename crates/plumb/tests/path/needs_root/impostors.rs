//! Somebody on the way answers in the destination's name: with a reset, as firewalls do, or by accepting, as proxies do.

use plumb_testkit::chain::Chain;
use plumb_testkit::sandbox;
use serde_json::json;

use super::{ROUTERS, asked_by_nobody, found, plumb};
use crate::json as parsed;

fn chain(router: usize) -> Chain {
    let chain = Chain::new(ROUTERS).expect("root builds it");
    chain
        .filter(router, "forward", "tcp dport 25 reject with tcp reset")
        .expect("nft is there");
    chain
}

#[test]
fn a_firewalls_reset_is_not_the_destinations_answer() {
    sandbox::run(|| {
        let chain = chain(3);
        for (target, from, to) in [
            ("10.0.5.2:25", "10.0.2.2", "10.0.3.2"),
            ("[fd00:0:0:5::2]:25", "fd00:0:0:2::2", "fd00:0:0:3::2"),
        ] {
            let expected = json!({
                "how": "stopped", "ttl": 4, "router_ttl": 3, "from": from, "says": "refused",
                "in_its_name": true, "goes_on_to": to
            });
            let root = found(&chain, &[target]);
            assert_eq!(root["end"], expected, "{root}");
            assert_eq!(root["path_mtu"], json!(null), "{root}");
            let nobody = parsed(&asked_by_nobody(&chain, &[target]));
            assert_eq!(nobody["end"], expected, "{nobody}");
        }
        let output = plumb(&chain, &["10.0.5.2:25"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = "stops at hop 3 (10.0.2.2): a firewall there answers in its name (refused)";
        assert!(text.contains(told), "{text}");
        assert_eq!(output.status.code(), Some(1), "{text}");
        // A port that the destination itself refuses is reached.
        let document = found(&chain, &["10.0.5.2:26"]);
        assert_eq!(document["end"]["how"], "reached", "{document}");
        assert_eq!(document["notes"], json!([]), "{document}");
    });
}

#[test]
fn a_reset_where_packets_come_in_is_of_the_router_itself() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        for line in [
            "add table inet lab",
            "add chain inet lab pre { type filter hook prerouting priority 0; }",
            "add rule inet lab pre tcp dport 25 reject with tcp reset",
        ] {
            chain.nft(3, line).expect("nft is there");
        }
        let end = found(&chain, &["10.0.5.2:25"])["end"].clone();
        let told = (&end["router_ttl"], &end["from"], &end["in_its_name"]);
        assert_eq!(told, (&json!(3), &json!("10.0.2.2"), &json!(true)), "{end}");
    });
}

#[test]
fn the_last_router_answers_over_one_hop_less_than_the_destination() {
    sandbox::run(|| {
        let chain = chain(5);
        let end = found(&chain, &["10.0.5.2:25"])["end"].clone();
        let told = (&end["router_ttl"], &end["from"], &end["goes_on_to"]);
        assert_eq!(
            told,
            (&json!(5), &json!("10.0.4.2"), &json!("10.0.5.2")),
            "{end}"
        );
        // Where nothing else gets through, the distance alone makes a suspect.
        chain
            .nft(
                5,
                "add rule inet lab forward meta l4proto { icmp, udp } drop",
            )
            .expect("nft");
        let document = found(&chain, &["10.0.5.2:25"]);
        assert_eq!(document["end"]["how"], "reached", "{document}");
        assert_eq!(
            document["notes"][0]["id"], "answered-in-its-name",
            "{document}"
        );
        let document = found(&chain, &["10.0.5.2:26"]);
        assert_eq!(document["notes"], json!([]), "{document}");
    });
}

#[test]
fn who_accepts_in_the_destinations_name_is_noted() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        // A proxy on the third router, which takes what is for others.
        for line in [
            "add table ip lab",
            "add chain ip lab pre { type nat hook prerouting priority -100; }",
            "add rule ip lab pre tcp dport 80 redirect to :8080",
        ] {
            chain.nft(3, line).expect("nft is there");
        }
        let proxy = chain.at(3, || std::net::TcpListener::bind("0.0.0.0:8080"));
        let _proxy = proxy.expect("the port is free");
        let document = found(&chain, &["10.0.5.2:80"]);
        assert_eq!(document["end"]["how"], "reached", "{document}");
        let note = &document["notes"][0];
        assert_eq!(note["id"], "answered-in-its-name", "{document}");
        let text = note["text"].as_str().unwrap_or_default();
        assert!(text.contains("at hop 3 (10.0.2.2) in its name"), "{text}");
    });
}

#[test]
fn a_firewall_behind_a_translated_address_is_where_it_is() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        for line in [
            "add table ip lab",
            "add chain ip lab pre { type nat hook prerouting priority -100; }",
            "add rule ip lab pre ip daddr 10.0.9.9 dnat to 10.0.5.2",
        ] {
            chain.nft(1, line).expect("nft is there");
        }
        chain
            .ip(0, "route add 10.0.9.9 via 10.0.0.2")
            .expect("a route");
        chain
            .filter(
                3,
                "forward",
                "tcp dport 25 reject with icmp type port-unreachable",
            )
            .expect("nft is there");
        chain
            .nft(
                3,
                "add rule inet lab forward tcp dport 26 reject with icmp type admin-prohibited",
            )
            .expect("nft");
        // What is said there comes with the address that was asked for.
        for (port, says, in_its_name) in [
            (25, "port unreachable", true),
            (26, "admin prohibited", false),
        ] {
            let end = found(&chain, &[&format!("10.0.9.9:{port}")])["end"].clone();
            let told = (
                &end["router_ttl"],
                &end["from"],
                &end["says"],
                &end["in_its_name"],
            );
            let expected = (
                &json!(3),
                &json!("10.0.9.9"),
                &json!(says),
                &json!(in_its_name),
            );
            assert_eq!(told, expected, "{end}");
        }
    });
}
