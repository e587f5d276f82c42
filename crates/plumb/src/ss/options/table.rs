//! The words of the command line: short and long options of ss, and those that are ours alone.

use plumb_present::ss::view::Release;

use crate::getopt::{Argument, Long, Short};

/// What an option means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// -h.
    Help,
    /// -V, -v.
    Version,
    /// -n.
    Numeric,
    /// -r.
    Resolve,
    /// -a.
    All,
    /// -l.
    Listening,
    /// -B, since 6.8.
    BoundInactive,
    /// -o.
    Options,
    /// -e.
    Extended,
    /// -m.
    Memory,
    /// -p.
    Processes,
    /// -T.
    Threads,
    /// -i.
    Info,
    /// -b.
    Bpf,
    /// -E.
    Events,
    /// -Z.
    Context,
    /// -z.
    Contexts,
    /// -N NAME.
    Net,
    /// -s.
    Summary,
    /// -K.
    Kill,
    /// -H.
    NoHeader,
    /// -Q, since 6.9.
    NoQueues,
    /// -O.
    Oneline,
    /// -4.
    Ipv4,
    /// -6.
    Ipv6,
    /// -0.
    Packet,
    /// -x.
    Unix,
    /// -t.
    Tcp,
    /// -u.
    Udp,
    /// -w.
    Raw,
    /// -d.
    Dccp,
    /// -S.
    Sctp,
    /// -M.
    Mptcp,
    /// --tipc.
    Tipc,
    /// --vsock.
    Vsock,
    /// --xdp.
    Xdp,
    /// -f FAMILY.
    Family,
    /// -A LIST.
    Query,
    /// -D FILE.
    Diag,
    /// -F FILE.
    Filter,
    /// --tos.
    Tos,
    /// --cgroup.
    Cgroup,
    /// --inet-sockopt.
    InetSockopt,
    /// --tipcinfo.
    TipcInfo,
    /// --bpf-maps, since 6.9.
    BpfMaps,
    /// --bpf-map-id=ID, since 6.9.
    BpfMapId,
    /// Ours: --json.
    Json,
    /// Ours: --ndjson.
    Ndjson,
    /// Ours: --all-netns.
    AllNetns,
    /// Ours: --compat RELEASE.
    Compat,
    /// Ours: --explain-filter.
    ExplainFilter,
    /// Ours: --stream.
    Stream,
}

const fn flag(letter: u8, key: Key) -> Short<Key> {
    Short {
        letter,
        argument: Argument::No,
        key,
    }
}

const fn with_value(letter: u8, key: Key) -> Short<Key> {
    Short {
        letter,
        argument: Argument::Required,
        key,
    }
}

const SHORT: &[Short<Key>] = &[
    flag(b'h', Key::Help),
    flag(b'V', Key::Version),
    flag(b'v', Key::Version),
    flag(b'n', Key::Numeric),
    flag(b'r', Key::Resolve),
    flag(b'a', Key::All),
    flag(b'l', Key::Listening),
    flag(b'o', Key::Options),
    flag(b'e', Key::Extended),
    flag(b'm', Key::Memory),
    flag(b'p', Key::Processes),
    flag(b'T', Key::Threads),
    flag(b'i', Key::Info),
    flag(b'b', Key::Bpf),
    flag(b'E', Key::Events),
    flag(b'Z', Key::Context),
    flag(b'z', Key::Contexts),
    with_value(b'N', Key::Net),
    flag(b's', Key::Summary),
    flag(b'K', Key::Kill),
    flag(b'H', Key::NoHeader),
    flag(b'O', Key::Oneline),
    flag(b'4', Key::Ipv4),
    flag(b'6', Key::Ipv6),
    flag(b'0', Key::Packet),
    flag(b'x', Key::Unix),
    flag(b't', Key::Tcp),
    flag(b'u', Key::Udp),
    flag(b'w', Key::Raw),
    flag(b'd', Key::Dccp),
    flag(b'S', Key::Sctp),
    flag(b'M', Key::Mptcp),
    with_value(b'f', Key::Family),
    with_value(b'A', Key::Query),
    with_value(b'D', Key::Diag),
    with_value(b'F', Key::Filter),
];

