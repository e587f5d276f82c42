//! ARCHITECTURE.md says which crate may use which; this holds it to that, in both directions.
//!
//! Reads `cargo metadata` and the blocks fenced as `arrows` and `pure` in ARCHITECTURE.md. An
//! arrow that the text does not allow fails, and so does one that only the text still has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The crate that only tests may use.
const TEST_CRATE: &str = "plumb-testkit";

/// The parts of the standard library that a pure crate has no business with.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "stdout()",
    "stderr()",
    "println!",
];

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("cannot start cargo: {error}"));
    assert!(output.status.success(), "cargo metadata failed: {output:?}");
    let json: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("cargo metadata is not JSON: {error}"));
    json["packages"].as_array().cloned().unwrap_or_default()
}

/// Gives the lines of the one block fenced as `kind` in ARCHITECTURE.md.
fn block(kind: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md"))
        .unwrap_or_else(|error| panic!("cannot read ARCHITECTURE.md: {error}"));
    let fence = format!("```{kind}\n");
    let (_, behind) = text
        .split_once(&fence)
        .unwrap_or_else(|| panic!("ARCHITECTURE.md has no block {kind}"));
    let (inside, _) = behind.split_once("```").unwrap_or((behind, ""));
    inside.lines().map(str::to_owned).collect()
}

/// Lists the dependencies of one kind (`null` is a normal one) of a package.
fn dependencies<'p>(package: &'p Value, kind: &'p Value) -> impl Iterator<Item = &'p str> {
    package["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(move |dependency| dependency["kind"] == *kind)
        .filter_map(|dependency| dependency["name"].as_str())
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap_or_default()
}

/// Lists the arrows of one kind between our own crates.
fn arrows(packages: &[Value], kind: &Value) -> BTreeSet<String> {
    let ours: BTreeSet<&str> = packages.iter().map(name).collect();
    let mut arrows = BTreeSet::new();
    for package in packages {
        for used in dependencies(package, kind).filter(|used| ours.contains(used)) {
            arrows.insert(format!("{} -> {used}", name(package)));
        }
    }
    arrows
}

#[test]
fn every_arrow_between_our_crates_is_one_the_architecture_allows() {
    let real = arrows(&packages(), &Value::Null);
    let allowed = block("arrows");
    let forbidden: Vec<_> = real.difference(&allowed).collect();
    assert!(
        forbidden.is_empty(),
        "not allowed by ARCHITECTURE.md: {forbidden:?}"
    );
    let gone: Vec<_> = allowed.difference(&real).collect();
    assert!(gone.is_empty(), "only ARCHITECTURE.md still has: {gone:?}");
}

#[test]
fn tests_reach_beyond_the_arrows_through_the_testkit_alone() {
    let packages = packages();
    let allowed = block("arrows");
    for arrow in arrows(&packages, &Value::from("dev")) {
        let to_testkit = arrow.ends_with(&format!("-> {TEST_CRATE}"));
        assert!(
            to_testkit || allowed.contains(&arrow),
            "a test adds the arrow {arrow}"
        );
    }
    let built_with = arrows(&packages, &Value::from("build"));
    assert!(built_with.is_empty(), "build scripts add {built_with:?}");
}

#[test]
fn pure_crates_use_nothing_that_could_reach_the_kernel() {
    let packages = packages();
    let pure = block("pure");
    assert!(!pure.is_empty(), "ARCHITECTURE.md lists no pure crate");
    for line in &pure {
        let (crate_name, allowed) = line
            .split_once(':')
            .unwrap_or_else(|| panic!("not `crate: dependencies`: {line}"));
        let allowed: BTreeSet<&str> = allowed.split_whitespace().collect();
        let package = packages
            .iter()
            .find(|package| name(package) == crate_name)
            .unwrap_or_else(|| panic!("ARCHITECTURE.md names {crate_name}, which is not there"));
        for used in dependencies(package, &Value::Null) {
            let ours = packages.iter().any(|package| name(package) == used);
            assert!(
                ours || allowed.contains(used),
                "{crate_name} must not use {used}"
            );
        }
    }
}

#[test]
fn pure_crates_do_not_name_the_outside() {
    let mut files = Vec::new();
    for line in block("pure") {
        let (crate_name, _) = line.split_once(':').unwrap_or((&line, ""));
        sources(
            &root().join("crates").join(crate_name).join("src"),
            &mut files,
        );
    }
    assert!(files.len() > 10, "the pure crates have moved: {files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
        for word in OUTSIDE {
            assert!(!text.contains(word), "{} names {word}", file.display());
        }
    }
}

/// Collects the Rust files below a folder.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn a_dependency_of_another_kind_is_no_arrow() {
    let package = serde_json::json!({"name": "a", "dependencies": [
        {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}]});
    let others = ["b", "c"].map(|name| serde_json::json!({"name": name, "dependencies": []}));
    let packages = [vec![package], others.to_vec()].concat();
    assert_eq!(Vec::from_iter(arrows(&packages, &Value::Null)), ["a -> b"]);
    assert_eq!(
        Vec::from_iter(arrows(&packages, &Value::from("dev"))),
        ["a -> c"]
    );
}
