//! Who is served, and what the others are told.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use plumb_testkit::sandbox;

use super::{GROUP, Place, below, names_the_listener, text};

#[test]
fn another_user_is_refused_and_a_member_of_the_group_is_not_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let words = ["netstat", "-tln", "--stack"];
        let group = GROUP.to_string();
        let alone = place.record(&[]);
        let listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let refused = |groups: &str| {
            let said = text(&mut place.plumb_as_nobody(groups, &words));
            assert!(said.contains("does not serve this user"), "{said}");
            assert!(said.contains("--group NAME"), "{said}");
            let lines = below(&said, "127.0.0.1:5000");
            assert_eq!(
                lines,
                ["(not known who made it: the recorder does not serve this user)"]
            );
        };
        refused(&group);
        // The kernel's word counts, whatever became of the file's mode.
        let open = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(place.socket(), open).expect("it is ours");
        refused(&group);
        let doctor = text(&mut place.plumb_as_nobody(&group, &["doctor", "-o", "csv"]));
        let row = doctor.lines().find(|line| line.contains("recorder,"));
        assert!(
            row.is_some_and(|row| row.contains("does not serve this user")),
            "{row:?}"
        );
        drop(alone);

        let _recorder = place.record(&["--group", &group]);
        let meta = std::fs::metadata(place.socket()).expect("it is there");
        assert_eq!((meta.mode() & 0o777, meta.gid()), (0o660, GROUP));
        refused("65534");
        drop(listener);
        let _listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        for groups in [group.clone(), format!("65534,{group}")] {
            let said = text(&mut place.plumb_as_nobody(&groups, &words));
            assert!(names_the_listener(&said), "{said}");
            let doctor = text(&mut place.plumb_as_nobody(&groups, &["doctor", "-o", "csv"]));
            let served = format!("for its user, root and group {GROUP}, and knows ");
            assert!(doctor.contains(&served), "{doctor}");
        }
    });
}

#[test]
fn nobody_serves_and_how_that_is_changed_is_said_once_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _listeners = [5000, 5001].map(|port| TcpListener::bind(("127.0.0.1", port)));
        for face in ["netstat", "ss"] {
            let said = text(&mut place.plumb(&[face, "-tln", "--stack"]));
            assert_eq!(
                said.matches("start one: plumb trace --keep").count(),
                1,
                "{said}"
            );
            assert_eq!(
                said.matches("(not known who made it: no recorder answers)")
                    .count(),
                2,
                "{said}"
            );
        }
    });
}

#[test]
fn a_second_recorder_is_refused_while_the_first_serves_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let second = place.plumb(&["trace", "--keep"]).output().expect("it runs");
        assert_eq!(second.status.code(), Some(3));
        let said = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(said.contains("another recorder serves at"), "{said}");
        // The first goes on.
        let said = text(&mut place.plumb(&["netstat", "-tln", "--stack"]));
        assert!(!said.contains("no recorder"), "{said}");
    });
}

#[test]
fn a_folder_that_others_may_write_to_is_refused_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(place.folder.path(), open).expect("it is ours");
        let output = place.plumb(&["trace", "--keep"]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(3));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("is no folder of this user's alone"), "{said}");
    });
}
