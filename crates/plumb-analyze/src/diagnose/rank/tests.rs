//! Findings in, their order and what is left of them out.

use plumb_model::sample::Sample;

use super::super::merge;
use super::*;
use crate::made_up;

fn finding(kind: &'static str, severity: Severity, subject: Subject) -> Finding {
    Finding {
        kind,
        severity,
        subject,
        summary: String::new(),
        evidence: Vec::new(),
        hints: Vec::new(),
        confidence: Confidence::Certain,
    }
}

fn subject(kind: &'static str, local: Option<&str>, peer: Option<&str>) -> Subject {
    Subject {
        kind,
        local: local.map(str::to_owned),
        peer: peer.map(str::to_owned),
        ..Subject::default()
    }
}

fn kinds(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|found| found.kind).collect()
}

#[test]
fn what_fails_for_everybody_is_told_of_the_host_alone() {
    let silent = subject("destination", None, Some("10.0.0.2:80"));
    let ranked = |severity| {
        let found = [
            finding("connect-timeout", Severity::Critical, silent.clone()),
            finding("conntrack-full", severity, subject("host", None, None)),
        ];
        let sample = Sample::default();
        let case = made_up::between(&sample, &sample);
        kinds(&rank(&case, &found, &Servers::default()))
    };
    assert_eq!(ranked(Severity::Critical), ["conntrack-full"]);
    // Nearly full is no reason yet.
    let both = ["connect-timeout", "conntrack-full"];
    assert_eq!(ranked(Severity::Warning), both);
}

#[test]
fn what_harms_nobody_explains_nothing_that_does() {
    let ranked = |severity| {
        let here = |kind, severity| {
            let subject = subject("socket", Some("10.0.0.1:80"), Some("10.0.0.2:5000"));
            finding(kind, severity, subject)
        };
        let found = [
            here("slow-reader-peer", severity),
            here("slow-reader-local", Severity::Warning),
        ];
        let sample = Sample::default();
        let case = made_up::between(&sample, &sample);
        kinds(&rank(&case, &found, &Servers::default()))
    };
    assert_eq!(ranked(Severity::Warning), ["slow-reader-peer"]);
    let both = ["slow-reader-local", "slow-reader-peer"];
    assert_eq!(ranked(Severity::Info), both);
}

#[test]
fn losses_to_one_host_are_told_beside_a_queue_to_another() {
    let ranked = |bloated: &str| {
        let process = |kind, peer: &str| {
            let subject = Subject {
                pid: Some(plumb_model::id::Pid(7)),
                ..subject("destination", None, Some(peer))
            };
            finding(kind, Severity::Warning, subject)
        };
        let found = [
            process("bufferbloat", bloated),
            process("packet-loss", "10.0.0.2"),
        ];
        let sample = Sample::default();
        let case = made_up::between(&sample, &sample);
        kinds(&rank(&case, &found, &Servers::default())).len()
    };
    assert_eq!(ranked("10.0.0.2:80"), 1);
    assert_eq!(ranked("10.0.0.3:80"), 2);
}

#[test]
fn a_name_server_that_is_not_there_is_no_port_without_a_listener() {
    let udp = |subject: Subject| Subject {
        protocol: Some("udp"),
        ..subject
    };
    let client = subject("destination", None, Some("127.0.0.53:53"));
    let nobody = subject("socket", Some("127.0.0.53:53"), Some("127.0.0.1"));
    let found = [
        finding("dns-failing", Severity::Critical, udp(client)),
        finding("udp-no-listener", Severity::Warning, udp(nobody)),
    ];
    let sample = Sample::default();
    let case = made_up::between(&sample, &sample);
    let told = rank(&case, &found, &Servers::default());
    assert_eq!(kinds(&told), ["dns-failing"]);
}

#[test]
fn who_cannot_have_a_port_explains_that_nobody_listens_at_any_of_its_addresses() {
    let ranked = |local| {
        let listener = |local| subject("listener", Some(local), None);
        let found = [
            finding("port-in-use", Severity::Critical, listener(local)),
            finding("no-listener", Severity::Warning, listener("10.76.4.1:6000")),
        ];
        let sample = Sample::default();
        let case = made_up::between(&sample, &sample);
        kinds(&rank(&case, &found, &Servers::default()))
    };
    assert_eq!(ranked("0.0.0.0:6000"), ["port-in-use"]);
    assert_eq!(ranked("10.76.4.1:6000"), ["port-in-use"]);
    let both = ["port-in-use", "no-listener"];
    assert_eq!(ranked("0.0.0.0:6001"), both);
    assert_eq!(ranked("10.76.4.2:6000"), both);
}

