//! Facts of this machine, as far as they can be checked from here.

use plumb_model::ability::Capabilities;

use super::*;

#[test]
fn facts_are_those_of_this_process() {
    let facts = read();
    assert_eq!(facts.user.uid.0, rustix::process::geteuid().as_raw());
    let caps = rustix::thread::capabilities(None).expect("we live");
    let held = Capabilities(caps.effective.bits());
    assert_eq!(facts.user.effective, held);
    assert!(
        facts.processes.listed > facts.processes.refused,
        "we are among them"
    );
    assert!(facts.namespaces.found > 0, "ours is among them");
    let tcp = facts.tables.iter().find(|table| table.word == "tcp");
    assert_eq!(tcp.expect("it is asked").answer.0, 0);
}

#[test]
fn asking_whether_sockets_can_be_closed_closes_none() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is up");
    let port = listener.local_addr().expect("it is bound").port();
    let answer = tables::destroy();
    assert_ne!(answer.0, 0, "there is no such socket");
    std::net::TcpStream::connect(("127.0.0.1", port)).expect("it still listens");
}
