//! What is left of a recorder that ends: nothing, or what the next one puts away.

use std::net::TcpListener;
use std::process::Stdio;

use plumb_testkit::sandbox;
use rustix::process::{Pid, Signal, kill_process};

use super::super::vanish::{exists, programs};
use super::{Place, names_the_listener, text, wait};

#[test]
fn a_killed_recorder_leaves_no_program_and_its_socket_is_replaced_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let mut killed = place.record(&[]);
        let held = programs(killed.0.id());
        assert!(
            held.len() >= 5 && held.iter().all(|&program| exists(program)),
            "{held:?}"
        );
        killed.0.kill().expect("it runs");
        killed.0.wait().expect("it ends");
        wait("the end of the programs", || {
            !held.iter().any(|&program| exists(program))
        });

        assert!(place.socket().exists(), "nobody could take it away");
        let said = text(&mut place.plumb(&["ss", "-tln", "--stack"]));
        assert!(
            said.contains("one that was killed left its socket at"),
            "{said}"
        );

        let next = place.record(&[]);
        let _listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let said = text(&mut place.plumb(&["ss", "-tln", "--stack"]));
        assert!(names_the_listener(&said), "{said}");
        drop(next);
    });
}

#[test]
fn an_interrupted_recorder_takes_everything_away_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let mut recorder = place.record(&[]);
        let pid = i32::try_from(recorder.0.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("it has an id"), Signal::TERM).expect("it runs");
        assert_eq!(recorder.0.wait().expect("it ends").code(), Some(0));
        let left = std::fs::read_dir(place.folder.path()).expect("it is there");
        assert_eq!(left.count(), 0);
    });
}

#[test]
fn a_recorder_of_a_command_ends_with_it_and_its_status_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let words = ["trace", "--keep", "--", "sh", "-c", "exit 7"];
        let status = place.plumb(&words).stderr(Stdio::null()).status();
        assert_eq!(status.expect("it runs").code(), Some(7));
        assert!(!place.socket().exists());
    });
}

/// It serves when the command that started it is over, and has nothing of the terminal.
#[test]
fn a_detached_recorder_serves_when_its_starter_ends_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let started = place
            .plumb(&["trace", "--keep", "--detach"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert_eq!(started.expect("it runs").code(), Some(0));
        let _listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let said = text(&mut place.plumb(&["netstat", "-tln", "--stack"]));
        assert!(said.contains("listen() by "), "{said}");
        let second = place.plumb(&["trace", "--keep", "--detach"]).output();
        assert_eq!(second.expect("it runs").status.code(), Some(3));

        let lock = place.socket().with_extension("sock.lock");
        let pid = std::fs::read_to_string(lock).expect("it names its process");
        let pid: i32 = pid.trim().parse().expect("a number");
        let streams = (0..3).map(|fd| std::fs::read_link(format!("/proc/{pid}/fd/{fd}")));
        let null = std::path::Path::new("/dev/null");
        assert!(streams.flatten().all(|stream| stream == null));
        kill_process(Pid::from_raw(pid).expect("an id"), Signal::TERM).expect("it runs");
        wait("the end", || !place.socket().exists());
    });
}
