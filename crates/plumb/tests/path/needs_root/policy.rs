//! Random rules and routes, asked about in random ways: the answer is the one that `ip route get` gives.

use std::process::Output;

use plumb_testkit::namespace::Namespace;
use plumb_testkit::random::Random;
use plumb_testkit::sandbox;
use serde_json::Value;

use crate::json;

/// Situations, and questions about each.
const SITUATIONS: usize = 25;
const QUESTIONS: usize = 4;
const INTERFACES: usize = 4;

fn any<'w>(random: &mut Random, words: &[&'w str]) -> &'w str {
    random.pick::<&str>(words)
}

/// One of the words in so many of a hundred cases.
fn maybe<'w>(random: &mut Random, percent: usize, words: &[&'w str]) -> &'w str {
    if random.chance(percent) {
        any(random, words)
    } else {
        ""
    }
}

/// The words of one IP version.
struct Family {
    ip: &'static str,
    networks: &'static [&'static str],
    targets: &'static [&'static str],
    sources: &'static [&'static str],
    icmp: &'static str,
    ipv6: bool,
}

const IPV4: Family = Family {
    ip: "-4",
    networks: &[
        "default",
        "10.50.0.0/16",
        "10.50.1.0/24",
        "10.50.1.7/32",
        "10.0.0.0/8",
    ],
    targets: &[
        "10.50.1.7",
        "10.50.1.8",
        "10.50.9.9",
        "10.60.1.1",
        "10.1.0.77",
        "192.0.2.77",
        "10.2.0.1",
    ],
    sources: &["10.0.0.1", "10.1.0.1", "10.2.0.1"],
    icmp: "icmp",
    ipv6: false,
};

const IPV6: Family = Family {
    ip: "-6",
    networks: &[
        "default",
        "fd50::/32",
        "fd50:0:1::/48",
        "fd50:0:1::7/128",
        "fd00::/8",
    ],
    targets: &[
        "fd50:0:1::7",
        "fd50:0:1::8",
        "fd50:0:9::9",
        "fd60::1",
        "fd01::77",
        "2001:db8::77",
        "fd02::1",
    ],
    sources: &["fd00::1", "fd01::1", "fd02::1"],
    icmp: "ipv6-icmp",
    ipv6: true,
};

impl Family {
    fn host(&self, interface: usize, host: u64) -> String {
        if self.ipv6 {
            format!("fd0{interface}::{host}")
        } else {
            format!("10.{interface}.0.{host}")
        }
    }

    fn route(&self, random: &mut Random) -> String {
        let network = any(random, self.networks);
        let table = any(random, &["100", "101", "102", "main"]);
        let metric = any(random, &["", "metric 5", "metric 50"]);
        let (one, other) = (random.below(INTERFACES), random.below(INTERFACES));
        let (near, far) = (self.host(one, 5), self.host(other, 6));
        let way = match random.below(9) {
            0 => {
                let kind = any(random, &["blackhole", "unreachable", "prohibit", "throw"]);
                return format!("route add {kind} {network} table {table} {metric}");
            }
            1 => return format!("route add local {network} dev lo table {table}"),
            2 => format!("nexthop via {near} dev e{one} weight 2 nexthop via {far} dev e{other}"),
            3 if self.ipv6 => format!("via 2001:db8:5::1 dev e{one} onlink"),
            3 => format!("via 192.0.2.1 dev e{one} onlink"),
            4 => format!("nhid {}", any(random, &["1", "2", "10", "11", "12"])),
            5 => format!("via inet6 fd0{one}::5 dev e{one}"),
            6 => format!("dev e{one}"),
            _ => {
                let more = any(random, &["", "mtu 1400", "mtu lock 1300", "advmss 1000"]);
                format!("via {near} dev e{one} {more}")
            }
        };
        format!("route add {network} table {table} {metric} {way}")
    }

