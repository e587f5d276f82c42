//! The IPv4 tables of -r.

use std::net::{IpAddr, Ipv4Addr};

use plumb_collect::proc::read_file;
use plumb_model::route::{CachedRoute4, Route4, RouteFlags};
use plumb_present::json::routes::RouteRow;
use plumb_present::netstat::routes::{self, CacheTexts, RouteTexts, Style};
use plumb_wire::proc::columns::HeaderError;
use plumb_wire::proc::routes::{
    CacheLayout, RouteMemory, check_old_cache_header, decode_route_cache, decode_routes,
    inspect_cache_header,
};
use rustix::io::Errno;

use super::{ARRAY, is_numeric, not_configured, say, wants_fib};
use crate::errno;
use crate::netstat::run::reading::{empty_if_unreadable, host_text, number_text};
use crate::netstat::session::Session;

const ROUTE: &str = "/proc/net/route";
const CACHE: &str = "/proc/net/rt_cache";
const FAMILY: &str = "INET (IPv4)";
/// Exit status when the header of the cache cannot be read.
const UNREADABLE: u8 = 255;

/// Prints the tables asked for.
pub fn run(session: &mut Session, memory: &mut RouteMemory) -> u8 {
    if wants_fib(session) {
        let status = table(session, memory);
        if status != 0 {
            return status;
        }
    }
    if session.options.route_cache {
        cache(session)
    } else {
        0
    }
}

fn table(session: &mut Session, memory: &mut RouteMemory) -> u8 {
    let style = Style::from_extend(session.options.extend);
    let mut titled = false;
    session.in_each_netns(|session| {
        let text = match empty_if_unreadable(read_file(ROUTE)) {
            Ok(text) => text,
            Err(error) => return not_configured(session, ROUTE, error, FAMILY),
        };
        if !titled && !session.is_json() {
            titled = true;
            session.out.title(routes::TITLE);
            write_heads(session, style, routes::write_header);
        }
        if text.is_empty() {
            // A new namespace has no table yet; beside others that is no failure.
            return u8::from(!session.options.all_netns);
        }
        match decode_routes(&text, memory) {
            Ok(routes) => {
                for route in &routes {
                    write_route(session, route, style);
                }
                0
            }
            Err(error) => {
                complain_header(session, ROUTE, error);
                1
            }
        }
    })
}

fn cache(session: &mut Session) -> u8 {
    let style = Style::from_extend(session.options.extend);
    let (mut titled, mut headed) = (false, false);
    session.in_each_netns(|session| {
        // Nothing explains why a file is empty; the original then names the last error it met.
        let (text, cause) = match read_file(CACHE) {
            Ok(text) => (text, Errno::NOENT),
            Err(error) => match empty_if_unreadable(Err(error)) {
                Ok(text) => (text, error),
                Err(error) => return not_configured(session, CACHE, error, FAMILY),
            },
        };
        if !std::mem::replace(&mut titled, true) && !session.is_json() {
            session.out.title(routes::CACHE_TITLE);
        }
        let Some(header) = inspect_cache_header(&text) else {
            session.complain(format!("{CACHE}: {}\n", errno::words(cause)).as_bytes());
            return UNREADABLE;
        };
        if !header.is_exact {
            let found = header.found;
            say(
                session,
                &format!("ERROR: proc_guess_fmt({CACHE},... returned: {found}\n"),
            );
        }
        if !std::mem::replace(&mut headed, true) && !session.is_json() {
            write_cache_heads(session, style, header.layout);
        }
        let decoded = match header.layout {
            CacheLayout::Current => decode_route_cache(&text),
            CacheLayout::Old => check_old_cache_header(&text).map(|()| Vec::new()),
            CacheLayout::Unknown => Ok(Vec::new()),
        };
        match decoded {
            Ok(entries) => entries
                .iter()
                .for_each(|entry| write_cached(session, entry, style)),
            Err(error) => complain_header(session, CACHE, error),
        }
        0
    })
}

fn write_cache_heads(session: &mut Session, style: Style, layout: CacheLayout) {
    match layout {
        CacheLayout::Old => write_heads(session, style, routes::write_old_cache_header),
        // The rows of an unknown layout would be memory that nothing was read into.
        CacheLayout::Unknown if style == Style::Everything => {}
        CacheLayout::Current | CacheLayout::Unknown => {
            write_heads(session, style, routes::write_cache_header);
        }
    }
}

fn write_heads(session: &mut Session, style: Style, write: fn(&mut Vec<u8>, Style)) {
    let mut text = Vec::new();
    write(&mut text, style);
    if !text.is_empty() {
        session.out.header(&text);
    }
}

fn complain_header(session: &mut Session, path: &str, error: HeaderError) {
    let text = match error {
        HeaderError::Missing(field) => {
            format!("warning: {path} does not contain required field {field}\n")
        }
        HeaderError::TooLong => format!("warning: format buffer overflow in {path}\n"),
    };
    session.complain(text.as_bytes());
}

fn write_route(session: &mut Session, route: &Route4, style: Style) {
    if session.is_json() {
        let row = RouteRow::from_route4(session.json_netns(), route);
        return session.push_json(ARRAY, &row);
    }
    if style == Style::Bare {
        return;
    }
    let destination = destination_text(session, route);
    let gateway = addr_text(session, route.gateway);
    let mask = number_text(IpAddr::V4(route.mask));
    let interface = session.shown(&route.common.interface).into_owned();
    let texts = RouteTexts {
        destination: &destination,
        gateway: &gateway,
        mask: &mask,
        interface: &interface,
    };
    session
        .out
        .row(|out| routes::write_route(out, route, texts, style));
}

fn write_cached(session: &mut Session, entry: &CachedRoute4, style: Style) {
    if session.is_json() {
        let row = RouteRow::from_cached4(session.json_netns(), entry);
        return session.push_json(ARRAY, &row);
    }
    if style == Style::Bare {
        return;
    }
    let source = addr_text(session, entry.source);
    let destination = addr_text(session, entry.destination);
    let gateway = addr_text(session, entry.gateway);
    let specific_destination = addr_text(session, entry.specific_destination);
    let interface = session.shown(&entry.common.interface).into_owned();
    let texts = CacheTexts {
        source: &source,
        destination: &destination,
        gateway: &gateway,
        specific_destination: &specific_destination,
        interface: &interface,
    };
    session
        .out
        .row(|out| routes::write_cached_route(out, entry, texts, style));
}

fn addr_text(session: &mut Session, addr: Ipv4Addr) -> Vec<u8> {
    if is_numeric(session) {
        number_text(IpAddr::V4(addr))
    } else {
        host_text(session, IpAddr::V4(addr))
    }
}

/// A destination is a host if the route says so or its address has bits outside the mask, else a
/// network with a name of another database.
fn destination_text(session: &mut Session, route: &Route4) -> Vec<u8> {
    let addr = route.destination;
    if is_numeric(session) {
        return number_text(IpAddr::V4(addr));
    }
    if addr.is_unspecified() {
        return match route.mask {
            Ipv4Addr::UNSPECIFIED => b"default".to_vec(),
            _ => number_text(IpAddr::V4(addr)),
        };
    }
    let has_host_bits = addr.to_bits() & !route.mask.to_bits() != 0;
    if has_host_bits || route.common.flags.contains(RouteFlags::HOST) {
        return host_text(session, IpAddr::V4(addr));
    }
    match session.names.network(addr) {
        Some(name) => session.shown(&name).into_owned(),
        None => number_text(IpAddr::V4(addr)),
    }
}
