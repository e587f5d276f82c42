//! The interface tables of -i and -ie, and our -I=NAME.

use plumb_collect::interfaces::{Names, read_ipv6};
use plumb_model::interface::{Interface, InterfaceFlags, Ipv6Assignment};
use plumb_present::json;
use plumb_present::json::interfaces::{InterfaceRow, Words};
use plumb_present::netstat::link_layer::{self, Form};
use plumb_present::netstat::{interfaces, interfaces_long};
use rustix::io::Errno;

use crate::errno;
use crate::netstat::options::SocketFilter;
use crate::netstat::session::Session;

/// Prints the table of every namespace shown.
pub fn run(session: &mut Session) -> u8 {
    session.declare_json("interfaces");
    let long = session.options.extend > 0;
    if !session.is_json() {
        if session.round == 0 {
            session.out.title(interfaces::TITLE);
        }
        if !long {
            session.out.header(interfaces::HEADER);
        }
    }
    let mut found = false;
    let status = session.in_each_netns(|session| run_here(session, &mut found));
    match session.options.interface.clone() {
        // One namespace that has the interface is enough.
        Some(name) if !found && status == 0 => no_such_interface(session, &name),
        _ => status,
    }
}

fn run_here(session: &mut Session, found: &mut bool) -> u8 {
    let names = match Names::read() {
        Ok(names) => names,
        Err(errno) => {
            let cause = errno::words(errno);
            session.complain(format!("netstat: list interfaces: {cause}\n").as_bytes());
            return 1;
        }
    };
    if let Some(errno) = names.without_counters {
        let cause = errno::words(errno);
        session.complain(
            format!("Warning: cannot open /proc/net/dev ({cause}). Limited output.\n").as_bytes(),
        );
    }
    let only = session.options.interface.clone();
    let ipv6 = if session.is_json() || session.options.extend > 0 {
        read_ipv6()
    } else {
        Vec::new()
    };
    for named in &names.all {
        if only.as_ref().is_some_and(|only| *only != named.name) {
            continue;
        }
        *found = true;
        match names.interface(named) {
            Ok(interface) => {
                if only.is_some() || is_shown(session, &interface) {
                    write(session, &interface, &ipv6);
                }
            }
            Err(errno) => return vanished(session, &named.name, errno),
        }
    }
    0
}

/// Interfaces that are down are shown with -a, and when they were asked for by name.
fn is_shown(session: &Session, interface: &Interface) -> bool {
    session.options.filter == SocketFilter::All || interface.flags.has(InterfaceFlags::UP)
}

fn write(session: &mut Session, interface: &Interface, ipv6: &[Ipv6Assignment]) {
    if session.is_json() {
        let row = InterfaceRow::new(interface, ipv6, words(interface), session.json_netns());
        return session.push_json("interfaces", &row);
    }
    let name = session.shown(&interface.name).into_owned();
    if session.options.extend > 0 {
        let link = link_layer::address_text(interface.hardware);
        let link = session.shown(&link).into_owned();
        session.out.lines(|out| {
            interfaces_long::write_interface(out, interface, ipv6, &name, &link);
        });
    } else {
        session
            .out
            .row(|out| interfaces::write_interface(out, interface, &name));
    }
}

fn words(interface: &Interface) -> Words {
    let kind = link_layer::kind(interface.hardware);
    let has_address = !matches!(kind.map(|kind| kind.form), Some(Form::None | Form::Empty));
    Words {
        flags: interfaces_long::flag_names(interface.flags),
        link_kind: kind.map(|kind| kind.name),
        link_address: has_address
            .then(|| json::text(&link_layer::address_text(interface.hardware))),
    }
}

/// The original stops here, whether or not the interface would have been shown.
fn vanished(session: &mut Session, name: &[u8], errno: Errno) -> u8 {
    let cause = errno::words(errno);
    let first = match errno {
        Errno::NODEV => "Device not found",
        _ => &cause,
    };
    let name = session.shown(name).into_owned();
    session.complain(
        &[
            &name[..],
            format!(": error fetching interface information: {first}\n").as_bytes(),
            format!("missing interface information: {cause}\n").as_bytes(),
        ]
        .concat(),
    );
    1
}

fn no_such_interface(session: &mut Session, name: &[u8]) -> u8 {
    let name = session.shown(name).into_owned();
    session.complain(&[b"netstat: interface ", &name[..], b": no such interface\n"].concat());
    1
}