    fn rule(&self, random: &mut Random) -> String {
        let priority = 1 + random.below(300);
        let action = match random.below(8) {
            0 => any(random, &["blackhole", "unreachable", "prohibit"]).to_owned(),
            1 => format!("goto {}", priority + 1 + random.below(99)),
            _ => format!(
                "lookup {}",
                any(random, &["100", "101", "102", "main", "default"])
            ),
        };
        let tests = [
            maybe(random, 10, &["not"]),
            maybe(random, 25, &["from {0}", "from {1}"]),
            maybe(random, 40, &["to {2}", "to {3}", "to {4}"]),
            maybe(
                random,
                12,
                &["fwmark 1", "fwmark 0x10/0xf0", "fwmark 0/0xff"],
            ),
            maybe(random, 8, &["iif lo", "iif e1"]),
            maybe(random, 10, &["oif e1", "oif e2"]),
            maybe(random, 12, &["uidrange 0-0", "uidrange 1000-2000"]),
            maybe(random, 15, &["ipproto tcp", "ipproto udp", "ipproto {5}"]),
            maybe(random, 12, &["dport 80", "dport 1-1024", "dport 443"]),
            maybe(random, 5, &["sport 53"]),
            maybe(
                random,
                8,
                &["suppress_prefixlength 0", "suppress_prefixlength 16"],
            ),
        ];
        let words = [
            self.sources[1],
            self.sources[2],
            self.networks[1],
            self.networks[3],
            self.networks[4],
            self.icmp,
        ];
        let mut line = tests.join(" ");
        for (place, word) in words.into_iter().enumerate() {
            line = line.replace(&format!("{{{place}}}"), word);
        }
        format!("rule add {line} {action} pref {priority}")
    }

    /// The lines that make a situation of what the one before left.
    fn situation(&self, random: &mut Random) -> Vec<String> {
        let mut lines = vec!["rule flush".to_owned(), "nexthop flush".to_owned()];
        lines.extend(
            ["0 lookup local", "32766 lookup main"].map(|rule| format!("rule add pref {rule}")),
        );
        lines.extend(["100", "101", "102"].map(|table| format!("route flush table {table}")));
        lines.push("route flush table main proto boot".to_owned());
        let hop = |id: usize| format!("nexthop add id {id} via {} dev e{id}", self.host(id, 9));
        lines.extend([1, 2].map(hop));
        lines.push("nexthop add id 10 group 1/2".to_owned());
        lines.push("nexthop add id 11 blackhole".to_owned());
        lines.push("nexthop add id 12 via fd01::9 dev e1".to_owned());
        lines.extend((0..2 + random.below(7)).map(|_| self.route(random)));
        lines.extend((0..=random.below(6)).map(|_| self.rule(random)));
        lines
    }
}

/// A question in our words and in those of `ip`.
struct Question {
    ours: Vec<String>,
    theirs: Vec<String>,
    uid: &'static str,
}

impl Question {
    fn any(family: &Family, random: &mut Random) -> Self {
        let target = any(random, family.targets);
        let (protocol, port) = match random.below(3) {
            0 => ("icmp", None),
            1 => ("tcp", Some(any(random, &["80", "443", "5000"]))),
            _ => ("udp", Some(any(random, &["80", "443", "5000"]))),
        };
        let end = match (port, family.ipv6) {
            (None, _) => target.to_owned(),
            (Some(port), false) => format!("{target}:{port}"),
            (Some(port), true) => format!("[{target}]:{port}"),
        };
        let mut ours = vec![format!("--{protocol}"), end];
        let name = if protocol == "icmp" {
            family.icmp
        } else {
            protocol
        };
        let mut theirs: Vec<String> = [target, "ipproto", name].map(str::to_owned).to_vec();
        theirs.extend(
            port.into_iter()
                .flat_map(|port| ["dport".to_owned(), port.to_owned()]),
        );
        for (percent, option, word, values) in [
            (60, "--source", "from", family.sources),
            (35, "--device", "oif", &["e1", "e2"][..]),
            // IPv6 routes know no type of service.
            (
                if family.ipv6 { 0 } else { 20 },
                "--tos",
                "tos",
                &["0x10", "0x08"],
            ),
        ] {
            let value = maybe(random, percent, values);
            if !value.is_empty() {
                ours.extend([option, value].map(str::to_owned));
                theirs.extend([word, value].map(str::to_owned));
            }
        }
        let uid = any(random, &["0", "1500", "65534"]);
        theirs.extend(["uid", uid].map(str::to_owned));
        Self { ours, theirs, uid }
    }

    fn ask_plumb(&self, namespace: &Namespace) -> Value {
        let mut words = vec!["--reuid", self.uid, "--regid", self.uid, "--clear-groups"];
        words.extend([env!("CARGO_BIN_EXE_plumb"), "path", "--route", "--json"]);
        words.extend(self.ours.iter().map(String::as_str));
        json(&run(namespace, "setpriv", &words))["local"].clone()
    }

