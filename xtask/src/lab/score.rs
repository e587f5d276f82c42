//! The score of the lab: what went wrong, the figures, and whether they are good enough.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::step::Failure;

/// So many percent of the faults must be found first.
const GOAL_PERCENT: usize = 95;

/// The key of what a scenario's first run gave, where a second one was right.
const FIRST: &str = "first";

/// Takes the results of second runs that were right for those of the first, which are kept beside them.
pub(super) fn take_second(results: &mut BTreeMap<String, Value>, second: BTreeMap<String, Value>) {
    for (name, mut again) in second {
        let Some(first) = results.get_mut(&name) else {
            continue;
        };
        if again["verdict"] == "right" {
            again[FIRST] = first.take();
            *first = again;
        }
    }
}

/// Prints what went wrong and the score; fails below the goals.
pub(super) fn score(results: &BTreeMap<String, Value>) -> Result<(), Failure> {
    let count = |control: bool, verdict: &str| {
        let alike = |result: &&Value| result["control"] == control && result["verdict"] == verdict;
        results.values().filter(alike).count()
    };
    let mut second_runs = 0;
    for (name, result) in results {
        if !result[FIRST].is_null() {
            second_runs += 1;
            println!("{name}: right in its second run; in the first");
            tell(name, &result[FIRST]);
        } else if result["verdict"] != "right" {
            tell(name, result);
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
    if second_runs > 0 {
        println!("right in a second run alone: {second_runs}");
    }
    if broken == 0 && alarms == 0 && right * 100 >= faults * GOAL_PERCENT {
        return Ok(());
    }
    Err(Failure::check("the lab's score is below its goals"))
}

/// Prints what went wrong with one scenario.
fn tell(name: &str, result: &Value) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(verdict: &str) -> BTreeMap<String, Value> {
        let result = serde_json::json!({"control": true, "verdict": verdict});
        BTreeMap::from([("a/b".to_owned(), result)])
    }

    #[test]
    fn a_second_run_counts_where_it_is_right_and_the_first_is_told() {
        let mut results = of("false-alarm");
        take_second(&mut results, of("false-alarm"));
        assert!(score(&results).is_err(), "twice");
        take_second(&mut results, of("right"));
        assert_eq!(results["a/b"][FIRST]["verdict"], "false-alarm");
        assert!(score(&results).is_ok());
    }
}
