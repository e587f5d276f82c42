//! Sockets in rows: namespace, kind, ends.

use super::*;
use crate::diag::inet::DiagTimer;
use crate::id::Inode;
use crate::known::{Known, Reason};

fn bare(netns: u64, kind: Kind, local: End, peer: End) -> Socket {
    let unknown = Reason::NotInSource;
    Socket {
        netns: NetnsId(netns),
        cookie: Known::Unknown(unknown),
        inode: Known::Unknown(unknown),
        kind,
        state: SocketState::ESTABLISHED,
        local,
        peer,
        interface: 0,
        recv_q: Known::Unknown(unknown),
        send_q: Known::Unknown(unknown),
        uid: Known::Unknown(unknown),
        cgroup: Known::Unknown(unknown),
        mark: Known::Unknown(Reason::NotInSource),
        timer: DiagTimer::default(),
        v6only: false,
        shutdown: Known::Unknown(unknown),
        memory: None,
        tcp: None,
    }
}

fn inet(netns: u64, kind: Kind, local: &str, peer: &str) -> Socket {
    let end = |text: &str| End::Inet(text.parse().expect("the tests write addresses"));
    bare(netns, kind, end(local), end(peer))
}

fn tcp(netns: u64, local: &str, peer: &str) -> Socket {
    inet(netns, Kind::Tcp, local, peer)
}

fn unix(local: u64, peer: u64) -> Socket {
    let end = |inode| End::Unix {
        name: None,
        inode: Inode(inode),
    };
    bare(1, Kind::UnixStream, end(local), end(peer))
}

#[test]
fn both_ends_of_a_connection_find_each_other() {
    let sockets = [
        tcp(1, "127.0.0.1:80", "127.0.0.1:5000"),
        tcp(1, "127.0.0.1:5000", "127.0.0.1:80"),
        tcp(1, "127.0.0.1:5001", "127.0.0.1:80"),
        inet(1, Kind::Udp, "127.0.0.1:80", "127.0.0.1:5001"),
    ];
    assert_eq!(peers(&sockets), [Some(1), Some(0), None, None]);
}

#[test]
fn mapped_addresses_meet_plain_ones() {
    let sockets = [
        tcp(1, "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:5000"),
        tcp(1, "127.0.0.1:5000", "127.0.0.1:80"),
        tcp(1, "[::1]:80", "[::1]:5000"),
        tcp(1, "[::1]:5000", "[::1]:80"),
    ];
    assert_eq!(peers(&sockets), [Some(1), Some(0), Some(3), Some(2)]);
}

#[test]
fn loopback_stays_in_its_namespace() {
    let sockets = [
        tcp(1, "127.0.0.1:80", "127.0.0.1:5000"),
        tcp(2, "127.0.0.1:5000", "127.0.0.1:80"),
        tcp(2, "127.0.0.1:80", "127.0.0.1:5000"),
        // A mapped loopback address is one.
        tcp(3, "[::ffff:127.0.0.2]:80", "[::ffff:10.0.0.1]:7"),
        tcp(4, "[::ffff:10.0.0.1]:7", "[::ffff:127.0.0.2]:80"),
    ];
    assert_eq!(peers(&sockets), [None, Some(2), Some(1), None, None]);
}

#[test]
fn namespaces_meet_where_there_is_no_choice() {
    let near = tcp(1, "10.0.0.1:5000", "10.0.0.2:80");
    let far = tcp(2, "10.0.0.2:80", "10.0.0.1:5000");
    assert_eq!(peers(&[near.clone(), far.clone()]), [Some(1), Some(0)]);
    // The same addresses in another pair of namespaces: nobody knows which is whose.
    let again = Socket {
        netns: NetnsId(3),
        ..far.clone()
    };
    assert_eq!(peers(&[near.clone(), far.clone(), again]), [None; 3]);
    let again = Socket {
        netns: NetnsId(3),
        ..near.clone()
    };
    assert_eq!(peers(&[near.clone(), far.clone(), again]), [None; 3]);
    // Within one namespace there is no doubt, whatever there is elsewhere.
    let home = Socket {
        netns: NetnsId(1),
        ..far.clone()
    };
    assert_eq!(peers(&[near, home, far]), [Some(1), Some(0), None]);
}

#[test]
fn listeners_and_the_unconnected_have_no_other_end() {
    let mut listener = tcp(1, "127.0.0.1:80", "0.0.0.0:0");
    listener.state = SocketState::LISTEN;
    let sockets = [
        listener,
        tcp(1, "127.0.0.1:5000", "127.0.0.1:80"),
        inet(1, Kind::Udp, "0.0.0.0:53", "0.0.0.0:0"),
        inet(1, Kind::Raw, "127.0.0.1:1", "127.0.0.1:1"),
    ];
    assert_eq!(peers(&sockets), [None; 4]);
}

#[test]
fn a_socket_may_be_connected_to_itself() {
    let sockets = [tcp(1, "127.0.0.1:5000", "127.0.0.1:5000")];
    assert_eq!(peers(&sockets), [Some(0)]);
}

#[test]
fn a_datagram_client_has_the_one_server() {
    let udp = |local: &str, peer: &str| inet(1, Kind::Udp, local, peer);
    let client = udp("127.0.0.1:5000", "127.0.0.1:53");
    let any = udp("0.0.0.0:53", "0.0.0.0:0");
    let exact = udp("127.0.0.1:53", "0.0.0.0:0");
    let any6 = udp("[::]:53", "[::]:0");
    let only6 = Socket {
        v6only: true,
        ..any6.clone()
    };
    let of_client = |servers: &[&Socket]| {
        let mut sockets = vec![client.clone()];
        sockets.extend(servers.iter().map(|&server| server.clone()));
        let found = peers(&sockets);
        assert!(found[1..].iter().all(Option::is_none));
        found[0]
    };
    assert_eq!(of_client(&[&any]), Some(1));
    assert_eq!(of_client(&[&any, &exact]), Some(2));
    assert_eq!(of_client(&[&exact, &exact]), None, "they share the port");
    assert_eq!(of_client(&[&any6]), Some(1));
    assert_eq!(of_client(&[&only6]), None);
    assert_eq!(of_client(&[&only6, &any]), Some(2));
    let elsewhere = Socket {
        netns: NetnsId(2),
        ..any
    };
    assert_eq!(of_client(&[&elsewhere]), None);
}

#[test]
fn connected_datagram_sockets_that_share_their_addresses_are_left_alone() {
    let end = || inet(1, Kind::Udp, "127.0.0.1:1", "127.0.0.1:2");
    let other = inet(1, Kind::Udp, "127.0.0.1:2", "127.0.0.1:1");
    assert_eq!(peers(&[end(), other.clone()]), [Some(1), Some(0)]);
    assert_eq!(peers(&[end(), end(), other]), [None; 3]);
}

#[test]
fn unix_sockets_name_each_other() {
    let sockets = [
        unix(10, 11),
        unix(11, 10),
        unix(12, 0),
        unix(13, 99),
        unix(0, 10),
    ];
    assert_eq!(peers(&sockets), [Some(1), Some(0), None, None, Some(0)]);
}

#[test]
fn many_that_share_one_address_end_soon() {
    let end = inet(1, Kind::Udp, "127.0.0.1:1", "127.0.0.1:2");
    let server = inet(1, Kind::Udp, "0.0.0.0:2", "0.0.0.0:0");
    let mut sockets = vec![end; 100_000];
    sockets.extend(vec![server; 100_000]);
    assert!(peers(&sockets).iter().all(Option::is_none));
}
