//! Scenarios in a guest: those that need settings of a whole machine, or all of them under another kernel.
//!
//! One guest, one scenario after the other: a guest has one processor, and settings of its machine
//! are for one scenario at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::machine;
use crate::step::Failure;
use crate::vm;

/// The kernel of guests, where none is named: the newest of a stable Debian.
pub(crate) const KERNEL: &str = "6.12";

/// Runs scenarios in a guest; gives what each said.
pub(super) fn run_all(
    built: &Path,
    names: &[String],
    kernel: &str,
) -> Result<BTreeMap<String, Value>, Failure> {
    let mut with = vec![built.join("plumb-lab")];
    with.extend(programs()?);
    let command = command(built, names);
    eprintln!("==> {} scenarios under {kernel}", names.len());
    let output = vm::output(kernel, with, command.as_bytes())?;
    let mut results = told(&output);
    for name in names {
        let result = results
            .entry(name.clone())
            .or_insert_with(|| serde_json::json!({"verdict": "broken", "why": "it said nothing"}));
        let verdict = result["verdict"].as_str().unwrap_or("broken");
        eprintln!("{verdict:12} {name} (guest)");
    }
    Ok(results)
}

/// Gives the programs of this machine that scenarios run and guests do not have anyway.
fn programs() -> Result<Vec<PathBuf>, Failure> {
    machine::need_programs(machine::LAB)?;
    let found = machine::LAB
        .iter()
        .filter_map(|(program, _)| machine::find(program));
    Ok(found.collect())
}

/// Writes the guest's command: each scenario once, and once more where it could not be made.
fn command(built: &Path, names: &[String]) -> String {
    let lab = built.join("plumb-lab");
    let mut line = String::from("export PLUMB_LAB_OWN_MACHINE=1\n");
    // One that had to be ended leaves its link, which would keep all others from being made.
    let _ = writeln!(
        line,
        "one() {{ ip link del veth0 2>/dev/null; timeout 60 '{}' run \"$1\" /usr/local/bin/plumb; }}",
        lab.display()
    );
    for name in names {
        // 2: it could not be made. The names are ours, of letters, dashes and a stroke.
        let _ = writeln!(line, "one {name}; [ $? -lt 2 ] || one {name}");
    }
    line.push_str("true\n");
    line
}

/// Reads the results, one JSON object on each line; of two for a scenario the last counts.
fn told(output: &[u8]) -> BTreeMap<String, Value> {
    let text = String::from_utf8_lossy(output);
    let results = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    results
        .filter_map(|result| Some((result["scenario"].as_str()?.to_owned(), result)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_result_of_a_scenario_counts_and_noise_does_not() {
        let output = b"noise\n{\"scenario\":\"a/b\",\"verdict\":\"broken\"}\n\
            {\"scenario\":\"a/b\",\"verdict\":\"right\"}\n{\"other\":1}\n";
        let results = told(output);
        assert_eq!(results.len(), 1);
        assert_eq!(results["a/b"]["verdict"], "right");
    }

    #[test]
    fn a_scenario_that_could_not_be_made_is_made_once_more() {
        let line = command(Path::new("/t"), &["x/y".to_owned()]);
        assert!(
            line.contains("one x/y; [ $? -lt 2 ] || one x/y\n"),
            "{line}"
        );
        assert!(line.contains("'/t/plumb-lab' run"), "{line}");
        let cleared = line.find("ip link del veth0");
        assert!(
            cleared.is_some() && cleared < line.find("timeout"),
            "{line}"
        );
    }
}
