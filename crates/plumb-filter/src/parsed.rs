//! What the parser is told, and what it gives back.

use crate::expr::Node;
use crate::{Attribute, Expr, Fact, Family, NodeId, Predicate, Test, Word};

/// What the command line decided before the filter is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The family of the last of -4 -6 -x -0 -f --vsock …: operands without a prefix are read in it.
    pub preferred: Option<Family>,
    /// Whether the tcp table is selected, so that service names are looked up there.
    pub tcp: bool,
    /// Whether the udp table is selected.
    pub udp: bool,
    /// Whether plumb's own tests are understood.
    pub extended: bool,
    /// Whether a word that begins no test is refused as that, without asking first what it would mean as
    /// an operand, as the original does (which may ask the network for a host of that name).
    pub strict: bool,
    /// Whether ports above `INT_MAX` are taken, as the original does since 6.6.
    pub wide_ports: bool,
}

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// The expression, `None` for an empty filter.
    pub expr: Option<Expr>,
    /// The family that replaces the set of selected families: that of the last operand that had one.
    pub family: Option<Family>,
    /// The `and` nodes that took a whole `or` without parentheses, where other languages would have taken
    /// only its last term.
    pub surprises: Vec<NodeId>,
    /// Every word in order, for explanations.
    pub words: Vec<Word>,
    /// The facts that only some tests need.
    pub needs: Needs,
}

/// Facts a caller has to collect for this filter, beyond those of every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// `rtt` and others: the kernel's `INET_DIAG_INFO` must be requested.
    pub info: bool,
    /// `memory`, `drops` and others: likewise `INET_DIAG_SKMEMINFO`.
    pub memory: bool,
    /// `pid`, `process` and others: the holders.
    pub owners: bool,
    /// `exe`, `container` and others: what the holders are.
    pub identity: bool,
    /// `peer-process`: the sockets at the other ends, and their holders.
    pub peers: bool,
    /// `age`: a lower bound of the age.
    pub age: bool,
    /// `user`: the user id, which a dump of UNIX sockets has to be asked for.
    pub uid: bool,
}

impl Needs {
    /// Finds what the tests of an expression need.
    pub(crate) fn of(nodes: &[Node]) -> Self {
        let mut needs = Self::default();
        for node in nodes {
            let Node::Test {
                test: Test::Extended(predicate),
                ..
            } = node
            else {
                continue;
            };
            needs.add(predicate);
        }
        needs
    }

    fn add(&mut self, predicate: &Predicate) {
        match predicate {
            Predicate::Pid(_) | Predicate::Fd(_) | Predicate::Owner { .. } => self.owners = true,
            Predicate::Number { fact, .. } => self.add_fact(*fact),
            Predicate::Text { attribute, .. } => self.add_attribute(*attribute),
            Predicate::States(_) => {}
        }
    }

    fn add_fact(&mut self, fact: Fact) {
        match fact {
            Fact::RttUs
            | Fact::Retrans
            | Fact::Cwnd
            | Fact::BytesSent
            | Fact::BytesReceived
            | Fact::Unsent => self.info = true,
            Fact::AgeUs => self.age = true,
            Fact::Drops | Fact::Memory | Fact::Rmem | Fact::Wmem => self.memory = true,
            Fact::Uid => self.uid = true,
            Fact::RecvQ | Fact::SendQ | Fact::Unread | Fact::Inode | Fact::Cookie | Fact::Netns => {
            }
        }
    }

    fn add_attribute(&mut self, attribute: Attribute) {
        match attribute {
            Attribute::Process | Attribute::OwnerUnknown | Attribute::Related => {
                self.owners = true;
            }
            Attribute::Exe
            | Attribute::Cmdline
            | Attribute::Unit
            | Attribute::Container
            | Attribute::Pod => {
                self.owners = true;
                self.identity = true;
            }
            Attribute::PeerProcess | Attribute::PeerPid => {
                self.owners = true;
                self.peers = true;
            }
            Attribute::Kind | Attribute::Netns | Attribute::Interface | Attribute::Timer => {}
        }
    }
}