    /// What `ip` says, or its complaint; with `fibmatch` of the entry of the table.
    fn ask_ip(
        &self,
        namespace: &Namespace,
        family: &Family,
        more: &[&str],
    ) -> Result<Value, String> {
        let mut words = vec![family.ip, "-j", "-d", "route", "get"];
        words.extend(more);
        words.extend(self.theirs.iter().map(String::as_str));
        let output = run(namespace, "ip", &words);
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        Ok(document[0].clone())
    }
}

fn run(namespace: &Namespace, program: &str, words: &[&str]) -> Output {
    let mut command = std::process::Command::new(program);
    command.args(words);
    namespace
        .inside(move || command.output())
        .expect("it is installed")
}

fn table(row: &Value) -> Value {
    match row["table"].as_str() {
        None => Value::Null,
        Some("main") => 254.into(),
        Some("local") => 255.into(),
        Some("default") => 253.into(),
        Some(number) => number.parse::<u32>().expect("a number").into(),
    }
}

/// Compares all that both tell.
fn assert_alike(ours: &Value, theirs: &Value, entry: Option<&Value>, case: &str) {
    let gateway = theirs.get("gateway").unwrap_or(&theirs["via"]["host"]);
    assert_eq!(&ours["gateway"], gateway, "{case}");
    assert_eq!(ours["interface"], theirs["dev"], "{case}");
    let source = theirs.get("prefsrc").or(theirs.get("from"));
    assert_eq!(&ours["source"], source.unwrap_or(&Value::Null), "{case}");
    assert_eq!(
        ours["kind"],
        *theirs.get("type").unwrap_or(&"unicast".into()),
        "{case}"
    );
    assert_eq!(ours["table"], table(theirs), "{case}");
    let metrics = theirs["metrics"].as_array().into_iter().flatten();
    let mtu = metrics.filter_map(|metrics| metrics.get("mtu")).next_back();
    assert_eq!(&ours["route_mtu"], mtu.unwrap_or(&Value::Null), "{case}");
    let is_told = !ours["rule"].is_null() || !ours["rule_unknown"].is_null();
    assert!(is_told, "neither a rule nor why there is none: {case}");
    if let (Some(entry), Some(network)) = (entry, ours["network"].as_str()) {
        let expected = entry["dst"].as_str().expect("an entry has one");
        let whole = format!(
            "{expected}/{}",
            if expected.contains(':') { 128 } else { 32 }
        );
        assert!(
            network == expected || network == whole,
            "{network} {expected} {case}"
        );
    }
}

fn assert_like_ip(family: &Family, seed: u64) {
    let namespace = Namespace::new().expect("root can make one");
    for interface in 0..INTERFACES {
        for line in [
            format!("link add e{interface} type veth peer name x{interface}"),
            format!("link set e{interface} up"),
            format!("link set x{interface} up"),
            format!("address add 10.{interface}.0.1/24 dev e{interface}"),
            format!("address add fd0{interface}::1/64 dev e{interface} nodad"),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(run(&namespace, "ip", &words).status.success(), "{line}");
        }
    }
    let mut random = Random::new(seed);
    for _ in 0..SITUATIONS {
        let lines = family.situation(&mut random);
        for line in &lines {
            let words: Vec<&str> = [family.ip]
                .into_iter()
                .chain(line.split_whitespace())
                .collect();
            // What cannot be is not: two routes with one metric, next hops of the other version.
            run(&namespace, "ip", &words);
        }
        for _ in 0..QUESTIONS {
            let question = Question::any(family, &mut random);
            let ours = question.ask_plumb(&namespace);
            let case = format!("{:?} {} {lines:#?} {ours}", question.ours, question.uid);
            match question.ask_ip(&namespace, family, &[]) {
                Ok(theirs) => {
                    let entry = question.ask_ip(&namespace, family, &["fibmatch"]).ok();
                    assert_alike(&ours, &theirs, entry.as_ref(), &case);
                }
                Err(said) => {
                    let errno = ours["errno"].as_str().unwrap_or_default();
                    let words = match errno {
                        "EHOSTUNREACH" => "No route to host",
                        "ENETUNREACH" => "Network is unreachable",
                        "EACCES" => "Permission denied",
                        "EINVAL" => "Invalid argument",
                        other => panic!("{other}: {said} {case}"),
                    };
                    assert!(said.contains(words), "{said} {case}");
                }
            }
        }
    }
}

#[test]
fn a_hundred_random_policies_of_ipv4_lead_where_ip_says() {
    sandbox::run(|| assert_like_ip(&IPV4, 4));
}

#[test]
fn a_hundred_random_policies_of_ipv6_lead_where_ip_says() {
    sandbox::run(|| assert_like_ip(&IPV6, 6));
}
