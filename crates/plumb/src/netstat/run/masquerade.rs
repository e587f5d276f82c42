//! -M: masqueraded connections, a table that left the kernel with Linux 2.4.

use std::net::IpAddr;

use plumb_collect::names::ServiceKind;
use plumb_collect::proc::read_file;
use plumb_model::Port;
use plumb_model::masquerade::{MasqueradeProtocol, Masqueraded};
use plumb_present::json::masquerade::MasqueradeRow;
use plumb_present::netstat::address::write_port;
use plumb_present::netstat::masquerade::{self, MasqueradeTexts};
use plumb_wire::proc::masquerade::{MasqueradeError, decode_masquerade};

use super::reading::{empty_if_unreadable, host_text, is_absent, number_text};
use crate::errno;
use crate::netstat::session::Session;

const PATH: &str = "/proc/net/ip_masquerade";
/// The array of the JSON document.
const ARRAY: &str = "masquerade";
/// Exit status when the file is there but makes no sense.
const UNREADABLE: u8 = 255;

/// Prints the connections.
pub fn run(session: &mut Session) -> u8 {
    session.declare_json(ARRAY);
    let (mut titled, mut complained) = (false, false);
    session.in_each_netns(|session| {
        let entries = match read() {
            Ok(entries) => entries,
            Err((complaint, status)) => {
                // One kernel lacks the file in all its namespaces alike.
                if !std::mem::replace(&mut complained, true) {
                    session.complain(complaint.as_bytes());
                }
                return status;
            }
        };
        if !entries.is_empty() && !titled && !session.is_json() {
            titled = true;
            write_titles(session);
        }
        for entry in &entries {
            write_entry(session, entry);
        }
        0
    })
}

/// Reads the table, or gives the complaint and the exit status.
fn read() -> Result<Vec<Masqueraded>, (String, u8)> {
    match empty_if_unreadable(read_file(PATH)).map(|text| decode_masquerade(&text)) {
        Ok(Ok(entries)) => Ok(entries),
        Ok(Err(error)) => Err((complaint(error).to_string(), UNREADABLE)),
        Err(error) if is_absent(error) => {
            let text = "netstat: no support for `ip_masquerade' on this system.\n";
            Err((text.to_string(), 1))
        }
        Err(error) => Err((format!("{PATH}: {}\n", errno::words(error)), UNREADABLE)),
    }
}

fn complaint(error: MasqueradeError) -> &'static str {
    match error {
        MasqueradeError::Empty => "masq_info: Internal Error `fgets() failed'.\n",
        MasqueradeError::Format => "masq_info.c: Internal Error `ip_masquerade format error'.\n",
        MasqueradeError::Protocol => "masq_info.c: Internal Error `ip_masquerade unknown type'.\n",
    }
}

fn write_titles(session: &mut Session) {
    session.out.title(masquerade::TITLE);
    let mut header = Vec::new();
    masquerade::write_header(&mut header, session.options.extend > 0);
    session.out.header(&header);
}

fn write_entry(session: &mut Session, entry: &Masqueraded) {
    if session.is_json() {
        let row = MasqueradeRow::from_entry(session.json_netns(), entry);
        return session.push_json(ARRAY, &row);
    }
    let mut host = |addr| {
        if session.options.numeric.hosts {
            number_text(addr)
        } else {
            host_text(session, addr)
        }
    };
    let source = host(IpAddr::V4(entry.source));
    let destination = host(IpAddr::V4(entry.destination));
    let mut port = |port| port_text(session, entry.protocol, port);
    let (source_port, destination_port) = (port(entry.source_port), port(entry.destination_port));
    let masqueraded_port = port(entry.masqueraded_port);
    let texts = MasqueradeTexts {
        source: &source,
        destination: &destination,
        source_port: &source_port,
        destination_port: &destination_port,
        masqueraded_port: &masqueraded_port,
    };
    let is_extended = session.options.extend > 0;
    session
        .out
        .row(|out| masquerade::write_entry(out, entry, texts, is_extended));
}

fn port_text(session: &mut Session, protocol: MasqueradeProtocol, port: Port) -> Vec<u8> {
    let kind = match protocol {
        MasqueradeProtocol::Tcp => Some(ServiceKind::Tcp),
        MasqueradeProtocol::Udp => Some(ServiceKind::Udp),
        MasqueradeProtocol::Icmp => None,
    };
    if let Some(kind) = kind.filter(|_| !session.options.numeric.ports && port.0 != 0)
        && let Some(name) = session.names.service(kind, port.0)
    {
        let name = name.to_vec();
        return session.shown(&name).into_owned();
    }
    let mut text = Vec::new();
    write_port(&mut text, port);
    text
}
