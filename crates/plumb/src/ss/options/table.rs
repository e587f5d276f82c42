//! The words of the command line: short and long options of ss, and those that are ours alone.

use plumb_present::ss::view::Release;

use crate::getopt::{Long, Short};

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
    /// Ours: --all-owners.
    AllOwners,
    /// Ours: --compat RELEASE.
    Compat,
    /// Ours: --explain-filter.
    ExplainFilter,
    /// Ours: --stream.
    Stream,
    /// Ours: --stack.
    Stack,
}

const SHORT: &[Short<Key>] = &[
    Short::flag(b'h', Key::Help),
    Short::flag(b'V', Key::Version),
    Short::flag(b'v', Key::Version),
    Short::flag(b'n', Key::Numeric),
    Short::flag(b'r', Key::Resolve),
    Short::flag(b'a', Key::All),
    Short::flag(b'l', Key::Listening),
    Short::flag(b'o', Key::Options),
    Short::flag(b'e', Key::Extended),
    Short::flag(b'm', Key::Memory),
    Short::flag(b'p', Key::Processes),
    Short::flag(b'T', Key::Threads),
    Short::flag(b'i', Key::Info),
    Short::flag(b'b', Key::Bpf),
    Short::flag(b'E', Key::Events),
    Short::flag(b'Z', Key::Context),
    Short::flag(b'z', Key::Contexts),
    Short::with_value(b'N', Key::Net),
    Short::flag(b's', Key::Summary),
    Short::flag(b'K', Key::Kill),
    Short::flag(b'H', Key::NoHeader),
    Short::flag(b'O', Key::Oneline),
    Short::flag(b'4', Key::Ipv4),
    Short::flag(b'6', Key::Ipv6),
    Short::flag(b'0', Key::Packet),
    Short::flag(b'x', Key::Unix),
    Short::flag(b't', Key::Tcp),
    Short::flag(b'u', Key::Udp),
    Short::flag(b'w', Key::Raw),
    Short::flag(b'd', Key::Dccp),
    Short::flag(b'S', Key::Sctp),
    Short::flag(b'M', Key::Mptcp),
    Short::with_value(b'f', Key::Family),
    Short::with_value(b'A', Key::Query),
    Short::with_value(b'D', Key::Diag),
    Short::with_value(b'F', Key::Filter),
];

/// The order is what the lists of possibilities show. Codes are the letters; options without one
/// have numbers of their own.
const LONG: &[Long<Key>] = &[
    Long::flag("numeric", b'n', Key::Numeric),
    Long::flag("resolve", b'r', Key::Resolve),
    Long::flag("options", b'o', Key::Options),
    Long::flag("extended", b'e', Key::Extended),
    Long::flag("memory", b'm', Key::Memory),
    Long::flag("info", b'i', Key::Info),
    Long::flag("processes", b'p', Key::Processes),
    Long::flag("threads", b'T', Key::Threads),
    Long::flag("bpf", b'b', Key::Bpf),
    Long::flag("events", b'E', Key::Events),
    Long::flag("dccp", b'd', Key::Dccp),
    Long::flag("tcp", b't', Key::Tcp),
    Long::flag("sctp", b'S', Key::Sctp),
    Long::flag("udp", b'u', Key::Udp),
    Long::flag("raw", b'w', Key::Raw),
    Long::flag("unix", b'x', Key::Unix),
    Long::flag("tipc", 1, Key::Tipc),
    Long::flag("vsock", 2, Key::Vsock),
    Long::flag("all", b'a', Key::All),
    Long::flag("listening", b'l', Key::Listening),
    Long::flag("ipv4", b'4', Key::Ipv4),
    Long::flag("ipv6", b'6', Key::Ipv6),
    Long::flag("packet", b'0', Key::Packet),
    Long::with_value("family", b'f', Key::Family),
    Long::with_value("socket", b'A', Key::Query),
    Long::with_value("query", b'A', Key::Query),
    Long::flag("summary", b's', Key::Summary),
    Long::with_value("diag", b'D', Key::Diag),
    Long::with_value("filter", b'F', Key::Filter),
    Long::flag("version", b'V', Key::Version),
    Long::flag("help", b'h', Key::Help),
    Long::flag("context", b'Z', Key::Context),
    Long::flag("contexts", b'z', Key::Contexts),
    Long::with_value("net", b'N', Key::Net),
    Long::flag("tipcinfo", 3, Key::TipcInfo),
    Long::flag("tos", 4, Key::Tos),
    Long::flag("cgroup", 5, Key::Cgroup),
    Long::flag("kill", b'K', Key::Kill),
    Long::flag("no-header", b'H', Key::NoHeader),
    Long::flag("xdp", 6, Key::Xdp),
    Long::flag("mptcp", b'M', Key::Mptcp),
    Long::flag("oneline", b'O', Key::Oneline),
    Long::flag("inet-sockopt", 7, Key::InetSockopt),
];

/// Our own words; none of them abbreviates or is abbreviated.
pub const OURS: &[Long<Key>] = &[
    Long::flag("json", 8, Key::Json),
    Long::flag("ndjson", 9, Key::Ndjson),
    Long::flag("all-netns", 10, Key::AllNetns),
    Long::with_value("compat", 11, Key::Compat),
    Long::flag("explain-filter", 12, Key::ExplainFilter),
    Long::flag("stream", 13, Key::Stream),
    Long::flag("all-owners", 14, Key::AllOwners),
    Long::flag("stack", 16, Key::Stack),
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
            words.short.push(Short::flag(b'B', Key::BoundInactive));
            let bound = Long::flag("bound-inactive", b'B', Key::BoundInactive);
            words.insert_behind("listening", bound);
        }
        if release.since(6, 9) {
            words.short.push(Short::flag(b'Q', Key::NoQueues));
            words.insert_behind("no-header", Long::flag("no-queues", b'Q', Key::NoQueues));
            words.long.push(Long::flag("bpf-maps", 14, Key::BpfMaps));
            words
                .long
                .push(Long::with_value("bpf-map-id", 15, Key::BpfMapId));
        }
        words
    }

    fn insert_behind(&mut self, name: &str, option: Long<Key>) {
        let at = self.long.iter().position(|other| other.name == name);
        self.long
            .insert(at.map_or(self.long.len(), |at| at + 1), option);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_option_of_every_release() {
        let mut help = Vec::new();
        plumb_present::ss::help::write_help(&mut help);
        let help = String::from_utf8(help).expect("it is text");
        let names: Vec<&str> = help
            .split([' ', ',', '=', '\n'])
            .filter_map(|word| word.strip_prefix("--"))
            .collect();
        for option in Words::of(Release::NEWEST).long.iter().chain(OURS) {
            assert!(names.contains(&option.name), "--{}", option.name);
        }
    }

    #[test]
    fn the_manual_page_explains_every_option_of_every_release() {
        let words = Words::of(Release::NEWEST);
        crate::manual::assert_explains(
            "plumb-ss.1",
            &crate::getopt::Table {
                short: &words.short,
                long: &words.long,
                exact: OURS,
            },
        );
    }
}
