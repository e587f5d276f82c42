//! Owners that are hard to find are in the document, with the way they hold, whichever engine looked.

use plumb_testkit::holding::{self, Held, Way};
use plumb_testkit::{programs, sandbox};
use serde_json::Value;

use crate::called::command;

/// The document of `plumb ls` with one engine.
fn document(engine: &str) -> Value {
    let output = command()
        .args(["--json", "-c", "local,owners"])
        .env("PLUMB_OWNERS", engine)
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

fn check(engine: &str, document: &Value, held: &Held) {
    let rows = document["sockets"].as_array().expect("there are rows");
    let local = format!("127.0.0.1:{}", held.port);
    let row = rows.iter().find(|row| row["local"] == local);
    let row = row.unwrap_or_else(|| panic!("{local} is listed ({engine})"));
    let owner = &row["owners"][0];
    let (by, fd) = match held.way {
        Way::OwnTable { fd, .. } => ("thread-fd", Some(fd)),
        Way::Ring { .. } => ("io-uring", None),
        Way::InFlight { .. } => ("in-flight", None),
        Way::Covered | Way::Inherited => ("fd", Some(0)),
        Way::Received => ("fd", Some(3)),
    };
    let told = (&owner["pid"], &owner["held_by"], &owner["fd"]);
    let expected = (&held.pid.into(), &by.into(), &fd.into());
    assert_eq!(told, expected, "{:?} ({engine}): {row}", held.way);
    assert_eq!(row["owners"].as_array().map(Vec::len), Some(1), "{row}");
}

#[test]
fn every_way_to_hold_a_socket_has_its_owner() {
    sandbox::run(|| {
        let program = programs::find("plumb-holders").expect("it was built");
        let held = holding::every_way(&program).expect("root may do all of it");
        for engine in ["bpf", "proc"] {
            let document = document(engine);
            for one in &held {
                check(engine, &document, one);
            }
            assert_eq!(document["complete"], true, "{}", document["reasons"]);
        }
    });
}
