//! Every way to hold a socket, found by both engines; and what is said of sockets that nobody holds.

mod needs_root {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::path::PathBuf;

    use plumb_model::attribution::{Holding, How};
    use plumb_model::snapshot::{Kind, Snapshot};
    use plumb_model::socket::SocketState;
    use plumb_model::{Known, Pid, Reason};
    use plumb_testkit::holding::{self, Held, Way};
    use plumb_testkit::sandbox;

    use super::super::{Choice, Engine, Request, Why, attribute_by};
    use crate::snapshot;

    /// A program of the testkit, which is built beside the tests.
    fn testkit(name: &str) -> PathBuf {
        let own = std::env::current_exe().expect("/proc is mounted");
        let deps = own.parent().expect("a file is in a folder");
        deps.with_file_name(name)
    }

    fn read(engine: Engine) -> Snapshot {
        let request = Request {
            kinds: vec![Kind::Tcp, Kind::UnixStream],
            owners: false,
            ..Request::default()
        };
        let mut snapshot = snapshot::read(&request);
        let choice = Choice {
            engine,
            why: Why::Forced,
        };
        attribute_by(&choice, &request, &mut snapshot);
        snapshot
    }

    fn place(snapshot: &Snapshot, port: u16, state: SocketState) -> usize {
        let is_it = |socket: &plumb_model::snapshot::Socket| {
            socket.local.port() == Some(port) && socket.state == state
        };
        let place = snapshot.sockets.iter().position(is_it);
        place.unwrap_or_else(|| panic!("port {port} is not listed in {state:?}"))
    }

    /// What is known of the holder of a listener: pids and ways.
    fn holdings(snapshot: &Snapshot, port: u16) -> Vec<(u32, How)> {
        let place = place(snapshot, port, SocketState::LISTEN);
        let held = snapshot.owners.of(place).ok().unwrap_or_default();
        let known = |&holding: &Holding| {
            let Pid(pid) = snapshot.owners.process(holding).expect("it is listed").pid;
            (pid, holding.how)
        };
        held.iter().map(known).collect()
    }

    fn check(engine: Engine, snapshot: &Snapshot, held: &Held) {
        let found = holdings(snapshot, held.port);
        let [(pid, how)] = found.as_slice() else {
            panic!("{:?} has holders {found:?} ({engine:?})", held.way);
        };
        assert_eq!(*pid, held.pid, "{:?}", held.way);
        let is_right = match (held.way, *how) {
            (Way::OwnTable { tid, fd }, How::ThreadDescriptor { tid: t, fd: f }) => {
                (tid, fd) == (t, f)
            }
            (
                Way::Ring { ring_fd, slot },
                How::IoUring {
                    ring_fd: r,
                    slot: s,
                },
            ) => (ring_fd, slot) == (r, s),
            (Way::InFlight { carrier }, How::InFlight { carrier: c }) => carrier == c.0,
            (Way::Covered | Way::Inherited | Way::Received, How::Descriptor(_)) => true,
            _ => false,
        };
        assert!(is_right, "{:?} was told as {how:?} ({engine:?})", held.way);
    }

    #[test]
    fn every_way_to_hold_a_socket_is_found() {
        sandbox::run(|| {
            let held = holding::every_way(&testkit("plumb-holders")).expect("root may do all");
            for engine in [Engine::Bpf, Engine::Proc] {
                let snapshot = read(engine);
                for one in &held {
                    check(engine, &snapshot, one);
                }
                let ours = snapshot
                    .owners
                    .processes
                    .iter()
                    .find(|one| one.pid == Pid(1));
                let start = ours.map(|process| process.start_ticks);
                assert!(matches!(start, Some(Known::Known(1..))), "{start:?}");
            }
        });
    }

    #[test]
    fn both_engines_find_the_same() {
        sandbox::run(|| {
            let plan = plumb_testkit::farm::Plan::new(1000, 20).expect("a small farm");
            let farm = plumb_testkit::farm::Farm::start(&testkit("plumb-farm"), plan);
            let farm = farm.expect("it stands");
            let (told, walked) = (read(Engine::Bpf), read(Engine::Proc));
            let ports = |snapshot: &Snapshot| -> Vec<(u16, Vec<(u32, How)>)> {
                let mut all: Vec<_> = (10_000..10_020)
                    .map(|port| (port, holdings(snapshot, port)))
                    .collect();
                all.retain(|(_, held)| !held.is_empty());
                all
            };
            assert_eq!(ports(&told).len(), 20);
            assert_eq!(ports(&told), ports(&walked));
            let held = |snapshot: &Snapshot| {
                let places = 0..snapshot.sockets.len();
                places
                    .filter(|&place| snapshot.owners.of(place).ok().is_some())
                    .count()
            };
            assert!(held(&told) >= 1020, "all of the farm is held");
            assert_eq!(held(&told), held(&walked));
            drop(farm);
        });
    }

    #[test]
    fn what_nobody_can_hold_concerns_its_listener() {
        sandbox::run(|| {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port is free");
            let port = listener.local_addr().expect("it is bound").port();
            let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
            // The server closes first, so that its end stays in TIME_WAIT.
            let client = connect();
            drop(listener.accept().expect("somebody came"));
            drop(client);
            let _waiting = connect();
            for engine in [Engine::Bpf, Engine::Proc] {
                let snapshot = read(engine);
                let listening = place(&snapshot, port, SocketState::LISTEN);
                for (state, reason) in [
                    (SocketState::TIME_WAIT, Reason::TimeWait),
                    (SocketState::ESTABLISHED, Reason::NotAccepted),
                ] {
                    let place = place(&snapshot, port, state);
                    assert_eq!(snapshot.owners.of(place).reason(), Some(reason));
                    assert_eq!(snapshot.owners.related_socket(place), Some(listening));
                    let related = snapshot.owners.related(place);
                    assert_eq!(Known::Known(related), snapshot.owners.of(listening));
                }
            }
        });
    }
}
