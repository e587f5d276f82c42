//! Clients that mean no good: the recorder goes on, and serves others meanwhile.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use plumb_model::creation::Key;
use plumb_model::event::Ends;
use plumb_model::id::{Cookie, NetnsId};
use plumb_testkit::sandbox;
use plumb_wire::creation::{MAX_KEYS, put_ask, put_hello};

use super::{Place, names_the_listener, text};

fn connect(place: &Place) -> UnixStream {
    let stream = UnixStream::connect(place.socket()).expect("it serves");
    let timeout = Some(Duration::from_secs(20));
    stream.set_read_timeout(timeout).expect("it can be set");
    stream
}

fn greeting() -> Vec<u8> {
    let mut hello = Vec::new();
    put_hello(&mut hello);
    hello
}

/// A question as long as it may be, about sockets that nobody knows.
fn question() -> Vec<u8> {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let key = Key {
        cookie: Cookie(1),
        netns: NetnsId(1),
        ends: Ends {
            protocol: 6,
            local: nowhere,
            peer: nowhere,
        },
    };
    let mut ask = Vec::new();
    put_ask(&mut ask, &vec![key; MAX_KEYS]);
    ask
}

fn serves_others(place: &Place) {
    let said = text(&mut place.plumb(&["netstat", "-tln", "--stack"]));
    assert!(names_the_listener(&said), "{said}");
}

/// Reads until the recorder hangs up; `false` if it does not.
fn hears_the_end(mut stream: UnixStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        // What the recorder had not read is thrown away with the connection.
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_client_that_never_reads_stops_nobody_else_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let _listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let silent: Vec<UnixStream> = (0..8)
            .map(|_| {
                let mut stream = connect(&place);
                stream.set_nonblocking(true).expect("it can be set");
                let _ = stream.write_all(&greeting());
                // Until its own side is full: nobody reads there while nobody reads here.
                let full = (0..200).any(|_| stream.write_all(&question()).is_err());
                assert!(
                    full,
                    "the recorder took in 45 MB of a client that does not listen"
                );
                stream
            })
            .collect();
        serves_others(&place);
        // They are sent away after a while; the questions that were taken in are answered up to then.
        for stream in silent {
            stream.set_nonblocking(false).expect("it can be set");
            assert!(hears_the_end(stream));
        }
        serves_others(&place);
    });
}

#[test]
fn whoever_talks_nonsense_is_sent_away_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let _listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let nonsense: [Vec<u8>; 4] = [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            // A length beyond everything.
            vec![0xff; 64],
            // A question without a greeting.
            question(),
            // A question of more keys than there are bytes.
            [greeting(), vec![3, 0, 0, 0, 2, 0xff, 0x0f, 0]].concat(),
        ];
        for bytes in nonsense {
            let mut stream = connect(&place);
            let _ = stream.write_all(&bytes);
            assert!(hears_the_end(stream), "{bytes:?}");
        }
        serves_others(&place);
    });
}

#[test]
fn one_client_too_many_is_told_so_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let _listener = TcpListener::bind("127.0.0.1:5000").expect("it is free");
        let mut many: Vec<UnixStream> = (0..32).map(|_| connect(&place)).collect();
        for stream in &mut many {
            stream.write_all(&greeting()).expect("it serves");
            let mut first = [0];
            stream.read_exact(&mut first).expect("it welcomes");
        }
        let said = text(&mut place.plumb(&["netstat", "-tln", "--stack"]));
        assert!(said.contains("serves as many as it can"), "{said}");
        drop(many);
        super::wait("room", || {
            let said = text(&mut place.plumb(&["netstat", "-tln", "--stack"]));
            said.contains("listen() by ")
        });
    });
}