#[test]
fn what_is_behind_a_port_comes_behind_the_trouble_of_the_port_itself() {
    let end = |text: &str| Subject {
        peer: Some(text.to_owned()),
        kind: "destination",
        ..Subject::default()
    };
    let behind = Subject {
        relation: Some("proxy connects to it".to_owned()),
        ..end("10.0.0.2:9000")
    };
    let mut found = vec![
        finding("connect-timeout", Severity::Critical, behind),
        finding("packet-loss", Severity::Info, end("10.0.0.3:80")),
    ];
    sort(&mut found);
    assert_eq!(kinds(&found), ["packet-loss", "connect-timeout"]);
}

#[test]
fn two_ports_without_a_listener_are_two_troubles_and_two_connections_of_one_client_are_one() {
    let of = |kind, local: &str| {
        let subject = subject(kind, Some(local), Some("10.0.0.2:5000"));
        finding("x", Severity::Warning, subject)
    };
    let told = |kind| {
        let mut found = vec![of(kind, "10.0.0.1:80"), of(kind, "10.0.0.1:81")];
        gather(&mut found);
        found.len()
    };
    assert_eq!(told("listener"), 2);
    assert_eq!(told("socket"), 1);
}

#[test]
fn workers_of_one_program_that_wait_for_one_peer_are_one_trouble() {
    let of = |pid, process: &str, peer| {
        let local = format!("10.0.0.1:{}", 40_000 + pid);
        let subject = Subject {
            pid: Some(plumb_model::id::Pid(pid)),
            process: Some(process.to_owned()),
            ..subject("socket", Some(&local), Some(peer))
        };
        finding("x", Severity::Warning, subject)
    };
    let told = |process: &str, peer| {
        let mut found = vec![of(7, "push", "10.0.0.2:80"), of(8, process, peer)];
        gather(&mut found);
        found.len()
    };
    assert_eq!(told("push", "10.0.0.2:80"), 1);
    assert_eq!(told("pull", "10.0.0.2:80"), 2);
    assert_eq!(told("push", "10.0.0.2:81"), 2);
}

#[test]
fn a_firewall_of_a_router_in_another_namespace_explains_its_clients_and_that_of_a_host_does_not() {
    let merged = |pid| {
        let silent = subject("destination", None, Some("10.98.0.1:80"));
        let here = finding("connect-timeout", Severity::Critical, silent.clone());
        let there = Subject { pid, ..silent };
        let there = finding("firewall-drop", Severity::Critical, there);
        let found = |finding| Found {
            findings: vec![finding],
            ..Found::default()
        };
        merge(&[found(here), found(there)]).len()
    };
    assert_eq!(merged(None), 1);
    assert_eq!(merged(Some(plumb_model::id::Pid(7))), 2);
}

#[test]
fn a_circle_is_told_of_its_sender_and_not_of_each_router_in_it() {
    let circle = |severity| Found {
        findings: vec![finding(
            "ttl-exceeded",
            severity,
            subject("destination", None, Some("10.98.0.1")),
        )],
        ..Found::default()
    };
    let merged = merge(&[
        circle(Severity::Warning),
        circle(Severity::Critical),
        circle(Severity::Warning),
    ]);
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].severity, Severity::Critical);
}

#[test]
fn a_router_in_another_namespace_explains_its_clients() {
    let merged = |refused: &str| {
        let silent = subject("destination", None, Some("10.98.0.1:80"));
        let here = finding("connect-timeout", Severity::Critical, silent);
        let there = subject("destination", None, Some(refused));
        let there = finding("no-route", Severity::Warning, there);
        let found = |finding| Found {
            findings: vec![finding],
            ..Found::default()
        };
        let merged = merge(&[found(here), found(there)]).into_iter();
        let told = merged.map(|found| (found.kind, found.severity));
        told.collect::<Vec<_>>()
    };
    assert_eq!(merged("10.98.0.1"), [("no-route", Severity::Critical)]);
    let both = [
        ("connect-timeout", Severity::Critical),
        ("no-route", Severity::Warning),
    ];
    assert_eq!(merged("10.98.0.2"), both);
}

