//! `plumb trace --keep`: sockets are found again by who lists them, on kernels that name sockets early and on those
//! that name them when they are listed.

mod needs_root {
    use std::io::{BufRead as _, BufReader};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::process::Stdio;

    use plumb_testkit::sandbox;
    use plumb_testkit::temp::TempDir;
    use serde_json::Value;

    use super::super::plumb;

    #[test]
    fn a_recorder_in_the_background_knows_who_made_each_socket() {
        sandbox::run(|| {
            let folder = TempDir::new("keep").expect("a folder");
            let place = folder.path().join("recorder.sock");
            let mut recorder = plumb()
                .args(["trace", "--keep"])
                .env("PLUMB_RECORDER", &place)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("plumb runs");
            let said = recorder.stderr.take().expect("it is piped");
            let mut said = BufReader::new(said).lines().map_while(Result::ok);
            assert!(said.any(|line| line.contains("recording")));
            let listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
            let _client = TcpStream::connect("127.0.0.1:5000").expect("it listens");
            let _server = listener.accept().expect("it came");
            let _datagrams = UdpSocket::bind("127.0.0.1:5001").expect("it is free");
            // Twice: being listed gives a socket its name.
            for _ in 0..2 {
                let output = plumb()
                    .args(["ss", "-tuan", "--stack", "--json"])
                    .env("PLUMB_RECORDER", &place)
                    .output()
                    .expect("plumb runs");
                let document: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
                let rows = document["sockets"].as_array().into_iter().flatten();
                let bound = rows.clone().filter(|row| row["bound"].is_object());
                assert_eq!(bound.count(), 1, "{document}");
                let mut calls: Vec<&str> = rows
                    .map(|row| {
                        let creation = &row["creation"];
                        assert_eq!(creation["pid"], std::process::id(), "{row}");
                        let frames = creation["stack"]["frames"].as_array();
                        assert!(frames.is_some_and(|frames| frames.len() > 2), "{row}");
                        creation["how"].as_str().unwrap_or_default()
                    })
                    .collect();
                calls.sort_unstable();
                assert_eq!(
                    calls,
                    ["accept", "connect", "listen", "socket"],
                    "{document}"
                );
            }
            recorder.kill().expect("it runs");
            recorder.wait().expect("it ends");
        });
    }
}
