//! Processes with odd names, each holding sockets.

use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;

use std::process::{Child, Command, Stdio};

/// Running processes; dropping them ends them.
#[derive(Debug)]
pub struct Processes {
    children: Vec<Child>,
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that has already ended is what we want.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The names (argv[0]) that processes start under.
const NAMES: &[&[u8]] = &[
    b"/usr/sbin/absolute",
    b"./relative/path",
    b"server: worker process /x/y",
    b"/opt/x/python3 /srv/y.py --a=/b/c",
    b"with blank",
    b"with\nnewline",
    "n\u{e4}me-\u{4e2d}\u{6587}-long-enough-to-cut".as_bytes(),
    b"/trailing/slash/",
    b"",
];

/// Starts one process per name, some as another user, some sharing a socket with the next.
pub fn start_processes() -> io::Result<Processes> {
    let mut processes = Processes {
        children: Vec::new(),
    };
    for name in NAMES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        processes.start(name, None, listener)?;
    }
    processes.start(
        &[b"/".as_slice(), &b"x".repeat(600)].concat(),
        None,
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
    )?;
    let shared = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(shared.local_addr()?)?;
    processes.start(b"shares-later", None, shared.try_clone()?)?;
    processes.start(b"shares-too", Some(1000), shared)?;
    processes.start(b"client", Some(1000), client)?;
    let path = std::env::temp_dir().join("processes.sock");

    let unix = UnixListener::bind(&path)?;
    std::fs::remove_file(path)?;
    processes.start(b"/usr/bin/unix-listener", Some(1000), unix)?;
    Ok(processes)
}

impl Processes {
    /// Starts `sleep` under another name with a socket as its standard input.
    fn start(
        &mut self,
        name: &[u8],
        user: Option<u32>,
        socket: impl Into<OwnedFd>,
    ) -> io::Result<()> {
        let mut command = Command::new("/bin/sleep");
        command
            .arg0(OsStr::from_bytes(name))
            .arg("1000")
            .stdin(Stdio::from(socket.into()))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        self.children.push(command.spawn()?);
        Ok(())
    }
}
