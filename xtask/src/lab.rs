//! `cargo xtask lab`: every scenario of the fault lab, and the score.
//!
//! A scenario runs in a process and namespaces of its own, so several run side by side; a diagnosis
//! mostly waits for its second sample. The score fails below the goals: 95 % of the faults found first
//! with the right subject, no false alarm.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure};

/// Scenarios side by side, where nobody says otherwise.
const USUAL_JOBS: usize = 4;
/// A scenario that takes longer is ended.
const PATIENCE: Duration = Duration::from_mins(1);
/// So many percent of the faults must be found first.
const GOAL_PERCENT: usize = 95;

/// Runs the scenarios, or lists them.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let list = arguments.switch("--list");
    let only: String = arguments.value("--only", String::new())?;
    let jobs: usize = arguments.value("--jobs", USUAL_JOBS)?;
    arguments.end()?;
    let mut build = step::cargo();
    build.args(["build", "--quiet", "-p", "plumb", "-p", "plumb-testkit"]);
    step::step(build.arg("--bins"))?;
    let built = step::target_folder()?.join("debug");
    let names = names(&built.join("plumb-lab"), list)?;
    if list {
        return Ok(());
    }
    if !machine::is_root() {
        return Err(Failure::lacking(
            "the lab makes namespaces of its own: run it as root",
        ));
    }
    machine::need_programs(machine::LAB)?;
    let chosen: Vec<String> = names
        .into_iter()
        .filter(|name| name.contains(&only))
        .collect();
    score(&run_all(&built, chosen, jobs.max(1)))
}

/// Asks the lab for its scenarios; shows them when that is all that is wanted.
fn names(lab: &Path, show: bool) -> Result<Vec<String>, Failure> {
    let listed = step::output(Command::new(lab).arg("--list"))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    if show {
        print!("{}", listed.replace('\t', "\n    "));
    }
    let name = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    Ok(listed.lines().map(name).collect())
}

/// Runs scenarios side by side; gives what each said.
fn run_all(built: &Path, mut names: Vec<String>, jobs: usize) -> BTreeMap<String, Value> {
    names.reverse();
    let queue = Mutex::new(names);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some(name) = queue.lock().ok().and_then(|mut names| names.pop()) else {
                        return;
                    };
                    let mut result = run_one(built, &name);
                    if result["verdict"] == "broken" {
                        // On a busy machine a situation may take too long to come about: once more.
                        eprintln!("{:12} {name}", "once more");
                        result = run_one(built, &name);
                    }
                    let verdict = result["verdict"].as_str().unwrap_or("broken");
                    eprintln!("{verdict:12} {name}");
                    if let Ok(mut results) = results.lock() {
                        results.insert(name, result);
                    }
                }
            });
        }
    });
    results.into_inner().unwrap_or_default()
}

fn run_one(built: &Path, name: &str) -> Value {
    let child = Command::new(built.join("plumb-lab"))
        .args(["run", name])
        .arg(built.join("plumb"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let broken = |why: String| serde_json::json!({"verdict": "broken", "why": why});
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return broken(error.to_string()),
    };
    let start = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if start.elapsed() > PATIENCE {
            // Its namespaces go with it.
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let Ok(output) = child.wait_with_output() else {
        return broken("no output".to_owned());
    };
    let last = output
        .stdout
        .split(|&b| b == b'\n')
        .rfind(|line| !line.is_empty());
    match last.map(serde_json::from_slice) {
        Some(Ok(value)) => value,
        _ => broken(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// Prints what went wrong and the score; fails below the goals.
fn score(results: &BTreeMap<String, Value>) -> Result<(), Failure> {
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
