//! Which tables a socket listing shows, in which order, and how loudly it misses one.

use plumb_model::socket::{InetProtocol, IpVersion};

use crate::netstat::options::{Family, Options, Protocols};

/// One table of the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// TCP, UDP, UDP-Lite or RAW.
    Inet(InetProtocol, IpVersion),
    /// SCTP endpoints and associations.
    Sctp,
    /// Multicast groups (-g).
    Groups,
    /// UNIX domain sockets.
    Unix,
    /// IPX, AX.25, X.25, NET/ROM or ROSE.
    Legacy(Family),
    /// Bluetooth, which is always refused.
    Bluetooth,
}

/// The tables to print, and how to treat one the kernel lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In print order.
    pub tables: Vec<Table>,
    /// The Internet header is printed.
    pub internet: bool,
    /// Tables were named, so a missing one is an error.
    pub explicit: bool,
    /// Protocols were only implied by a family, so a missing one is no news.
    pub quiet: bool,
    /// -v: missing tables are named even when nobody asked for them.
    pub verbose: bool,
}

/// What to do about a table whose file is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// Say so on standard error.
    pub complain: bool,
    /// End the listing with exit status 1.
    pub fatal: bool,
}

const LEGACY: [Family; 5] = [
    Family::Ipx,
    Family::Ax25,
    Family::X25,
    Family::Netrom,
    Family::Rose,
];

impl Plan {
    /// Derives the plan from the command line.
    pub fn new(options: &Options) -> Self {
        let mut protocols = options.protocols;
        let (v4, v6) = (
            options.has_family(Family::Inet),
            options.has_family(Family::Inet6),
        );
        let quiet = (v4 || v6) && !protocols.any();
        if quiet {
            protocols = Protocols::ALL;
        }
        let legacy = LEGACY
            .into_iter()
            .filter(|&family| options.has_family(family));
        let unix = options.has_family(Family::Unix);
        let explicit = protocols.any()
            || unix
            || options.groups
            || options.bluetooth
            || legacy.clone().next().is_some();
        let mut plan = Self {
            tables: Vec::new(),
            internet: protocols.any() || !explicit,
            explicit,
            quiet,
            verbose: options.verbose,
        };
        let both = !v4 && !v6;
        let versions = (v4 || both, v6 || both);
        if explicit {
            plan.add_internet(protocols, versions, options.groups);
            plan.tables.extend(unix.then_some(Table::Unix));
            plan.tables.extend(legacy.map(Table::Legacy));
            plan.tables
                .extend(options.bluetooth.then_some(Table::Bluetooth));
        } else {
            plan.add_internet(Protocols::ALL, (true, true), false);
            plan.tables.push(Table::Unix);
            plan.tables.extend(LEGACY.map(Table::Legacy));
        }
        plan
    }

    fn add_internet(&mut self, protocols: Protocols, versions: (bool, bool), groups: bool) {
        self.add_protocol(protocols.tcp, InetProtocol::Tcp, versions);
        self.tables.extend(protocols.sctp.then_some(Table::Sctp));
        self.add_protocol(protocols.udp, InetProtocol::Udp, versions);
        self.add_protocol(protocols.udplite, InetProtocol::UdpLite, versions);
        self.add_protocol(protocols.raw, InetProtocol::Raw, versions);
        self.tables.extend(groups.then_some(Table::Groups));
    }

    fn add_protocol(&mut self, wanted: bool, protocol: InetProtocol, (v4, v6): (bool, bool)) {
        for (shown, version) in [(v4, IpVersion::V4), (v6, IpVersion::V6)] {
            self.tables
                .extend((wanted && shown).then_some(Table::Inet(protocol, version)));
        }
    }

    /// Says what a missing file of `table` means. The IPv6 half of a table never counts.
    pub fn absence(&self, table: Table) -> Absence {
        let second_half = matches!(table, Table::Inet(_, IpVersion::V6));
        let quiet = self.quiet && !matches!(table, Table::Legacy(_));
        Absence {
            complain: !second_half && !quiet && (self.explicit || self.verbose),
            fatal: !second_half && !quiet && self.explicit,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::netstat::options::{Request, Surroundings};

    fn plan(line: &str) -> Plan {
        let surroundings = Surroundings {
            posixly_correct: false,
            selinux: false,
        };
        let words = line.split_whitespace().map(OsString::from).collect();
        match Request::parse(words, surroundings) {
            Request::Run(options) => Plan::new(&options),
            other => panic!("`{line}` did not parse: {other:?}"),
        }
    }

    const TCP4: Table = Table::Inet(InetProtocol::Tcp, IpVersion::V4);
    const TCP6: Table = Table::Inet(InetProtocol::Tcp, IpVersion::V6);

    #[test]
    fn one_protocol_shows_both_versions_and_a_family_all_protocols() {
        assert_eq!(plan("-t").tables, [TCP4, TCP6]);
        assert_eq!(plan("-t6").tables, [TCP6]);
        assert_eq!(plan("-4").tables.len(), 5);
        assert_eq!(plan("-tx").tables, [TCP4, TCP6, Table::Unix]);
        assert_eq!(plan("-x").tables, [Table::Unix]);
        assert_eq!(plan("-gx").tables, [Table::Groups, Table::Unix]);
        assert_eq!(plan("").tables.len(), 15);
        assert_eq!(plan("-A ddp").tables, plan("").tables);
    }

    #[test]
    fn groups_alone_have_no_internet_header() {
        assert!(!plan("-g").internet);
        assert!(plan("-g4").internet);
        assert!(plan("").internet);
    }

    #[test]
    fn a_missing_table_matters_only_to_those_who_named_it() {
        let silent = Absence {
            complain: false,
            fatal: false,
        };
        let fatal = Absence {
            complain: true,
            fatal: true,
        };
        assert_eq!(plan("").absence(TCP4), silent);
        assert_eq!(plan("-4").absence(TCP4), silent);
        assert_eq!(plan("-t").absence(TCP4), fatal);
        assert_eq!(plan("-t").absence(TCP6), silent);
        assert_eq!(plan("-4x").absence(Table::Unix), silent);
        assert!(plan("-v").absence(TCP4).complain && !plan("-v").absence(TCP4).fatal);
    }
}
