//! Sockets with their other ends, among which only some are wanted for themselves.

use plumb_model::peers::peers;
use plumb_model::snapshot::{Namespace, Snapshot, Socket};

use super::Request;

/// Reads all sockets, finds their other ends, and keeps those that `keep` wants and the other ends of
/// these, which come last.
pub(super) fn read(
    request: &Request,
    keep: &mut dyn FnMut(&Namespace, &Socket) -> bool,
    snapshot: &mut Snapshot,
) {
    let mut wanted = Vec::new();
    let mut note = |namespace: &Namespace, socket: &Socket| {
        wanted.push(keep(namespace, socket));
        true
    };
    super::read_rows(request, &mut note, snapshot);
    snapshot.peers = peers(&snapshot.sockets);
    choose(&wanted, snapshot);
}

/// Where a socket goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Asked,
    Companion,
    Dropped,
}

fn choose(wanted: &[bool], snapshot: &mut Snapshot) {
    if wanted.iter().all(|&wanted| wanted) {
        return;
    }
    let fate = |wanted: &bool| if *wanted { Fate::Asked } else { Fate::Dropped };
    let mut fates: Vec<Fate> = wanted.iter().map(fate).collect();
    for (wanted, peer) in wanted.iter().zip(&snapshot.peers) {
        if let (true, Some(peer)) = (*wanted, *peer)
            && let Some(fate) = fates.get_mut(peer)
            && *fate == Fate::Dropped
        {
            *fate = Fate::Companion;
        }
    }
    let mut order: Vec<usize> = (0..fates.len()).collect();
    order.retain(|&place| fates.get(place) != Some(&Fate::Dropped));
    order.sort_by_key(|&place| fates.get(place) == Some(&Fate::Companion));
    let mut new_places = vec![None; fates.len()];
    for (new, &old) in order.iter().enumerate() {
        if let Some(place) = new_places.get_mut(old) {
            *place = Some(new);
        }
    }
    let mut sockets: Vec<Option<Socket>> = std::mem::take(&mut snapshot.sockets)
        .into_iter()
        .map(Some)
        .collect();
    let peers = std::mem::take(&mut snapshot.peers);
    for old in order {
        snapshot
            .sockets
            .extend(sockets.get_mut(old).and_then(Option::take));
        let peer = peers.get(old).copied().flatten();
        let peer = peer.and_then(|peer| new_places.get(peer).copied().flatten());
        snapshot.peers.push(peer);
    }
    snapshot.companions = fates
        .iter()
        .filter(|&&fate| fate == Fate::Companion)
        .count();
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::snapshot::read_where;

    #[test]
    fn an_other_end_that_nobody_wants_comes_last_with_its_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is up");
        let server = listener.local_addr().expect("it is bound");
        let near = TcpStream::connect(server).expect("it listens");
        let (far, _) = listener.accept().expect("it connected");
        let client = near.local_addr().expect("it is connected").port();
        let request = Request {
            peers: true,
            ..Request::default()
        };
        let snapshot = read_where(&request, &mut |_, socket| {
            socket.local.port() == Some(client)
        });
        assert_eq!(snapshot.asked().len(), 1);
        assert_eq!((snapshot.sockets.len(), snapshot.companions), (2, 1));
        assert_eq!((snapshot.peer(0), snapshot.peer(1)), (Some(1), Some(0)));
        assert_eq!(snapshot.sockets[1].local.port(), Some(server.port()));
        assert!(!snapshot.owners.processes_of(1).is_empty());
        drop((near, far));
    }

    #[test]
    fn all_that_are_wanted_stay_where_they_are() {
        let request = Request {
            peers: true,
            ..Request::default()
        };
        let snapshot = read_where(&request, &mut |_, _| true);
        assert_eq!(snapshot.companions, 0);
        assert_eq!(snapshot.peers.len(), snapshot.sockets.len());
    }

    mod needs_root {
        use std::net::UdpSocket;
        use std::os::unix::net::UnixStream;

        use plumb_model::snapshot::{End, Kind};
        use plumb_testkit::namespace::Namespace as Net;
        use plumb_testkit::sandbox;

        use super::*;
        use crate::snapshot::{Scope, read};

        /// Gives the local ports of each pair of ends, sorted.
        fn pairs(kind: Kind) -> Vec<(u16, u16)> {
            let request = Request {
                peers: true,
                owners: false,
                scope: Scope::All,
                ..Request::default()
            };
            let snapshot = read(&request);
            assert!(snapshot.gaps.is_empty(), "{:?}", snapshot.gaps);
            let port = |place: usize| snapshot.sockets.get(place)?.local.port();
            let mut pairs: Vec<(u16, u16)> = (0..snapshot.sockets.len())
                .filter(|&place| snapshot.sockets[place].kind == kind)
                .filter_map(|place| Some((port(place)?, port(snapshot.peer(place)?)?)))
                .collect();
            pairs.sort_unstable();
            pairs
        }

        /// Connects from one namespace to a listener in another; gives what must stay open, and the
        /// client's port.
        fn connect(from: &Net, to: &Net, server: &'static str) -> (impl Sized, u16) {
            let listener = to
                .inside(move || TcpListener::bind(server))
                .expect("it is free");
            let near = from
                .inside(move || TcpStream::connect(server))
                .expect("veth is up");
            let (far, peer) = listener.accept().expect("it connected");
            ((listener, near, far), peer.port())
        }

        #[test]
        fn ends_in_two_namespaces_meet_over_veth() {
            sandbox::run(|| {
                let [one, other] = [(); 2].map(|()| Net::new().expect("root may"));
                one.connect(&other, 7).expect("root may make interfaces");
                let (held, client) = connect(&one, &other, "10.0.7.2:80");
                let udp = one
                    .inside(|| UdpSocket::bind("10.0.7.1:1000"))
                    .expect("it is free");
                udp.connect("10.0.7.2:2000").expect("there is a way");
                let far = other
                    .inside(|| UdpSocket::bind("10.0.7.2:2000"))
                    .expect("it is free");
                far.connect("10.0.7.1:1000").expect("there is a way");
                let mut both = vec![(80, client), (client, 80)];
                both.sort_unstable();
                assert_eq!(pairs(Kind::Tcp), both);
                assert_eq!(pairs(Kind::Udp), [(1000, 2000), (2000, 1000)]);
                drop((held, udp, far));
            });
        }

        #[test]
        fn two_networks_with_the_same_addresses_are_not_mixed_up() {
            sandbox::run(|| {
                let nets = [(); 4].map(|()| Net::new().expect("root may"));
                let mut held = Vec::new();
                for pair in nets.chunks(2) {
                    pair[0]
                        .connect(&pair[1], 7)
                        .expect("root may make interfaces");
                    let udp = |net: &Net, local: &'static str, peer: &'static str| {
                        let socket = net.inside(move || UdpSocket::bind(local)).expect("free");
                        socket.connect(peer).expect("there is a way");
                        socket
                    };
                    held.push(udp(&pair[0], "10.0.7.1:1000", "10.0.7.2:2000"));
                    held.push(udp(&pair[1], "10.0.7.2:2000", "10.0.7.1:1000"));
                    // Loopback is no network: nobody can take these for each other.
                    held.push(udp(&pair[0], "127.0.0.1:3000", "127.0.0.1:3001"));
                    held.push(udp(&pair[0], "127.0.0.1:3001", "127.0.0.1:3000"));
                }
                assert_eq!(
                    pairs(Kind::Udp),
                    [(3000, 3001), (3000, 3001), (3001, 3000), (3001, 3000)]
                );
            });
        }

        #[test]
        fn socket_pairs_find_each_other() {
            sandbox::run(|| {
                let (one, other) = UnixStream::pair().expect("nothing is needed");
                let snapshot = read(&Request {
                    peers: true,
                    kinds: vec![Kind::UnixStream],
                    ..Request::default()
                });
                let inode = |place: usize| match snapshot.sockets.get(place)?.local {
                    End::Unix { inode, .. } => Some(inode.0),
                    _ => None,
                };
                let of = |fd: &UnixStream| plumb_testkit::holding::inode(fd).expect("it is open");
                let place =
                    (0..snapshot.sockets.len()).find(|&place| inode(place) == Some(of(&one)));
                let peer = snapshot.peer(place.expect("it is listed")).and_then(inode);
                assert_eq!(peer, Some(of(&other)));
            });
        }
    }
}
