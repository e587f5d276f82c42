//! The farm stands when its command runs, and nothing of it is left afterwards.

use std::process::{Command, Output};

fn farm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plumb-farm"))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot start plumb-farm: {error}"))
}

/// Counts the rows of `/proc/net/tcp` in one state (`01` is established, `0A` is listening).
fn in_state(table: &str, state: &str) -> usize {
    table
        .lines()
        .filter(|row| row.split_whitespace().nth(3) == Some(state))
        .count()
}

#[test]
fn every_socket_stands_when_the_command_runs_needs_root() {
    let output = farm(&[
        "--sockets",
        "3000",
        "--processes",
        "7",
        "--",
        "cat",
        "/proc/net/tcp",
    ]);
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(in_state(&table, "01"), 3000);
    assert_eq!(in_state(&table, "0A"), 7);
}

#[test]
fn the_command_sees_the_farm_and_nothing_else_needs_root() {
    let output = farm(&[
        "--sockets",
        "20",
        "--processes",
        "2",
        "--",
        "sh",
        "-c",
        "cat /proc/[0-9]*/comm",
    ]);
    let names = String::from_utf8_lossy(&output.stdout);
    let farms = names.lines().filter(|name| *name == "plumb-farm").count();
    // The one that waits for the command, and the two that hold sockets.
    assert_eq!(farms, 3, "{names}");
    assert!(
        names
            .lines()
            .all(|name| ["plumb-farm", "sh", "cat"].contains(&name)),
        "{names}"
    );
}

#[test]
fn the_command_decides_the_exit_status_needs_root() {
    let status = |script| {
        farm(&[
            "--sockets",
            "0",
            "--processes",
            "0",
            "--",
            "sh",
            "-c",
            script,
        ])
        .status
    };
    assert_eq!(status("exit 7").code(), Some(7));
    assert_eq!(status("kill -9 $$").code(), Some(128 + 9));
}

#[test]
fn a_plan_that_cannot_stand_is_refused() {
    let output = farm(&["--sockets", "1000000", "--processes", "3", "--", "true"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("need about 57 processes"), "{said}");
}
