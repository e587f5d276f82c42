//! What BPF programs stored beside sockets: values as libbpf prints them, storage on living
//! sockets, and requests that cannot be met.

mod needs_root;
mod recorded;

use std::process::{Command, Output};

fn ss(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.args(["ss", "--compat", "7.1"]).args(words);
    command.output().expect("plumb runs")
}

/// The exit status and standard error of a run that printed nothing.
fn complaint(output: &Output) -> (Option<i32>, String) {
    assert_eq!(output.stdout, b"");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[test]
fn options_that_make_no_sense_end_the_run() {
    for (words, text) in [
        (
            &["--bpf-maps", "--bpf-map-id=1"][..],
            "ss: --bpf-maps and --bpf-map-id cannot be used together\n",
        ),
        (
            &["--bpf-map-id=1", "--bpf-maps"],
            "ss: --bpf-maps and --bpf-map-id cannot be used together\n",
        ),
        (&["--bpf-map-id=x"], "ss: invalid BPF map ID x\n"),
        (
            &["--bpf-map-id=1"; 33],
            "ss: cannot ask for more than 32 BPF maps\n",
        ),
        (&["--bpf-map-id="], "ss: invalid BPF map ID \n"),
    ] {
        assert_eq!(complaint(&ss(words)), (Some(1), text.to_owned()));
    }
}
