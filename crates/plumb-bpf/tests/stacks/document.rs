//! The table in docs/stacks.md: what each runtime gives.

use std::fmt::Write as _;
use std::path::PathBuf;

use plumb_model::Known;
use plumb_model::stack::{Hint, Stack};
use plumb_testkit::leaking::{PROGRAMS, Program, Shows};

/// Makes the row of a program.
pub(crate) fn row(program: &Program, stack: &Stack) -> String {
    let caller = stack.caller_of_interest().expect("a stack has a frame");
    let module = String::from_utf8_lossy(caller.module_name().unwrap_or_default()).into_owned();
    let function = match &caller.function {
        Known::Known(name) => format!("`{name}`"),
        Known::Unknown(_) => format!("an address in `{module}`"),
    };
    let line = match &caller.source {
        Known::Known(source) => {
            let file = source.file.rsplit('/').next().unwrap_or_default();
            format!("{file}:{}", source.line)
        }
        Known::Unknown(_) => "no".to_owned(),
    };
    let right = match program.shows {
        Shows::Both | Shows::WhatConnects => "yes",
        Shows::Neither => "no",
    };
    let whole = stack.cut.map_or("whole", plumb_model::stack::Cut::word);
    let hint = stack.hint.map_or("", Hint::word);
    let mut row = format!("| {} |", program.name);
    for cell in [&function, right, &line, stack.how.word(), whole, hint] {
        write!(row, " {cell} |").expect("a string takes what is written");
    }
    row
}

/// Compares a program's row with the document, or writes it there (`PLUMB_BLESS`).
pub(crate) fn check_row(name: &str, row: &str) {
    let text = std::fs::read_to_string(path()).expect("the document is there");
    let found = row_of(&text, name).unwrap_or_else(|| panic!("no row of {name} in docs/stacks.md"));
    if std::env::var_os("PLUMB_BLESS").is_some() {
        std::fs::write(path(), text.replace(found, row)).expect("the document can be written");
        return;
    }
    assert_eq!(found, row, "PLUMB_BLESS=1 writes it to docs/stacks.md");
}

fn row_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find(|line| line.starts_with(&format!("| {name} |")))
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/stacks.md"))
}

#[test]
fn every_program_has_its_row() {
    let text = std::fs::read_to_string(path()).expect("the document is there");
    for program in PROGRAMS {
        assert!(
            row_of(&text, program.name).is_some(),
            "no row of {}",
            program.name
        );
    }
}
