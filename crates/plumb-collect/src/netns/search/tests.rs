//! Our own namespace, and namespaces that are held in every way there is.

use super::*;

#[test]
fn mount_points_with_blanks_are_unescaped() {
    let path = unescape_mount_point(b"/run/my\\040netns/a\\134b\\9");
    assert_eq!(path, Path::new("/run/my netns/a\\b\\9"));
}

#[test]
fn our_own_namespace_comes_first() {
    let own = std::fs::metadata(OWN).expect("every process has one").ino();
    let first = list().all.into_iter().next().expect("at least our own");
    assert_eq!(first.id, NetnsId(own));
}

mod needs_root {
    use std::net::TcpListener;

    use plumb_testkit::namespace::Namespace;
    use plumb_testkit::sandbox;

    use super::*;

    fn ids(found: &Namespaces) -> BTreeSet<u64> {
        found.all.iter().map(|netns| netns.id.0).collect()
    }

    #[test]
    fn a_namespace_of_one_thread_is_found() {
        sandbox::run(|| {
            let other = Namespace::new().expect("root may make one");
            let found = list();
            assert_eq!(ids(&found).len(), 2);
            assert!(ids(&found).contains(&other.id));
            drop(other);
            assert_eq!(ids(&list()).len(), 1);
        });
    }

    #[test]
    fn a_namespace_that_only_a_descriptor_holds_is_found() {
        sandbox::run(|| {
            let other = Namespace::new().expect("root may make one");
            let (id, held) = (other.id, other.open().expect("it is ours"));
            drop(other);
            assert!(!ids(&list()).contains(&id));
            let found = list_thoroughly();
            assert!(ids(&found).contains(&id));
            let netns = found.all.iter().find(|netns| netns.id.0 == id);
            super::super::super::enter(netns.expect("it was found")).expect("root may");
            drop(held);
        });
    }

    #[test]
    fn a_namespace_that_only_a_socket_holds_is_found_with_bpf() {
        sandbox::run(|| {
            let other = Namespace::new().expect("root may make one");
            let id = other.id;
            let socket = other.inside(|| TcpListener::bind("127.0.0.1:0"));
            let socket = socket.expect("its loopback is up");
            drop(other);
            assert!(!ids(&list()).contains(&id));
            let found = list_with_bpf();
            let with_bpf = plumb_bpf::owners::can_run().is_ok();
            assert_eq!(ids(&found).contains(&id), with_bpf);
            if let Some(netns) = found.all.iter().find(|netns| netns.id.0 == id) {
                super::super::super::enter(netns).expect("root may");
                let table = std::fs::read_to_string("/proc/thread-self/net/tcp");
                let port = socket.local_addr().expect("it listens").port();
                assert!(
                    table
                        .expect("/proc is mounted")
                        .contains(&format!(":{port:04X}"))
                );
            }
        });
    }
}
