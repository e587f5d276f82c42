//! The manual pages, for tests that compare them with the tables of options.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use crate::getopt::Table;

/// How far the tags of a list are indented by mdoc, and less than anything else.
const INDENT: &str = "     -";

/// Formats a page as plain text; what groff complains of is a failure.
pub fn page(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../man", name]
        .iter()
        .collect();
    let output = Command::new("groff")
        .args(["-mdoc", "-ww", "-Tascii", "-P-cbou", "-rLL=100n"])
        .arg(path)
        .output()
        .expect("groff is there");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{complaints}");
    String::from_utf8(output.stdout).expect("it was told to write ASCII")
}

/// Fails unless the page explains every option of the table and no other.
pub fn assert_explains<K>(name: &str, table: &Table<'_, K>) {
    let page = page(name);
    let explained: BTreeSet<&str> = page
        .lines()
        .filter(|line| line.starts_with(INDENT))
        .filter_map(|line| line.trim_start().split("  ").next())
        .flat_map(|tag| tag.split([' ', ',', '=', '[']))
        .filter(|word| word.starts_with('-'))
        .collect();
    let short = table.short.iter();
    let long = table.long.iter().chain(table.exact);
    let known: BTreeSet<String> = short
        .map(|option| format!("-{}", char::from(option.letter)))
        .chain(long.map(|option| format!("--{}", option.name)))
        .collect();
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    assert_eq!(known, explained, "the left ones are known to the program");
}
