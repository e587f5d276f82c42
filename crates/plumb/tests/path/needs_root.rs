//! Five routers in namespaces: one that stays silent, one that lies about TTL, a loop, holes for big packets,
//! and words of refusal. Hops are compared with traceroute's, routes and neighbours with ip's.

mod impostors;
mod policy;
mod ways;

use std::process::Output;

use plumb_testkit::chain::Chain;
use plumb_testkit::sandbox;
use serde_json::Value;

use crate::json;

const ROUTERS: u8 = 5;

fn plumb(chain: &Chain, words: &[&str]) -> Output {
    let mut all = vec!["path"];
    all.extend(words);
    if !words.contains(&"-w") {
        all.extend(["-w", "300ms"]);
    }
    chain
        .run(0, env!("CARGO_BIN_EXE_plumb"), &all)
        .expect("the binary was built")
}

fn found(chain: &Chain, words: &[&str]) -> Value {
    let mut all = words.to_vec();
    all.extend(["-c", "1", "--json"]);
    json(&plumb(chain, &all))
}

/// The addresses by TTL, `*` where nobody answered.
fn hops(document: &Value) -> Vec<String> {
    let rows = document["hops"].as_array().expect("an array");
    rows.iter()
        .map(|row| row["addresses"][0].as_str().unwrap_or("*").to_owned())
        .collect()
}

/// The same of `traceroute -n`.
fn traceroute(chain: &Chain, words: &[&str]) -> Vec<String> {
    let mut all = vec!["-n", "-q", "1", "-w", "0.3"];
    all.extend(words);
    let output = chain
        .run(0, "traceroute", &all)
        .expect("traceroute is there");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
        .collect()
}

/// All ways to probe: our options and traceroute's.
const METHODS: [(&[&str], &[&str], &str); 3] = [
    (&["--icmp"], &["-I"], ""),
    (&["--udp"], &["-U", "-p", "33434"], ""),
    (&["--tcp"], &["-T", "-p", "80"], ":80"),
];

fn assert_like_traceroute(chain: &Chain, ipv6: bool, more: &[&str]) -> Vec<String> {
    let server = chain.server(ipv6).to_string();
    let mut last = Vec::new();
    for (ours, theirs, port) in METHODS {
        let target = match (ipv6, port) {
            (true, ":80") => format!("[{server}]:80"),
            _ => format!("{server}{port}"),
        };
        let document = found(chain, &[ours, more, &["--no-mtu", &target]].concat());
        last = hops(&document);
        let expected = traceroute(chain, &[theirs, more, &[&server]].concat());
        assert_eq!(last, expected, "{ours:?} {document}");
    }
    last
}

#[test]
fn five_routers_are_five_hops_as_traceroute_says() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        for ipv6 in [false, true] {
            let hops = assert_like_traceroute(&chain, ipv6, &[]);
            let expected: Vec<String> = (1..=chain.last())
                .map(|place| chain.address(place, ipv6).to_string())
                .collect();
            assert_eq!(hops, expected);
        }
        let document = found(&chain, &["10.0.5.2"]);
        assert_eq!(
            document["end"],
            serde_json::json!({"how": "reached", "ttl": 6, "says": "reply"})
        );
        assert_eq!(document["path_mtu"]["bytes"], 1500, "{document}");
        assert_eq!(document["notes"], serde_json::json!([]), "{document}");
        assert_eq!(document["complete"], true, "{document}");
    });
}

/// The same as [`found`], asked by a user without privileges.
fn asked_by_nobody(chain: &Chain, words: &[&str]) -> Output {
    let mut all = vec!["--reuid=65534", "--regid=65534", "--clear-groups"];
    all.extend([
        env!("CARGO_BIN_EXE_plumb"),
        "path",
        "-w",
        "300ms",
        "--json",
        "-c",
        "1",
    ]);
    all.extend(words);
    chain.run(0, "setpriv", &all).expect("util-linux is there")
}

