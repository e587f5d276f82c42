//! The score of the lab: what went wrong, the figures, and whether they are good enough.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::step::Failure;

/// So many percent of the faults must be found first.
const GOAL_PERCENT: usize = 95;

/// Prints what went wrong and the score; fails below the goals.
pub(super) fn score(results: &BTreeMap<String, Value>) -> Result<(), Failure> {
    let count = |control: bool, verdict: &str| {
        let alike = |result: &&Value| result["control"] == control && result["verdict"] == verdict;
        results.values().filter(alike).count()
    };
    for (name, result) in results
        .iter()
        .filter(|(_, result)| result["verdict"] != "right")
    {
        println!("{name}: {}", result["verdict"].as_str().unwrap_or("broken"));
        for key in ["expected", "found", "why"] {
            match &result[key] {
                Value::Array(lines) => lines.iter().for_each(|line| {
                    println!("    {key}: {}", line.as_str().unwrap_or_default());
                }),
                Value::String(line) => println!("    {key}: {line}"),
                _ => {}
            }
        }
    }
    let broken = results
        .values()
        .filter(|result| result["verdict"] == "broken")
        .count();
    let right = count(false, "right");
    let (lower, missed) = (count(false, "lower"), count(false, "missed"));
    let faults = right + lower + missed;
    let (silent, alarms) = (count(true, "right"), count(true, "false-alarm"));
    println!(
        "faults: {right} of {faults} found first, {lower} found lower, {missed} missed; \
         controls: {silent} silent, {alarms} false alarms; {broken} could not be made"
    );
    if broken == 0 && alarms == 0 && right * 100 >= faults * GOAL_PERCENT {
        return Ok(());
    }
    Err(Failure::check("the lab's score is below its goals"))
}
