//! Root, nobody, and a member of the group that may read the pinned program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use plumb_testkit::sandbox;
use rustix::mount::{MountFlags, mount};

use super::{doctor, document, run, told};

/// Where everybody can run it.
fn copy() -> PathBuf {
    let program = std::env::temp_dir().join("plumb");
    fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the sandbox has room");
    program
}

/// Calls the copy as another user, in one group.
fn as_user(group: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", group, "--clear-groups"])
        .arg(copy())
        .arg("doctor");
    command
}

#[test]
fn nobody_is_told_what_would_allow_more() {
    sandbox::run(|| {
        let document = document(&mut as_user("65534"));
        assert_eq!(document["user"]["uid"], 65534);
        assert_eq!(told(&document, "owners").0, "partly");
        let (verdict, allow) = told(&document, "raw");
        assert_eq!(verdict, "no");
        let expected = format!("sudo setcap cap_net_raw+ep {}", copy().display());
        assert_eq!(allow, Some(expected));
        let output = run(as_user("65534").args(["--require", "diag-tcp,raw"]));
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "plumb doctor: required and not there: raw\n");
    });
}

#[test]
fn a_program_without_any_way_to_capabilities_is_not_sent_to_setcap() {
    sandbox::run(|| {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--bounding-set",
                "-all",
                "--inh-caps",
                "-all",
                "--reuid",
                "65534",
            ])
            .args(["--regid", "65534", "--clear-groups"])
            .arg(copy())
            .arg("doctor");
        let allow = told(&document(&mut command), "raw").1;
        assert_eq!(allow.as_deref(), Some("docker run --cap-add=NET_RAW"));
    });
}

#[test]
fn members_of_the_group_read_the_pinned_program_and_nobody_else() {
    sandbox::run(|| {
        // A /run of our own, so that nothing is left on the host.
        mount("tmpfs", "/run", "tmpfs", MountFlags::empty(), None).expect("root may");
        mount("tmpfs", "/sys/fs", "tmpfs", MountFlags::empty(), None).expect("root may");
        let refused = run(doctor().arg("--install-iterator=1234"));
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            said.contains("mount -t bpf -o mode=0755 bpf /run/plumb\n"),
            "{said}"
        );

        fs::create_dir_all("/run/plumb").expect("it is ours");
        let mode = rustix::cstr!("mode=0755");
        mount("bpf", "/run/plumb", "bpf", MountFlags::empty(), Some(mode)).expect("root may");
        let installed = run(doctor().arg("--install-iterator=1234"));
        let said = String::from_utf8_lossy(&installed.stdout);
        assert!(installed.status.success(), "{installed:?}");
        assert!(said.contains("may be read by group 1234"), "{said}");
        assert!(said.contains("He sees no data"), "{said}");

        let member = document(&mut as_user("1234"));
        assert_eq!(told(&member, "owners-pinned").0, "yes");
        assert_eq!(
            told(&document(&mut as_user("4321")), "owners-pinned").0,
            "no"
        );

        let removed = run(doctor().arg("--remove-iterator"));
        assert_eq!(removed.status.code(), Some(0));
        assert_eq!(
            told(&document(&mut as_user("1234")), "owners-pinned").0,
            "no"
        );
        let again = run(doctor().arg("--remove-iterator"));
        assert_eq!(
            String::from_utf8_lossy(&again.stdout),
            "No iterator is pinned.\n"
        );
    });
}