#[test]
fn without_privileges_the_hops_are_the_same() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        let as_nobody = |words: &[&str]| asked_by_nobody(&chain, words);
        for words in [
            &["--udp", "10.0.5.2"][..],
            &["--icmp", "10.0.5.2"],
            &["--tcp", "10.0.5.2:80"],
            &["--udp", "fd00:0:0:5::2"],
            &["--icmp", "fd00:0:0:5::2"],
            &["--tcp", "[fd00:0:0:5::2]:80"],
        ] {
            let document = json(&as_nobody(words));
            assert_eq!(hops(&document).len(), 6, "{words:?} {document}");
            assert_eq!(document["path_mtu"]["bytes"], 1500, "{words:?} {document}");
        }
        // Where even ping sockets are forbidden, ICMP is refused aloud and UDP is the usual way.
        chain
            .set(0, "ipv4/ping_group_range", "1 0")
            .expect("root sets it");
        assert_eq!(as_nobody(&["--icmp", "10.0.5.2"]).status.code(), Some(3));
        assert_eq!(json(&as_nobody(&["10.0.5.2"]))["method"], "udp");
        // Root has raw sockets then.
        let document = found(&chain, &["--icmp", "10.0.5.2"]);
        assert_eq!(hops(&document).len(), 6, "{document}");
        assert_eq!(hops(&found(&chain, &["--icmp", "fd00:0:0:5::2"])).len(), 6);
    });
}

fn silence_third(chain: &Chain) {
    chain
        .filter(3, "output", "icmp type time-exceeded drop")
        .expect("nft is there");
}

fn rewrite_ttl(chain: &Chain) {
    // On the way there alone: the answers count all the routers they pass.
    chain
        .filter(2, "forward", "ip daddr 10.0.5.0/24 ip ttl set 64")
        .expect("nft is there");
}

fn send_back(chain: &Chain) {
    chain
        .ip(3, "route replace 10.0.5.0/24 via 10.0.2.1 dev far2")
        .expect("a route");
}

fn swallow_big(chain: &Chain) {
    small_link(chain);
    chain
        .filter(3, "output", "icmp type destination-unreachable drop")
        .expect("nft is there");
}

/// Asks about a way on which something is wrong, with privileges and without; what shows it must be there for
/// both, and all else alike.
fn assert_told_alike(make: fn(&Chain), shows: &'static str, value: &'static str) {
    let chain = Chain::new(ROUTERS).expect("root builds it");
    make(&chain);
    let words = ["--icmp", "10.0.5.2"];
    let root = found(&chain, &words);
    let nobody = json(&asked_by_nobody(&chain, &words));
    for document in [&root, &nobody] {
        let shown = document.pointer(shows).map(Value::to_string);
        assert_eq!(shown.as_deref(), Some(value), "{document}");
    }
    assert_eq!(hops(&root), hops(&nobody), "{nobody}");
    for member in ["end", "notes", "path_mtu"] {
        assert_eq!(root[member], nobody[member], "{member}");
    }
}

#[test]
fn without_privileges_a_silent_router_is_a_star() {
    sandbox::run(|| assert_told_alike(silence_third, "/hops/2/loss_percent", "100.0"));
}

#[test]
fn without_privileges_a_router_that_writes_ttl_anew_is_noticed() {
    sandbox::run(|| assert_told_alike(rewrite_ttl, "/notes/0/id", "\"longer-way-back\""));
}

#[test]
fn without_privileges_a_loop_is_called_one() {
    sandbox::run(|| assert_told_alike(send_back, "/end/how", "\"loop\""));
}

#[test]
fn without_privileges_a_hole_for_big_packets_is_found() {
    sandbox::run(|| assert_told_alike(swallow_big, "/path_mtu/black_hole", "true"));
}

#[test]
fn a_silent_router_is_a_star() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        silence_third(&chain);
        chain
            .nft(3, "add rule inet lab output icmpv6 type time-exceeded drop")
            .expect("nft");
        for ipv6 in [false, true] {
            let hops = assert_like_traceroute(&chain, ipv6, &[]);
            assert_eq!((hops[2].as_str(), hops.len()), ("*", 6));
        }
        let document = found(&chain, &["10.0.5.2"]);
        assert_eq!(document["hops"][2]["loss_percent"], 100.0);
        assert_eq!(document["end"]["how"], "reached");
    });
}

#[test]
fn a_router_that_writes_ttl_anew_hides_others_and_that_is_noticed() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        rewrite_ttl(&chain);
        let hops = assert_like_traceroute(&chain, false, &[]);
        assert_eq!(hops.len(), 3, "two routers and the server: {hops:?}");
        let document = found(&chain, &["--icmp", "10.0.5.2"]);
        let note = &document["notes"][0];
        assert_eq!(note["id"], "longer-way-back", "{document}");
        assert!(
            note["text"]
                .as_str()
                .is_some_and(|text| text.contains("6 hops where 3 lie"))
        );
    });
}

