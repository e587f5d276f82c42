//! The names of five kernels, recorded with `cargo xtask vm --kernel N --module sctp --module nf_conntrack
//! -- 'for f in …; do echo "=== $f"; cat $f; done'` (6.18: on the development machine), and the running one.

use std::fs;
use std::path::{Path, PathBuf};

use plumb_analyze::counters::{self, Nature, Verdict};
use plumb_model::counters::Reading;
use plumb_wire::proc::counters::FILES;

const KERNELS: [(&str, usize); 5] = [
    ("5.10", 470),
    ("6.1", 530),
    ("6.12", 550),
    ("6.18", 540),
    ("7.2", 520),
];

fn fixture(kernel: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../plumb-testkit/fixtures/linux-{kernel}/counters"))
}

fn recorded(kernel: &str) -> Vec<Reading> {
    let text = fs::read_to_string(fixture(kernel)).expect("the recording is ours");
    let sections = text.split("=== ").skip(1);
    let readings = sections.flat_map(|section| {
        let (source, content) = section.split_once('\n').expect("a head line");
        let (file, decode) = FILES
            .iter()
            .find(|(file, _)| file.source == source)
            .expect("only files that we read were recorded");
        decode(content.as_bytes(), *file)
    });
    readings.collect()
}

fn without_explanation(readings: &[Reading]) -> Vec<String> {
    let missing = readings
        .iter()
        .filter(|reading| counters::explain(&reading.group, &reading.name).is_none());
    missing.map(Reading::full_name).collect()
}

#[test]
fn every_counter_of_the_kernels_we_know_is_explained() {
    for (kernel, least) in KERNELS {
        let readings = recorded(kernel);
        assert!(readings.len() >= least, "{kernel}: {}", readings.len());
        let missing = without_explanation(&readings);
        assert!(missing.is_empty(), "Linux {kernel}: {missing:?}");
    }
}

#[test]
fn every_counter_of_the_running_kernel_is_explained() {
    let counters = plumb_collect::counters::read();
    assert!(counters.gaps.is_empty(), "{:?}", counters.gaps);
    let missing = without_explanation(&counters.readings);
    assert!(missing.is_empty(), "no explanation of {missing:?}");
}

/// What is explained and in none of the recordings is a typing error, or belongs to a kernel or a module
/// that was not recorded; the latter are named here.
#[test]
fn explanations_are_about_counters_that_exist() {
    const NOT_RECORDED: [&str; 7] = [
        "UdpLite6.IgnoredMulti",
        "Tls.",
        "interface.",
        "IcmpMsg.",
        "Icmp6.In",
        "Icmp6.Out",
        "nf_conntrack.max",
    ];
    let all: Vec<Reading> = KERNELS
        .iter()
        .flat_map(|(kernel, _)| recorded(kernel))
        .collect();
    let running = plumb_collect::counters::read().readings;
    for (group, explanation) in counters::all() {
        let name = format!("{group}.{}", explanation.name);
        let exists = |reading: &Reading| {
            reading.group == group && counters::explain(group, &reading.name) == Some(explanation)
        };
        let known = all.iter().chain(&running).any(exists);
        assert!(
            known || NOT_RECORDED.iter().any(|prefix| name.starts_with(prefix)),
            "{name}"
        );
    }
}

#[test]
fn explanations_are_whole_sentences_and_unique() {
    let mut seen = std::collections::BTreeSet::new();
    for (group, explanation) in counters::all() {
        let name = format!("{group}.{}", explanation.name);
        assert!(seen.insert(name.clone()), "{name} twice");
        let sentence = explanation.meaning;
        assert!(
            sentence.len() > 9 && sentence.ends_with('.'),
            "{name}: {sentence}"
        );
        assert!(!explanation.place.is_empty(), "{name}");
        if let Verdict::Bad(_) = explanation.verdict {
            assert_eq!(explanation.nature, Nature::Counter, "{name}");
            assert!(
                !explanation.when.is_empty(),
                "{name} does not say when it is bad"
            );
        }
        for text in [explanation.when, explanation.hint] {
            assert!(text.is_empty() || text.ends_with('.'), "{name}: {text}");
        }
    }
    assert!(seen.len() > 550, "{}", seen.len());
}
