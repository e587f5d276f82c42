//! A chain of routers in network namespaces: client, routers, server, each linked to the next by a veth
//! pair, over IPv4 and IPv6.
//!
//! Link N lies between place N (the client is place 0) and place N + 1; its ends have the addresses
//! `10.0.N.1` and `10.0.N.2`, `fd00:0:0:N::1` and `::2`. Every place knows the way to every link. What a test wants
//! to be wrong it does [`Chain::at`] one of the places. Nothing holds answers back (`icmp_ratelimit`), so that
//! what is lost is lost on purpose.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::namespace::Namespace;

/// Nobody listens there.
const CLOSED_PORT: u16 = 9;
/// How long a new chain may take until its ends reach each other, and one attempt.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(300);

/// The namespaces, the client first and the server last.
pub struct Chain {
    places: Vec<Namespace>,
}

impl Chain {
    /// Builds a chain of so many routers. Needs root.
    pub fn new(routers: u8) -> io::Result<Self> {
        let places: Vec<Namespace> = (0..routers + 2)
            .map(|_| Namespace::new())
            .collect::<io::Result<_>>()?;
        let chain = Self { places };
        for place in 0..chain.places.len() {
            chain.prepare(place);
        }
        for link in 0..=routers {
            let number = usize::from(link);
            chain.places[number].connect(&chain.places[number + 1], link)?;
            for (place, name, host) in [(number, "near", 1), (number + 1, "far", 2)] {
                let address = format!("fd00:0:0:{link:x}::{host}/64");
                chain.ip(
                    place,
                    &format!("address add {address} dev {name}{link} nodad"),
                )?;
            }
        }
        for place in 0..chain.places.len() {
            chain.lead(place, routers)?;
        }
        for ipv6 in [false, true] {
            chain.wait_for_server(ipv6)?;
        }
        Ok(chain)
    }

    /// Waits until the server answers the client: the kernel takes up to a second to notice that a link is there, and an
    /// IPv6 address does nothing before.
    fn wait_for_server(&self, ipv6: bool) -> io::Result<()> {
        let nobody = SocketAddr::new(self.server(ipv6), CLOSED_PORT);
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let answer = self.at(0, move || TcpStream::connect_timeout(&nobody, LOOK));
            if answer.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
                return Ok(());
            }
        }
        Err(io::Error::other(format!("{nobody} does not answer")))
    }

    /// Lets a place forward and answer at once.
    fn prepare(&self, place: usize) {
        let settings = [
            // Addresses can be used before anybody was asked whether he has them.
            ("ipv6/conf/all/accept_dad", "0"),
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv4/ip_forward", "1"),
            ("ipv4/icmp_ratelimit", "0"),
            ("ipv4/icmp_msgs_per_sec", "1000000"),
            ("ipv4/icmp_msgs_burst", "1000000"),
            ("ipv6/icmp/ratelimit", "0"),
            ("ipv6/conf/all/forwarding", "1"),
            ("ipv4/ping_group_range", "0 2147483647"),
        ];
        for (name, value) in settings {
            // Not every kernel has each of them for a namespace of its own.
            let _ = self.set(place, name, value);
        }
    }

    /// Lets a place know the way to every link.
    fn lead(&self, place: usize, routers: u8) -> io::Result<()> {
        for link in 0..=routers {
            let number = usize::from(link);
            let (v4, v6) = (
                format!("10.0.{link}.0/24"),
                format!("fd00:0:0:{link:x}::/64"),
            );
            // The next place on the way there.
            let (toward, host) = if number + 1 < place {
                (place - 1, 1)
            } else if number > place {
                (place, 2)
            } else {
                continue;
            };
            let name = if host == 1 { "far" } else { "near" };
            self.ip(
                place,
                &format!("route add {v4} via 10.0.{toward}.{host} dev {name}{toward}"),
            )?;
            let router = format!("fd00:0:0:{toward:x}::{host}");
            self.ip(
                place,
                &format!("-6 route add {v6} via {router} dev {name}{toward}"),
            )?;
        }
        Ok(())
    }

    /// Gives the number of the last place.
    pub fn last(&self) -> usize {
        self.places.len() - 1
    }

    /// Gives the server's address.
    pub fn server(&self, ipv6: bool) -> IpAddr {
        self.address(self.last(), ipv6)
    }

    /// Gives the address by which a place (not the client) is reached first: its end of the link before it.
    pub fn address(&self, place: usize, ipv6: bool) -> IpAddr {
        let link = u8::try_from(place - 1).expect("a chain is short");
        if ipv6 {
            Ipv6Addr::new(0xfd00, 0, 0, link.into(), 0, 0, 0, 2).into()
        } else {
            Ipv4Addr::new(10, 0, link, 2).into()
        }
    }

    /// Gives a path that opens the namespace of a place.
    pub fn path(&self, place: usize) -> String {
        let tid = self.places[place].tid;
        format!("/proc/{}/task/{tid}/ns/net", std::process::id())
    }

    /// Does something at a place, and gives what came of it.
    pub fn at<T: Send + 'static>(
        &self,
        place: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        self.places[place].inside(job)
    }

    /// Runs a program at a place.
    pub fn run(&self, place: usize, program: &str, words: &[&str]) -> io::Result<Output> {
        let mut command = Command::new(program);
        command.args(words);
        self.at(place, move || command.output())
    }

    /// Runs `ip` at a place, which must succeed.
    pub fn ip(&self, place: usize, line: &str) -> io::Result<()> {
        let words: Vec<&str> = line.split(' ').collect();
        succeed(&self.run(place, "ip", &words)?, line)
    }

    /// Runs one line of nft at a place, which must succeed.
    pub fn nft(&self, place: usize, line: &str) -> io::Result<()> {
        succeed(&self.run(place, "nft", &[line])?, line)
    }

    /// Adds a chain of nft on a hook at a place, and one rule in it.
    pub fn filter(&self, place: usize, hook: &str, rule: &str) -> io::Result<()> {
        self.nft(place, "add table inet lab")?;
        self.nft(
            place,
            &format!("add chain inet lab {hook} {{ type filter hook {hook} priority 0; }}"),
        )?;
        self.nft(place, &format!("add rule inet lab {hook} {rule}"))
    }

    /// Writes a sysctl below `/proc/sys/net` at a place.
    pub fn set(&self, place: usize, name: &str, value: &str) -> io::Result<()> {
        let (path, value) = (format!("/proc/sys/net/{name}"), value.to_owned());
        self.at(place, move || std::fs::write(path, value))
    }
}

fn succeed(output: &Output, what: &str) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{what}: {said}")))
}