const fn long(name: &'static str, code: u8, key: Key) -> Long<Key> {
    Long {
        name,
        argument: Argument::No,
        code,
        key,
    }
}

const fn long_value(name: &'static str, code: u8, key: Key) -> Long<Key> {
    Long {
        name,
        argument: Argument::Required,
        code,
        key,
    }
}

/// The order is what the lists of possibilities show. Codes are the letters; options without one
/// have numbers of their own.
const LONG: &[Long<Key>] = &[
    long("numeric", b'n', Key::Numeric),
    long("resolve", b'r', Key::Resolve),
    long("options", b'o', Key::Options),
    long("extended", b'e', Key::Extended),
    long("memory", b'm', Key::Memory),
    long("info", b'i', Key::Info),
    long("processes", b'p', Key::Processes),
    long("threads", b'T', Key::Threads),
    long("bpf", b'b', Key::Bpf),
    long("events", b'E', Key::Events),
    long("dccp", b'd', Key::Dccp),
    long("tcp", b't', Key::Tcp),
    long("sctp", b'S', Key::Sctp),
    long("udp", b'u', Key::Udp),
    long("raw", b'w', Key::Raw),
    long("unix", b'x', Key::Unix),
    long("tipc", 1, Key::Tipc),
    long("vsock", 2, Key::Vsock),
    long("all", b'a', Key::All),
    long("listening", b'l', Key::Listening),
    long("ipv4", b'4', Key::Ipv4),
    long("ipv6", b'6', Key::Ipv6),
    long("packet", b'0', Key::Packet),
    long_value("family", b'f', Key::Family),
    long_value("socket", b'A', Key::Query),
    long_value("query", b'A', Key::Query),
    long("summary", b's', Key::Summary),
    long_value("diag", b'D', Key::Diag),
    long_value("filter", b'F', Key::Filter),
    long("version", b'V', Key::Version),
    long("help", b'h', Key::Help),
    long("context", b'Z', Key::Context),
    long("contexts", b'z', Key::Contexts),
    long_value("net", b'N', Key::Net),
    long("tipcinfo", 3, Key::TipcInfo),
    long("tos", 4, Key::Tos),
    long("cgroup", 5, Key::Cgroup),
    long("kill", b'K', Key::Kill),
    long("no-header", b'H', Key::NoHeader),
    long("xdp", 6, Key::Xdp),
    long("mptcp", b'M', Key::Mptcp),
    long("oneline", b'O', Key::Oneline),
    long("inet-sockopt", 7, Key::InetSockopt),
];

/// Our own words; none of them abbreviates or is abbreviated.
pub const OURS: &[Long<Key>] = &[
    long("json", 8, Key::Json),
    long("ndjson", 9, Key::Ndjson),
    long("all-netns", 10, Key::AllNetns),
    long_value("compat", 11, Key::Compat),
    long("explain-filter", 12, Key::ExplainFilter),
    long("stream", 13, Key::Stream),
];

/// The options a release knows.
#[derive(Debug)]
pub struct Words {
    /// Short options.
    pub short: Vec<Short<Key>>,
    /// Long options.
    pub long: Vec<Long<Key>>,
}

impl Words {
    /// Gives the options of `release`.
    pub fn of(release: Release) -> Self {
        let mut words = Self {
            short: SHORT.to_vec(),
            long: LONG.to_vec(),
        };
        if release.since(6, 8) {
            words.short.push(flag(b'B', Key::BoundInactive));
            let bound = long("bound-inactive", b'B', Key::BoundInactive);
            words.insert_behind("listening", bound);
        }
        if release.since(6, 9) {
            words.short.push(flag(b'Q', Key::NoQueues));
            words.insert_behind("no-header", long("no-queues", b'Q', Key::NoQueues));
            words.long.push(long("bpf-maps", 14, Key::BpfMaps));
            words.long.push(long_value("bpf-map-id", 15, Key::BpfMapId));
        }
        words
    }

    fn insert_behind(&mut self, name: &str, option: Long<Key>) {
        let at = self.long.iter().position(|other| other.name == name);
        self.long
            .insert(at.map_or(self.long.len(), |at| at + 1), option);
    }
}