#[test]
fn a_router_that_does_not_count_down_is_noticed() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        // What would end at the third router ends at the fourth, which answers twice.
        chain
            .filter(2, "forward", "ip ttl 1 ip ttl set 2")
            .expect("nft is there");
        let hops = assert_like_traceroute(&chain, false, &[]);
        assert_eq!(hops[2], hops[3], "{hops:?}");
        let document = found(&chain, &["10.0.5.2"]);
        assert_eq!(
            document["notes"][0]["id"], "same-router-twice",
            "{document}"
        );
    });
}

#[test]
fn a_loop_is_called_one() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        send_back(&chain);
        let document = found(&chain, &["10.0.5.2"]);
        // traceroute goes on to the last hop it may; ours stops when it is sure.
        let ours = hops(&document);
        assert!(ours.len() < 12, "{ours:?}");
        let theirs = traceroute(&chain, &["-I", "-m", "12", "10.0.5.2"]);
        assert_eq!(ours, theirs[..ours.len()]);
        assert_eq!(document["end"]["how"], "loop", "{document}");
        assert_eq!(document["end"]["routers"], 2);
        let output = plumb(&chain, &["10.0.5.2"]);
        assert_eq!(output.status.code(), Some(1));
    });
}

#[test]
fn a_smaller_mtu_is_learned_of_the_router_that_says_it() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        small_link(&chain);
        for target in ["10.0.5.2", "fd00:0:0:5::2"] {
            for method in ["--icmp", "--udp"] {
                let document = found(&chain, &[method, target]);
                let mtu = &document["path_mtu"];
                assert_eq!(mtu["bytes"], 1300, "{method} {document}");
                assert_eq!(mtu["black_hole"], false);
                // It is asked again each time, whatever the kernel remembers.
                let says = ["10.0.2.2", "fd00:0:0:2::2"].map(Value::from);
                assert!(says.contains(&mtu["said_by"]), "{document}");
            }
        }
        // Nor is what was learned told of a way that takes more by now.
        chain.ip(3, "link set near3 mtu 1500").expect("a link");
        chain.ip(4, "link set far3 mtu 1500").expect("a link");
        for target in ["10.0.5.2", "fd00:0:0:5::2"] {
            let document = found(&chain, &["--icmp", target]);
            assert_eq!(document["local"]["route_mtu"], 1300, "{document}");
            assert_eq!(document["path_mtu"]["bytes"], 1500, "{document}");
        }
    });
}

/// Makes the link behind the third router smaller than the others.
fn small_link(chain: &Chain) {
    chain.ip(3, "link set near3 mtu 1300").expect("a link");
    chain.ip(4, "link set far3 mtu 1300").expect("a link");
}

#[test]
fn a_hole_for_big_packets_is_found_and_where() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        swallow_big(&chain);
        let document = found(&chain, &["--icmp", "10.0.5.2"]);
        let expected = serde_json::json!({
            "bytes": 1300, "by": "search", "said_by": null, "black_hole": true, "behind_ttl": 3
        });
        assert_eq!(document["path_mtu"], expected, "{document}");
        let text =
            String::from_utf8_lossy(&plumb(&chain, &["--udp", "10.0.5.2"]).stdout).into_owned();
        assert!(
            text.contains("more than 1300 bytes vanish behind hop 3"),
            "{text}"
        );
    });
}

#[test]
fn words_of_refusal_are_told() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        chain
            .filter(
                4,
                "forward",
                "tcp dport 25 reject with icmpx type admin-prohibited",
            )
            .expect("nft is there");
        chain
            .nft(4, "add rule inet lab forward tcp dport 26 drop")
            .expect("nft");
        for target in ["10.0.5.2:25", "[fd00:0:0:5::2]:25"] {
            let document = found(&chain, &[target]);
            assert_eq!(document["end"]["how"], "stopped", "{document}");
            let ttls = (&document["end"]["ttl"], &document["end"]["router_ttl"]);
            assert_eq!(ttls, (&5.into(), &4.into()));
            assert_eq!(document["end"]["says"], "admin prohibited");
        }
        let document = found(&chain, &["--silent-hops", "2", "10.0.5.2:26"]);
        assert_eq!(
            document["end"],
            serde_json::json!({"how": "silent", "ttl": 4})
        );
        // Nobody has the address, and the router before it says so after asking for it.
        let document = found(&chain, &["-w", "4s", "10.0.5.99"]);
        assert_eq!(document["end"]["says"], "host unreachable", "{document}");
    });
}

