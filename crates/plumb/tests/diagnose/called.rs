//! Words and exit status, which need no privilege.

use std::process::{Command, Output};

pub(crate) fn plumb(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plumb"))
        .arg("diagnose")
        .args(words)
        .output()
        .expect("plumb was built")
}

#[test]
fn what_is_no_port_and_no_host_is_a_usage_error() {
    for words in [
        &[":no-such-service"][..],
        &["no-such-host.invalid:80"],
        &["host:x"],
        // No process has such an id.
        &["4194305"],
        &["no-such-process-or-host.invalid"],
    ] {
        let output = plumb(&[&["--for=10ms"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
        assert!(output.stderr.starts_with(b"plumb diagnose: "), "{output:?}");
    }
    let output = plumb(&["no-such-host.invalid:80"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    // Which of them it is, depends on whether this machine has a name server.
    let whys = [
        "Name or service not known",
        "Temporary failure in name resolution",
    ];
    assert!(
        whys.iter()
            .any(|why| text.ends_with(&format!("cannot resolve no-such-host.invalid: {why}\n"))),
        "{text}"
    );
    assert_eq!(plumb(&["--for=never"]).status.code(), Some(2));
    assert_eq!(plumb(&["--fail-on=everything"]).status.code(), Some(2));
}

#[test]
fn a_command_is_run_and_its_output_is_not_the_answers() {
    let words = ["--json", "--for=5s", "--", "echo", "said by the command"];
    let start = std::time::Instant::now();
    let output = plumb(&words);
    assert!(output.status.success(), "{output:?}");
    // The watch ends with the command.
    assert!(start.elapsed() < std::time::Duration::from_secs(4));
    let document: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one document and nothing else");
    assert_eq!(document["schema"], "plumb.diagnose/1");
    assert!(output.stderr.starts_with(b"said by the command"));
    // As shells say it.
    let missing = plumb(&["--for=5s", "--", "/no/such/program"]);
    assert_eq!(missing.status.code(), Some(127));
}

/// Every cause of the vocabulary that is looked for stands in its page.
#[test]
fn what_is_checked_is_explained() {
    let output = plumb(&["--json", "--for=10ms"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a document");
    let page = include_str!("../../../../docs/diagnose.md");
    let checked = document["checked"].as_array().expect("an array");
    // An ordinary user cannot have all of them looked for.
    assert!(checked.len() > 30, "{}", checked.len());
    for id in checked.iter().filter_map(|id| id.as_str()) {
        assert!(
            page.contains(&format!("| `{id}` |")),
            "{id} is not in docs/diagnose.md"
        );
    }
}
