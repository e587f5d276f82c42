//! What to worry about, and what to do.

use plumb_analyze::ports::Range;

use super::row::{FULL_PERCENT, NEAR_PERCENT, Row, Warning};

/// Fewer ports than these are few for a busy host; the usual range has 28 232.
const FEW_PORTS: u32 = 10_000;

/// Says what is worth a warning.
pub fn warnings(rows: &[Row], range: &Range, idle: &[String]) -> Vec<Warning> {
    let mut all: Vec<Warning> = rows.iter().filter_map(near).collect();
    all.extend(rows.iter().filter_map(too_fast));
    all.extend(rows.iter().filter_map(own_range));
    if !idle.is_empty() {
        all.push(Warning {
            id: "bound-without-connection",
            text: format!(
                "{} TCP sockets have a port of the range for themselves without listening or being connected ({}): \
                 bind() to port 0 takes it from every destination; IP_BIND_ADDRESS_NO_PORT leaves the choice \
                 to connect()",
                idle.len(),
                first_of(idle)
            ),
        });
    }
    if range.size() < FEW_PORTS {
        all.push(Warning {
            id: "small-range",
            text: format!(
                "net.ipv4.ip_local_port_range gives {} ports ({} to {}, {} reserved), for each destination",
                range.size(),
                range.first,
                range.last,
                u32::from(range.last.saturating_sub(range.first)) + 1 - range.size()
            ),
        });
    }
    all
}

fn first_of(idle: &[String]) -> &str {
    idle.first().map_or("-", String::as_str)
}

fn name(row: &Row) -> String {
    match (&row.source, &row.destination) {
        (Some(source), Some(destination)) => format!("from {source} to {destination}"),
        _ => String::from("for UDP"),
    }
}

fn near(row: &Row) -> Option<Warning> {
    if row.percent < NEAR_PERCENT {
        return None;
    }
    let full = row.percent >= FULL_PERCENT;
    let mut text = format!(
        "{} ports {}: {} of {} cannot be taken",
        if full { "no" } else { "few" },
        name(row),
        row.blocked,
        row.capacity
    );
    if full {
        text.push_str(", connect() fails with EADDRNOTAVAIL");
    }
    if row.time_wait * 2 > row.in_use && !row.time_wait_reusable {
        text.push_str(
            "; most wait in TIME_WAIT: keep connections and use them again, let the peer close first, or set \
             net.ipv4.tcp_tw_reuse=1",
        );
    } else {
        text.push_str(
            "; keep fewer connections, use more source or destination addresses, or widen \
             net.ipv4.ip_local_port_range",
        );
    }
    Some(Warning {
        id: if full {
            "exhausted"
        } else {
            "nearly-exhausted"
        },
        text,
    })
}

/// What looks like plenty of ports is not, where a program allows itself fewer.
fn own_range(row: &Row) -> Option<Warning> {
    let own = row.own_range?;
    let who = row.processes.first();
    let who = who.map_or_else(
        || String::from("the program"),
        |holder| format!("{} (pid {})", holder.name, holder.pid),
    );
    Some(Warning {
        id: "own-range",
        text: format!(
            "{who} allows its sockets {} ports alone {}: {} to {} (IP_LOCAL_PORT_RANGE)",
            row.capacity,
            name(row),
            own.first,
            own.last
        ),
    })
}

/// Every new connection keeps its port for a minute after its end, so a pace has a limit.
fn too_fast(row: &Row) -> Option<Warning> {
    let (pace, most) = (row.new_per_s?, row.sustainable_per_s?);
    (pace > most).then(|| Warning {
        id: "pace-too-high",
        text: format!(
            "{pace:.1} new connections per second {}: TIME_WAIT lets {most:.1} go on for ever",
            name(row)
        ),
    })
}