#[test]
fn route_rule_and_neighbour_are_those_of_ip() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        chain
            .ip(0, "rule add to 10.0.4.0/24 lookup 77 pref 100")
            .expect("a rule");
        chain
            .ip(
                0,
                "route add 10.0.4.0/24 via 10.0.0.2 dev near0 table 77 mtu 1400",
            )
            .expect("a route");
        chain
            .ip(0, "route add unreachable 10.9.0.0/16")
            .expect("a route");
        chain
            .ip(0, "route add prohibit 10.8.0.0/16")
            .expect("a route");
        chain
            .ip(0, "rule add to 10.7.0.0/16 blackhole pref 50")
            .expect("a rule");
        for target in [
            "10.0.5.2",
            "10.0.4.2",
            "10.0.0.2",
            "10.0.0.1",
            "127.0.0.1",
            "fd00:0:0:5::2",
            "fd00::2",
        ] {
            let local = found(&chain, &["--route", target])["local"].clone();
            let output = chain
                .run(0, "ip", &["-j", "route", "get", target])
                .expect("ip is there");
            let theirs: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let theirs = &theirs[0];
            assert_eq!(
                local["gateway"], theirs["gateway"],
                "{target} {local} {theirs}"
            );
            assert_eq!(local["interface"], theirs["dev"], "{target}");
            assert_eq!(local["source"], theirs["prefsrc"], "{target}");
            let kind = theirs["type"].as_str().unwrap_or("unicast");
            assert_eq!(local["kind"], kind, "{target}");
        }
        let ruled = found(&chain, &["--route", "10.0.4.2"])["local"].clone();
        assert_eq!(
            (&ruled["table"], &ruled["rule_priority"]),
            (&77.into(), &100.into())
        );
        assert_eq!(ruled["rule"], "from all to 10.0.4.0/24 lookup 77");
        assert_eq!(ruled["route_mtu"], 1400);
        for (target, kind) in [
            ("10.9.1.1", "unreachable"),
            ("10.8.1.1", "prohibit"),
            ("10.7.1.1", "blackhole"),
        ] {
            let output = plumb(&chain, &["--route", target, "--json"]);
            let local = &json(&output)["local"];
            assert_eq!(output.status.code(), Some(1), "{local}");
            assert_eq!(local["kind"], kind, "{local}");
            assert!(local["errno"].is_string(), "{local}");
        }
        // After the trace the neighbour is known, and to ip as well.
        let local = found(&chain, &["--no-mtu", "10.0.5.2"])["local"].clone();
        let output = chain
            .run(0, "ip", &["-j", "neigh", "show", "10.0.0.2"])
            .expect("ip is there");
        let theirs: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(
            local["neighbour_address"], theirs[0]["lladdr"],
            "{local} {theirs}"
        );
        assert_eq!(
            local["neighbour_state"], theirs[0]["state"][0],
            "{local} {theirs}"
        );
    });
}

