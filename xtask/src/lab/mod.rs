//! `cargo xtask lab`: every scenario of the fault lab, and the score.
//!
//! A scenario runs in a process and namespaces of its own, so several run side by side; a diagnosis
//! mostly waits for its second sample. The score fails below the goals: 95 % of the faults found first
//! with the right subject, no false alarm. [`guest`] runs what takes a whole machine. With `--again` what was not right
//! runs once more, when nothing else does: a machine that is short of processors makes troubles of its own.

mod guest;
mod score;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::score::score;
use crate::arguments::Arguments;
use crate::machine;
use crate::step::{self, Failure};

pub(crate) use self::guest::KERNEL as GUEST_KERNEL;

/// Scenarios side by side, where nobody says otherwise.
const USUAL_JOBS: usize = 4;
/// A scenario that takes longer is ended.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the scenarios, or lists them. What takes a whole machine is made in a guest.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let mut arguments = Arguments::new(given.to_vec());
    let list = arguments.switch("--list");
    let no_guest = arguments.switch("--no-guest");
    let again = arguments.switch("--again");
    let only: String = arguments.value("--only", String::new())?;
    let jobs: usize = arguments.value("--jobs", USUAL_JOBS)?;
    let kernel: String = arguments.value("--kernel", String::new())?;
    arguments.end()?;
    let mut build = step::cargo();
    build.args(["build", "--quiet", "-p", "plumb", "-p", "plumb-testkit"]);
    step::step(build.arg("--bins"))?;
    let built = step::target_folder()?.join("debug");
    let mut chosen = listed(&built.join("plumb-lab"))?;
    chosen.retain(|listed| listed.name.contains(&only));
    if list {
        show(&chosen);
        return Ok(());
    }
    if !machine::is_root() {
        return Err(Failure::lacking(
            "the lab makes namespaces of its own: run it as root",
        ));
    }
    machine::need_programs(machine::LAB)?;
    if !kernel.is_empty() {
        let all: Vec<String> = chosen.iter().map(|listed| listed.name.clone()).collect();
        return score(&guest::run_all(&built, &all, &kernel)?);
    }
    if no_guest {
        chosen.retain(|listed| !listed.whole_machine);
    }
    let mut results = side_by_side(&built, &chosen, jobs.max(1))?;
    if again {
        chosen.retain(|listed| results[&listed.name]["verdict"] != "right");
        let second = alone(&built, &chosen)?;
        score::take_second(&mut results, second);
    }
    score(&results)
}

/// Runs scenarios side by side, those that take a whole machine in a guest beside the others.
fn side_by_side(
    built: &Path,
    chosen: &[Listed],
    jobs: usize,
) -> Result<BTreeMap<String, Value>, Failure> {
    let guests = names(chosen, true);
    let (here, there) = std::thread::scope(|scope| {
        // A guest mostly waits, too.
        let there = scope.spawn(|| in_guest(built, &guests));
        (run_all(built, names(chosen, false), jobs), there.join())
    });
    let mut results = here;
    results.extend(there.map_err(|_| Failure::check("the guest of the lab panicked"))??);
    Ok(results)
}

/// Runs scenarios one after the other.
fn alone(built: &Path, chosen: &[Listed]) -> Result<BTreeMap<String, Value>, Failure> {
    let mut results = run_all(built, names(chosen, false), 1);
    results.extend(in_guest(built, &names(chosen, true))?);
    Ok(results)
}

/// Runs scenarios in a guest, which is not started for none.
fn in_guest(built: &Path, names: &[String]) -> Result<BTreeMap<String, Value>, Failure> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    guest::run_all(built, names, guest::KERNEL)
}

/// Gives the names of those that take a whole machine, or of the others.
fn names(chosen: &[Listed], whole_machine: bool) -> Vec<String> {
    let alike = chosen
        .iter()
        .filter(|listed| listed.whole_machine == whole_machine);
    alike.map(|listed| listed.name.clone()).collect()
}

/// A scenario as the lab lists it.
struct Listed {
    name: String,
    whole_machine: bool,
    about: String,
}

/// Asks the lab for its scenarios.
fn listed(lab: &Path) -> Result<Vec<Listed>, Failure> {
    let listed = step::output(Command::new(lab).arg("--list"))?;
    let text = String::from_utf8_lossy(&listed);
    let scenarios = text.lines().filter_map(|line| {
        let mut words = line.splitn(3, '\t').map(str::to_owned);
        Some(Listed {
            name: words.next()?,
            whole_machine: words.next()? == "machine",
            about: words.next()?,
        })
    });
    Ok(scenarios.collect())
}

fn show(scenarios: &[Listed]) {
    for Listed {
        name,
        whole_machine,
        about,
    } in scenarios
    {
        let place = if *whole_machine { " (in a guest)" } else { "" };
        println!("{name}{place}\n    {about}");
    }
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
        // A group of its own, so that it can be ended with all it started.
        .process_group(0)
        .spawn();
    let broken = |why: String| serde_json::json!({"verdict": "broken", "why": why});
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return broken(error.to_string()),
    };
    let start = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if start.elapsed() > PATIENCE {
            // Its namespaces go with it. Whoever of it lived on would keep our end of its output open.
            let group = i32::try_from(child.id()).map(nix::unistd::Pid::from_raw);
            let _ = group.map(|group| nix::sys::signal::killpg(group, nix::sys::signal::SIGKILL));
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
