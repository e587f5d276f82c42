//! -s: the kernel's protocol counters.
//!
//! IPv4 is `/proc/net/snmp`, `netstat` and `sctp/snmp`; IPv6 is `snmp6` and the Tcp blocks of
//! `snmp`, which count both. A file that cannot be opened is no error to the original.

use plumb_collect::proc::read_file;
use plumb_model::counter::CounterBlock;
use plumb_present::json::statistics::StatisticRow;
use plumb_present::netstat::statistics::{
    Family as Listing, StatisticsWriter, Switches, is_listed,
};
use plumb_wire::proc::snmp;
use rustix::io::Errno;

use super::reading::failed_while_reading;
use crate::errno;
use crate::netstat::options::{Family, Options};
use crate::netstat::session::Session;

const SNMP: &str = "/proc/net/snmp";
const NETSTAT: &str = "/proc/net/netstat";
const SCTP: &str = "/proc/net/sctp/snmp";
const SNMP6: &str = "/proc/net/snmp6";
/// The array of the JSON document.
const ARRAY: &str = "statistics";

/// Prints the counters.
pub fn run(session: &mut Session) -> u8 {
    let listing = match session.options.families.as_slice() {
        [] | [Family::Inet] => Listing::Inet,
        [Family::Inet6] => Listing::Inet6,
        _ => return refuse(session),
    };
    session.declare_json(ARRAY);
    session.in_each_netns(|session| {
        let mut listing_so_far = Progress::new(session);
        match listing {
            Listing::Inet => listing_so_far.inet(session),
            Listing::Inet6 => listing_so_far.inet6(session),
        }
        0
    })
}

/// Refuses a list of families. The original says so on standard output.
fn refuse(session: &mut Session) -> u8 {
    let names: Vec<&str> = session
        .options
        .families
        .iter()
        .map(|family| family.name())
        .collect();
    let names = names.join(",");
    let text = format!("netstat: No statistics support for specified address family: {names}\n");
    if session.is_json() {
        session.complain(text.as_bytes());
    } else {
        session.out.title(text.as_bytes());
    }
    1
}

fn switches(options: &Options) -> Switches {
    let protocols = options.protocols;
    let all = !protocols.any();
    Switches {
        raw: all || protocols.raw,
        tcp: all || protocols.tcp,
        udp: all || protocols.udp,
        sctp: all || protocols.sctp,
    }
}

/// One listing being written: the layout carries over from file to file.
struct Progress {
    switches: Switches,
    writer: StatisticsWriter,
}

impl Progress {
    fn new(session: &Session) -> Self {
        let switches = switches(&session.options);
        Self {
            switches,
            writer: StatisticsWriter::new(switches),
        }
    }

    fn inet(&mut self, session: &mut Session) {
        let Some(text) = read_required(session, SNMP) else {
            return;
        };
        self.paired(session, SNMP, &text);
        if let Some(text) = read_optional(session, NETSTAT) {
            self.paired(session, NETSTAT, &text);
        }
        if let Some(text) = read_optional(session, SCTP) {
            self.block(session, Listing::Inet, &snmp::decode_sctp_counters(&text));
        }
    }

    fn inet6(&mut self, session: &mut Session) {
        let Some(text) = read_required(session, SNMP6) else {
            return;
        };
        for block in snmp::decode_snmp6(&text) {
            self.block(session, Listing::Inet6, &block);
        }
        let Some(text) = read_required(session, SNMP) else {
            return;
        };
        // A damaged file is passed over in silence here.
        for block in snmp::decode_paired_counters(&text).blocks {
            if block.name.starts_with(b"Tcp") {
                self.block(session, Listing::Inet, &block);
            }
        }
    }

    fn paired(&mut self, session: &mut Session, path: &str, text: &[u8]) {
        let decoded = snmp::decode_paired_counters(text);
        for block in &decoded.blocks {
            self.block(session, Listing::Inet, block);
        }
        if decoded.is_damaged {
            session.complain(format!("Problem while parsing {path}\n").as_bytes());
        }
    }

    fn block(&mut self, session: &mut Session, family: Listing, block: &CounterBlock) {
        if !session.is_json() {
            session
                .out
                .lines(|out| self.writer.write_block(out, family, block));
        } else if is_listed(family, self.switches, &block.name) {
            for counter in &block.counters {
                let row = StatisticRow::from_counter(session.json_netns(), block, counter);
                session.push_json(ARRAY, &row);
            }
        }
    }
}

/// Reads a file whose absence ends the listing with a complaint.
fn read_required(session: &mut Session, path: &str) -> Option<Vec<u8>> {
    read(session, path)
        .map_err(|error| complain_open(session, path, error))
        .ok()
}

/// Reads a file that many kernels lack.
fn read_optional(session: &mut Session, path: &str) -> Option<Vec<u8>> {
    read(session, path).ok()
}

/// Reads a file; an error after it was opened is named, and what is left of it is nothing.
fn read(session: &mut Session, path: &str) -> Result<Vec<u8>, Errno> {
    read_file(path).or_else(|error| {
        if failed_while_reading(error) {
            session.complain(format!("{path}: {}\n", errno::words(error)).as_bytes());
            return Ok(Vec::new());
        }
        Err(error)
    })
}

fn complain_open(session: &mut Session, path: &str, error: Errno) {
    session.complain(format!("cannot open {path}: {}\n", errno::words(error)).as_bytes());
}
