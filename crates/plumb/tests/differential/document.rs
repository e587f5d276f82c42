//! docs/compatibility.md says what the tests excuse, no more and no less.

use std::collections::BTreeSet;

use plumb_testkit::command_lines::COMMAND_LINES;
use plumb_testkit::deviations::{self, DEVIATIONS};
use plumb_testkit::ss;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compatibility.md");

fn document() -> String {
    std::fs::read_to_string(DOCUMENT).expect("docs/compatibility.md is in the repository")
}

#[test]
fn the_document_lists_exactly_the_decided_deviations() {
    let document = document();
    let listed: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(id, _)| id)
        .collect();
    let decided: BTreeSet<&str> = DEVIATIONS
        .iter()
        .chain(ss::deviations::DEVIATIONS)
        .map(|deviation| deviation.id)
        .collect();
    assert_eq!(listed, decided);
}

#[test]
fn the_document_counts_what_is_compared() {
    let sentence = format!(
        "{} command lines are compared; {} of them are identical byte for byte",
        COMMAND_LINES.len(),
        deviations::identical_lines()
    );
    let ss_sentence = format!(
        "{} command lines of ss are compared; {} of them are identical byte for byte",
        ss::command_lines::LAST,
        ss::deviations::identical_lines()
    );
    let text = document().split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in [sentence, ss_sentence] {
        assert!(text.contains(&sentence), "it should say: {sentence}");
    }
}
