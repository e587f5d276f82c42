//! P: processes with odd names, shared and private descriptors.

use std::io;
use std::net::SocketAddr;

use super::State;
use crate::frozen::inet::{LISTEN, Socket, Table, Tables, nobody};
use crate::frozen::processes::Process;
use crate::frozen::{ProcTree, unix};

/// Command lines, each of a process with one socket of its own.
fn cmdlines() -> Vec<Vec<u8>> {
    let long = [b"/".repeat(3), b"x".repeat(600), b"/tail\0".to_vec()].concat();
    let long_slash_late = [b"/".to_vec(), b"y".repeat(509), b"/seen/unseen\0".to_vec()].concat();
    let mut lines: Vec<Vec<u8>> = [
        &b"/usr/sbin/absolute\0-f\0"[..],
        b"./relative/path\0",
        b"server: worker process /x/y\0",
        b"/opt/x/python3 /srv/y.py --a=/b/c\0",
        b"with blank\0",
        b"with\nnewline\0",
        b"with\ttab\x1b[31m\0",
        "n\u{e4}me-\u{4e2d}\u{6587}-longer\0".as_bytes(),
        b"/trailing/slash/\0",
        b"/\0",
        b"\0",
        b"",
        b"no-nul-at-all",
        b"\0second word\0",
        b"exactly-eighteen-b\0",
        b"\xff\xfe\x80\0",
    ]
    .iter()
    .map(|line| line.to_vec())
    .collect();
    lines.push(long);
    lines.push(long_slash_late);
    lines
}

/// Gives a tree whose processes hold its sockets, and one that refuses a look at some.
pub(super) fn odd_names() -> io::Result<Vec<State>> {
    let mut states = Vec::new();
    for (name, private) in [("P names", false), ("P private descriptors", true)] {
        let tree = ProcTree::new()?;
        let mut tables = Tables::default();
        for (index, cmdline) in (0_u16..).zip(cmdlines()) {
            let local = SocketAddr::from(([127, 0, 0, 1], 5_000 + index));
            let mut socket = Socket::new(local, nobody(false), LISTEN);
            socket.inode = 20_000 + u32::from(index);
            tables.push(Table::Tcp, socket.clone());
            socket.peer = SocketAddr::from(([127, 0, 0, 1], 80));
            (socket.state, socket.inode) = (1, 30_000 + u32::from(index));
            tables.push(Table::Tcp, socket);
            let pid = 10_u32.pow(u32::from(index % 7)) + u32::from(index) * 3;
            let held = [20_000, 30_000].map(|base| base + u32::from(index));
            let mut process = Process::holding(pid, &cmdline, &held);
            process.private = private && index % 3 == 0;
            process.write(&tree)?;
        }
        add_odd_links(&tree)?;
        tables.write(&tree)?;
        tree.file("net/unix", unix::text(&unix_sockets()))?;
        states.push(State::new(name, tree));
    }
    states.push(nobody_owns_anything()?);
    Ok(states)
}

fn unix_sockets() -> Vec<unix::Socket> {
    let socket = |inode, state, flags, path: &str| unix::Socket {
        references: 2,
        flags,
        kind: 1,
        state,
        inode,
        path: path.into(),
    };
    vec![
        socket(20_001, 3, 0, ""),
        socket(20_002, 1, 0x10000, "/run/listener"),
        socket(0, 2, 0, "@waiting"),
        socket(99_999, 3, 0, "/run/nobodys"),
    ]
}

/// Links that are no sockets, old forms, sockets held twice, names that are no processes.
fn add_odd_links(tree: &ProcTree) -> io::Result<()> {
    let links = [
        "socket:[20000]",
        "socket:[20001",
        "socket:[]",
        "socket:[7]",
        "socket:[0]",
        "[0000]:20003",
        "[0000]:20004 ",
        "socket:[20005]x",
        "socket:[99999999999999999999]",
        "pipe:[20006]",
        "anon_inode:[eventpoll]",
        "/dev/null",
    ];
    Process {
        pid: 2,
        cmdline: b"/sbin/lowest\0".to_vec(),
        descriptors: links.map(str::to_owned).to_vec(),
        private: false,
    }
    .write(tree)?;
    tree.file("123abc/cmdline", "not a process")?;
    tree.file("self/cmdline", "not a process")?;
    tree.file("888/cmdline", "no descriptors at all")
}

/// Only private processes: nobody but root learns of any owner.
fn nobody_owns_anything() -> io::Result<State> {
    let tree = ProcTree::new()?;
    let mut tables = Tables::default();
    let local = SocketAddr::from(([127, 0, 0, 1], 5_000));
    let mut socket = Socket::new(local, nobody(false), LISTEN);
    socket.inode = 20_000;
    tables.push(Table::Tcp, socket);
    tables.write(&tree)?;
    tree.file("net/unix", unix::text(&unix_sockets()))?;
    let mut process = Process::holding(5, b"/usr/bin/x\0", &[20_000]);
    process.private = true;
    process.write(&tree)?;
    Ok(State::new("P nobody visible", tree))
}
