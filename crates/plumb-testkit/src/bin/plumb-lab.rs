//! The fault lab from the command line: `plumb-lab --list`, `plumb-lab run SCENARIO PLUMB`.
//!
//! `run` enters namespaces of its own, makes the scenario, asks `PLUMB diagnose --json` and judges.
//! Its last line is a JSON object with the verdict. `cargo xtask lab` runs them all. What takes a whole
//! machine is made only where [`OWN_MACHINE`] says that the machine is there for it.

use std::io::Write as _;
use std::process::{Command, ExitCode};

use plumb_testkit::lab::{self, Place, Scenario, Stage, Verdict, actors};
use plumb_testkit::sandbox::{self, Network};

/// Set where the machine is there for the lab: in a guest.
const OWN_MACHINE: &str = "PLUMB_LAB_OWN_MACHINE";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            let mut out = std::io::stdout().lock();
            for scenario in lab::all() {
                let place = lab::place_of(scenario).word();
                // Who has read enough closes the pipe.
                if writeln!(out, "{}\t{place}\t{}", scenario.name, scenario.about).is_err() {
                    break;
                }
            }
            ExitCode::SUCCESS
        }
        [actors::ACTOR, rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(|&word| word.to_owned()).collect();
            fail(actors::main(&rest).err().map(|error| error.to_string()))
        }
        ["run", name, plumb] => match lab::all().find(|scenario| scenario.name == *name) {
            Some(scenario) => enter(scenario, plumb),
            None => fail(Some(format!("no scenario {name}"))),
        },
        _ => fail(Some(
            "usage: plumb-lab --list | run SCENARIO PLUMB".to_owned(),
        )),
    }
}

fn fail(text: Option<String>) -> ExitCode {
    eprintln!("plumb-lab: {}", text.unwrap_or_default());
    ExitCode::from(2)
}

fn enter(scenario: &Scenario, plumb: &str) -> ExitCode {
    let network = match lab::place_of(scenario) {
        Place::Namespaces => Network::Own,
        Place::Machine if std::env::var_os(OWN_MACHINE).is_some() => Network::Shared,
        Place::Machine => {
            let text = format!("{} takes a machine of its own", scenario.name);
            return fail(Some(text));
        }
    };
    match sandbox::enter_program_with(network) {
        Ok(Some(code)) => code,
        Ok(None) => match run(scenario, plumb) {
            Ok(code) => code,
            Err(error) => {
                // The score wants to know why.
                println!(
                    "{}",
                    serde_json::json!({
                        "scenario": scenario.name, "control": scenario.is_control(),
                        "verdict": "broken", "why": error.to_string(),
                    })
                );
                ExitCode::from(2)
            }
        },
        Err(error) => fail(Some(format!("cannot make namespaces: {error}"))),
    }
}

fn run(scenario: &Scenario, plumb: &str) -> std::io::Result<ExitCode> {
    let mut stage = Stage::new()?;
    let expected = (scenario.make)(&mut stage)?;
    let mut diagnose = Command::new(plumb);
    diagnose.args(["diagnose", "--json"]);
    if expected.seconds > 0 {
        diagnose.arg(format!("--for={}s", expected.seconds));
    }
    let output = diagnose.args(&expected.arguments).output()?;
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| std::io::Error::other(format!("{error}: {output:?}")))?;
    let outcome = lab::judge(scenario, &expected, &document);
    let verdict = match outcome.verdict {
        Verdict::Right => "right",
        Verdict::Lower => "lower",
        Verdict::Missed => "missed",
        Verdict::FalseAlarm => "false-alarm",
    };
    println!(
        "{}",
        serde_json::json!({
            "scenario": scenario.name, "control": scenario.is_control(), "verdict": verdict,
            "expected": expected.subject.iter().map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>(),
            "found": outcome.found,
        })
    );
    drop(stage);
    Ok(ExitCode::from(u8::from(outcome.verdict != Verdict::Right)))
}