#[test]
fn jumps_and_types_of_service_lead_to_the_table_that_ip_says() {
    sandbox::run(|| {
        let chain = Chain::new(ROUTERS).expect("root builds it");
        for line in [
            "rule add to 10.0.4.0/24 goto 300 pref 100",
            "rule add to 10.0.4.0/24 lookup 76 pref 200",
            "rule add to 10.0.4.0/24 lookup 77 pref 300",
            "rule add to 10.0.3.0/24 goto 250 pref 110",
            "rule add tos 0x10 lookup 78 pref 400",
            "-6 rule add tos 0x10 lookup 78 pref 400",
            "route add default via 10.0.0.2 table 76",
            "route add default via 10.0.0.2 table 77",
            "route add default via 10.0.0.2 table 78",
            "-6 route add default via fd00::2 table 78",
        ] {
            chain.ip(0, line).expect(line);
        }
        for (target, tos, table, priority) in [
            ("10.0.4.2", "0", 77, 300),
            // There is no rule 250 to go to.
            ("10.0.3.2", "0", 254, 32766),
            ("10.0.3.2", "0x10", 78, 400),
            // Bits of congestion do not count.
            ("10.0.3.2", "0x11", 78, 400),
            ("10.0.3.2", "0x08", 254, 32766),
            ("fd00:0:0:5::2", "0x10", 78, 400),
            ("fd00:0:0:5::2", "0", 254, 32766),
        ] {
            let local = found(&chain, &["--route", "--tos", tos, target])["local"].clone();
            let words = ["-j", "-d", "route", "get", target, "tos", tos];
            let output = chain.run(0, "ip", &words).expect("ip is there");
            let theirs: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let named = theirs[0]["table"].as_str().unwrap_or("main");
            let named = if named == "main" {
                254
            } else {
                named.parse().expect("a number")
            };
            assert_eq!(named, table, "{target} {tos} {theirs}");
            assert_eq!(local["table"], table, "{target} {tos} {local}");
            assert_eq!(local["rule_priority"], priority, "{target} {tos} {local}");
            assert!(local["rule_unknown"].is_null(), "{local}");
        }
        // What a tunnel's rule asks for is not in a packet that has not been in it.
        chain
            .ip(0, "rule add to 10.0.4.0/24 tun_id 5 lookup 76 pref 50")
            .expect("a rule");
        let local = found(&chain, &["--route", "10.0.4.2"])["local"].clone();
        assert_eq!(local["table"], 77, "the kernel says so: {local}");
        assert!(local["rule"].is_null(), "{local}");
        let unknown = local["rule_unknown"].as_str().expect("a text");
        assert!(
            unknown.contains("rule 50 ") && unknown.contains("tun_id"),
            "{unknown}"
        );
    });
}

#[test]
fn nothing_is_sent_to_many_and_it_is_told_where_nothing_leaves() {
    sandbox::run(|| {
        let chain = Chain::new(1).expect("root builds it");
        let device = ["--device", "near0"];
        for target in ["10.0.0.255", "255.255.255.255", "224.0.0.1", "ff02::1"] {
            let output = plumb(&chain, &[&device[..], &[target, "--json"]].concat());
            let document = json(&output);
            assert_eq!(output.status.code(), Some(3), "{target} {document}");
            assert_eq!(document["hops"], serde_json::json!([]), "{target}");
            let reason = document["reasons"][0].as_str().unwrap_or_default();
            assert!(reason.contains("cast reaches many"), "{target} {reason}");
            let output = plumb(&chain, &[&device[..], &["--route", target]].concat());
            assert_eq!(output.status.code(), Some(0), "{target}");
        }
        let words = ["--silent-hops", "2", "-c", "1"];
        let output = plumb(&chain, &[&words[..], &["10.0.0.77"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        let told = "nothing leaves this host: nobody on the link of near0 answers for 10.0.0.77";
        assert!(
            text.contains(told) && !text.contains("may get through"),
            "{text}"
        );
        let output = plumb(&chain, &["--source", "10.44.4.4", "10.0.1.2"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("no interface of this host has the source"),
            "{text}"
        );
        chain.ip(1, "link set far0 down").expect("a link");
        let document = found(&chain, &[&words[..2], &["10.0.1.2"]].concat());
        assert_eq!(document["notes"][0]["id"], "interface-down", "{document}");
        assert_eq!(
            document["hops"][0]["received"].as_u64().unwrap_or(0),
            0,
            "{document}"
        );
    });
}

#[test]
fn what_lies_behind_the_last_hop_that_may_be_asked_is_not_known() {
    sandbox::run(|| {
        let chain = Chain::new(3).expect("root builds it");
        let output = plumb(&chain, &["-m", "2", "-c", "1", "10.0.3.2"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.contains("nobody"), "{text}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("none further was asked (-m 2)"), "{told}");
        assert_eq!(output.status.code(), Some(3), "{text}");
        let document = found(&chain, &["-m", "2", "10.0.3.2"]);
        assert_eq!(document["end"], Value::Null, "{document}");
        assert_eq!(document["complete"], false, "{document}");
        let document = found(&chain, &["-m", "4", "10.0.3.2"]);
        assert_eq!(document["end"]["how"], "reached", "{document}");
    });
}

#[test]
fn another_namespace_is_looked_at_from_outside() {
    sandbox::run(|| {
        let chain = Chain::new(1).expect("root builds it");
        let output = crate::path(&["--netns", &chain.path(0), "-c", "1", "--json", "10.0.1.2"]);
        assert_eq!(hops(&json(&output)), ["10.0.0.2", "10.0.1.2"]);
    });
}
