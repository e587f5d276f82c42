//! What is answered for a line, without any shell.

use std::process::Command;

/// Gives the answers for a line.
pub fn answers(line: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["complete-line", "fish", line])
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{line}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    text.lines().map(word).collect()
}

#[test]
fn verbs_options_and_their_values_are_completed() {
    let verbs = answers("plumb l");
    assert!(verbs.contains(&"link".to_owned()) && verbs.contains(&"ls".to_owned()));
    assert!(verbs.iter().all(|verb| verb.starts_with('l')), "{verbs:?}");
    assert!(answers("plumb ").contains(&"diagnose".to_owned()));
    assert!(
        !answers("plumb ").contains(&"complete-line".to_owned()),
        "it is hidden"
    );
    assert_eq!(answers("plumb ls --group"), ["--group-by"]);
    assert!(answers("plumb ls --group-by ").contains(&"container".to_owned()));
    assert_eq!(answers("plumb ls -o nd"), ["ndjson"]);
    assert_eq!(answers("plumb completions z"), ["zsh"]);
}

#[test]
fn columns_are_completed_in_lists_and_sort_keys() {
    assert_eq!(answers("plumb ls -c pro"), ["process"]);
    assert_eq!(
        answers("plumb ls -tc kind,local,pee"),
        ["kind,local,peer", "kind,local,peer-process"]
    );
    assert_eq!(answers("plumb ls --sort -rtt,-recv"), ["-rtt,-recv-q"]);
}

#[test]
fn filters_are_completed_behind_options_and_for_ss() {
    assert_eq!(
        answers("plumb ls -t --sort rtt state = lis"),
        ["listen", "listening"]
    );
    assert_eq!(answers("plumb ss -tan 'owner = k"), ["owner = known"]);
    assert_eq!(answers("plumb ls 'timer = keep"), ["timer = keepalive"]);
    assert_eq!(answers("plumb netstat st"), [""; 0]);
}
