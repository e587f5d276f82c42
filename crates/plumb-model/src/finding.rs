//! Findings: causes, not symptoms, with their subject, their evidence and what to do.
//!
//! Ids are a promise: scripts match on them. A finding needs positive evidence for its cause and none
//! against it, and the same trouble is reported once, under its root.

use crate::id::Pid;
use crate::known::Reason;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Will fail, or costs much.
    Warning,
    /// Failing now.
    Critical,
}

impl Severity {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How sure the evidence makes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// A single suspicious sign.
    Possible,
    /// Several signs that agree.
    Likely,
    /// The kernel said so.
    Certain,
}

impl Confidence {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// What a finding is about; what is not known of it is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Subject {
    /// `socket`, `listener`, `process`, `destination`, `interface`, `host`, `counter`.
    pub kind: &'static str,
    /// The local endpoint, as `ADDR:PORT`.
    pub local: Option<String>,
    /// The other end, as `ADDR:PORT` or `ADDR`.
    pub peer: Option<String>,
    /// The protocol, as `tcp`.
    pub protocol: Option<&'static str>,
    /// The process.
    pub pid: Option<Pid>,
    /// Its name (`comm`), as text.
    pub process: Option<String>,
    /// The interface.
    pub interface: Option<String>,
    /// The network namespace, where it is not our own.
    pub netns: Option<String>,
    /// What it has to do with what was asked about, in words, where it is something else: the backend of a proxy whose
    /// port was asked about.
    pub relation: Option<String>,
}

/// One fact a finding rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Where it was read, as `/proc/net/netstat TcpExt.ListenOverflows` or `sock_diag tcp_info.rtt`.
    pub source: String,
    /// What it says, in words and with units.
    pub text: String,
    /// For counters: the value before and after, and the seconds between.
    pub change: Option<Change>,
}

/// A counter between two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// At the first sample.
    pub before: u64,
    /// At the second.
    pub after: u64,
    /// Between them.
    pub interval_s: f64,
}

/// One cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its id, as `accept-queue-overflow`.
    pub kind: &'static str,
    /// How bad.
    pub severity: Severity,
    /// About what.
    pub subject: Subject,
    /// The cause in one sentence.
    pub summary: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What to do next.
    pub hints: Vec<String>,
    /// How sure.
    pub confidence: Confidence,
}

/// Something that could not be looked at: what, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gap {
    /// What was not seen, as `owners of other users' sockets`.
    pub what: String,
    /// Why.
    pub reason: Reason,
}
