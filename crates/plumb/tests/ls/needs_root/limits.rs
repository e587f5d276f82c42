//! What cannot be seen is told: `complete` and `reasons` are true for every kind of blindness.

use std::net::TcpListener;
use std::process::Command;

use plumb_testkit::sandbox;
use serde_json::Value;

use super::rows::Sockets;
use crate::called::{Told, document};

/// Runs the words of a shell with `$PLUMB` for the program; gives the document it prints.
fn document_of(shell: &str) -> Value {
    let output = Command::new("sh")
        .args(["-c", shell])
        .env("PLUMB", env!("CARGO_BIN_EXE_plumb"))
        .output()
        .expect("there is a shell");
    let told = Told::from(output);
    assert_eq!(told.status, 0, "{shell}\n{}", told.stderr);
    serde_json::from_str(&told.stdout).expect("it is JSON")
}

fn reasons(document: &Value) -> Vec<&str> {
    let reasons = document["reasons"].as_array().expect("there are reasons");
    reasons.iter().filter_map(Value::as_str).collect()
}

/// Gives how many sockets have which reason for an unknown holder.
fn unknown(document: &Value, reason: &str) -> u64 {
    document["totals"]["owner_unknown"][reason]
        .as_u64()
        .unwrap_or(0)
}

const ORDINARY: &str = "setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all";

#[test]
fn as_root_the_answer_is_complete() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let document = document(&[]);
        assert_eq!(document["complete"], true, "{}", document["reasons"]);
        assert_eq!(document["totals"]["owner_unknown"], serde_json::json!({}));
    });
}

#[test]
fn an_ordinary_user_is_told_whose_holders_were_not_seen() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let document = document_of(&format!("{ORDINARY} $PLUMB ls -t -o json"));
        assert_eq!(document["complete"], false);
        assert_eq!(unknown(&document, "permission-denied"), 4);
        let reasons = reasons(&document);
        assert!(
            reasons
                .iter()
                .any(|reason| reason.contains("the holders of 4 sockets")
                    && reason.contains("permission-denied")),
            "{reasons:?}"
        );
        // The rows themselves are all there.
        assert_eq!(document["totals"]["sockets"], 4);
        let of_cat = document_of(&format!("{ORDINARY} $PLUMB ls -t -o json process = cat"));
        assert_eq!(
            (&of_cat["totals"]["sockets"], &of_cat["complete"]),
            (&0.into(), &false.into())
        );
        let asked = self::reasons(&of_cat);
        assert!(
            asked
                .iter()
                .any(|reason| reason.contains("4 sockets are not shown")),
            "{asked:?}"
        );
    });
}

#[test]
fn quiet_says_when_it_cannot_tell() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let status = Command::new("sh")
            .args(["-c", &format!("{ORDINARY} $PLUMB ls -q process = cat")])
            .env("PLUMB", env!("CARGO_BIN_EXE_plumb"))
            .status()
            .expect("there is a shell");
        assert_eq!(status.code(), Some(3));
    });
}

#[test]
fn a_namespace_that_may_not_be_entered_is_told() {
    sandbox::run(|| {
        let other = plumb_testkit::namespace::Namespace::new().expect("root may");
        let _there = other.inside(|| TcpListener::bind("127.0.0.1:7009").expect("loopback is up"));
        let without = "setpriv --inh-caps=-all --bounding-set=-sys_admin $PLUMB ls -t -o json";
        let document = document_of(without);
        assert_eq!(document["complete"], false);
        let reasons = reasons(&document);
        assert!(
            reasons.iter().any(|reason| reason.contains("namespace")),
            "{reasons:?}"
        );
        assert_eq!(document["totals"]["sockets"], 0);
    });
}

#[test]
fn hidepid_is_no_absence_of_holders() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let document = document_of(&format!(
            "mount -o remount,hidepid=2 /proc && {ORDINARY} $PLUMB ls -t -o json"
        ));
        assert_eq!(document["complete"], false);
        assert_eq!(unknown(&document, "no-holder"), 0, "{}", document["totals"]);
        assert!(
            reasons(&document)
                .iter()
                .any(|reason| reason.contains("the holders of 4 sockets"))
        );
    });
}

#[test]
fn in_a_container_holders_outside_are_not_taken_for_nobody() {
    sandbox::run(|| {
        let _sockets = Sockets::new();
        let inside = "unshare --pid --fork --mount-proc $PLUMB ls -t -o json";
        let document = document_of(inside);
        assert_eq!(document["complete"], false);
        assert_eq!(
            unknown(&document, "other-pid-namespace"),
            4,
            "{}",
            document["totals"]
        );
        let reasons = reasons(&document);
        assert!(
            reasons
                .iter()
                .any(|reason| reason.contains("outside this pid namespace")),
            "{reasons:?}"
        );
    });
}

#[test]
fn a_process_that_something_is_mounted_over_is_found_or_missed_aloud() {
    sandbox::run(|| {
        let sockets = Sockets::new();
        let cat = sockets.cat.id();
        let hidden = format!("mount -t tmpfs none /proc/{cat} && ");
        let client = sockets.client_port;
        for engine in ["", "PLUMB_OWNERS=proc "] {
            let call =
                format!("{engine}$PLUMB ls -t -o json sport = :{client}; umount /proc/{cat}");
            let document = document_of(&format!("{hidden}{call}"));
            let row = &document["sockets"][0];
            let found = row["pid"] == serde_json::json!(cat);
            let aloud = document["complete"] == false && row["owner_unknown"] != "no-holder";
            assert!(found || aloud, "{engine}: {document}");
        }
    });
}
