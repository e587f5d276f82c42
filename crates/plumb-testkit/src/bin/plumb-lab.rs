//! The fault lab from the command line: `plumb-lab --list`, `plumb-lab run SCENARIO PLUMB`.
//!
//! `run` enters namespaces of its own, makes the scenario, asks `PLUMB diagnose --json` and judges.
//! Its last line is a JSON object with the verdict. `cargo xtask lab` runs them all.

use std::process::{Command, ExitCode};

use plumb_testkit::lab::{self, Scenario, Stage, Verdict, actors};
use plumb_testkit::sandbox;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            for scenario in lab::all() {
                println!("{}\t{}", scenario.name, scenario.about);
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
    match sandbox::enter_program() {
        Ok(Some(code)) => code,
        Ok(None) => match run(scenario, plumb) {
            Ok(code) => code,
            Err(error) => fail(Some(format!("{}: {error}", scenario.name))),
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