#[test]
fn a_listener_in_another_namespace_explains_its_client() {
    let silent = subject("destination", None, Some("10.9.0.2:80"));
    let merged = |bound| {
        let found = |findings, address: [u8; 4]| Found {
            findings,
            addresses: vec![address.into()],
            ..Found::default()
        };
        let here = finding("connect-timeout", Severity::Critical, silent.clone());
        let there = subject("listener", Some(bound), None);
        let there = finding("accept-queue-overflow", Severity::Critical, there);
        let namespaces = [
            found(vec![here], [10, 9, 0, 1]),
            found(vec![there], [10, 9, 0, 2]),
        ];
        kinds(&merge(&namespaces))
    };
    let one = ["accept-queue-overflow"];
    assert_eq!(merged("10.9.0.2:80"), one);
    assert_eq!(merged("0.0.0.0:80"), one);
    assert_eq!(merged("0.0.0.0:81").len(), 2);
    assert_eq!(merged("127.0.0.1:80").len(), 2);
}

#[test]
fn who_is_in_another_namespace_is_told_of_the_listener_he_wants_to_reach_and_of_nothing_else() {
    let told = |port: u16| {
        let found = [
            finding(
                "accept-queue-overflow",
                Severity::Critical,
                subject("listener", Some("0.0.0.0:80"), None),
            ),
            finding(
                "fragment-loss",
                Severity::Warning,
                subject("host", None, None),
            ),
            finding(
                "connect-timeout",
                Severity::Critical,
                subject("destination", None, Some("10.0.0.7:80")),
            ),
        ];
        let sample = made_up::sample(0, &plumb_model::diag::tcp_info::TcpInfo::default());
        let focus = super::super::Focus {
            pids: vec![99],
            unseen: super::super::Connections {
                own: vec![([10, 0, 0, 9], 40_000).into()],
                reached: vec![([10, 0, 0, 1], port).into()],
            },
            is_elsewhere: true,
            ..Default::default()
        };
        let case = Case {
            focus: &focus,
            ..made_up::between(&sample, &sample)
        };
        kinds(&rank(&case, &found, &Servers::default()))
    };
    assert_eq!(told(80), ["accept-queue-overflow"]);
    assert_eq!(told(81), [""; 0]);
}

#[test]
fn what_is_behind_the_trouble_of_a_server_concerns_its_client_as_well() {
    let of_server = |kind, local: Option<&str>| Subject {
        pid: Some(plumb_model::id::Pid(7)),
        ..subject(kind, local, None)
    };
    let told = |port: u16| {
        let found = [
            finding(
                "accept-queue-overflow",
                Severity::Critical,
                of_server("listener", Some("0.0.0.0:80")),
            ),
            finding("fd-limit", Severity::Critical, of_server("process", None)),
        ];
        let sample = made_up::sample(0, &plumb_model::diag::tcp_info::TcpInfo::default());
        let focus = super::super::Focus {
            pids: vec![99],
            unseen: super::super::Connections {
                own: vec![([10, 0, 0, 1], 40_000).into()],
                reached: vec![([10, 0, 0, 1], port).into()],
            },
            ..Default::default()
        };
        let case = Case {
            focus: &focus,
            ..made_up::between(&sample, &sample)
        };
        kinds(&rank(&case, &found, &Servers::default()))
    };
    assert_eq!(told(80), ["fd-limit"]);
    assert_eq!(told(81), [""; 0]);
}

#[test]
fn workers_that_serve_one_end_have_one_trouble() {
    let told = |second: &str| {
        let of = |pid, local: &str, peer| {
            let subject = Subject {
                pid: Some(plumb_model::id::Pid(pid)),
                process: Some("web".to_owned()),
                ..subject("socket", Some(local), Some(peer))
            };
            finding("slow-reader-local", Severity::Warning, subject)
        };
        let found = [
            of(7, "10.0.0.1:80", "10.0.0.2:5000"),
            of(8, second, "10.0.0.2:5001"),
        ];
        let sample = Sample::default();
        let case = made_up::between(&sample, &sample);
        rank(&case, &found, &Servers::default()).len()
    };
    assert_eq!(told("10.0.0.1:80"), 1);
    assert_eq!(told("10.0.0.1:81"), 2);
}

#[test]
fn a_reader_in_another_namespace_is_told_and_not_its_writer() {
    let told = |reader_at: &str| {
        let one = |kind, local, peer| Found {
            findings: vec![finding(
                kind,
                Severity::Warning,
                subject("socket", Some(local), Some(peer)),
            )],
            ..Found::default()
        };
        let writer = one("slow-reader-peer", "10.0.0.1:5000", "10.0.0.2:80");
        let reader = one("slow-reader-local", reader_at, "10.0.0.1:5000");
        kinds(&merge(&[writer, reader]))
    };
    assert_eq!(told("10.0.0.2:80"), ["slow-reader-local"]);
    let both = ["slow-reader-peer", "slow-reader-local"];
    assert_eq!(told("10.0.0.2:81"), both);
}
