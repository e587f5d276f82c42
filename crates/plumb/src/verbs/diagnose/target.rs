//! What a diagnosis is about, from the words of the command line.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use plumb_analyze::diagnose::Focus;
use plumb_model::sample::Sample;

/// Finds out what `target` means; `pid` is that of a command that was started.
pub(super) fn focus(
    target: Option<&str>,
    pid: Option<u32>,
    sample: &Sample,
) -> Result<Focus, String> {
    let mut focus = Focus {
        pids: pid.into_iter().collect(),
        ..Focus::default()
    };
    let Some(target) = target else {
        return Ok(focus);
    };
    if let Some(port) = target.strip_prefix(':') {
        let port = port.parse().map_err(|_| format!("{target} is no port"))?;
        focus.port = Some(port);
    } else if let Ok(pid) = target.parse() {
        focus.pids = vec![pid];
    } else {
        let named = pids_named(target, sample);
        if named.is_empty() {
            host(target, &mut focus)?;
        } else {
            focus.pids = named;
        }
    }
    Ok(focus)
}

fn pids_named(name: &str, sample: &Sample) -> Vec<u32> {
    let processes = &sample.snapshot.owners.processes;
    let named = processes
        .iter()
        .filter(|process| process.comm == name.as_bytes());
    named.map(|process| process.pid.0).collect()
}

/// Reads `HOST`, `HOST:PORT`, `ADDR`, `[ADDR]:PORT`; names are looked up.
fn host(target: &str, focus: &mut Focus) -> Result<(), String> {
    if let Ok(addr) = target.parse::<IpAddr>() {
        focus.hosts = vec![addr];
        return Ok(());
    }
    if let Ok(end) = target.parse::<SocketAddr>() {
        focus.hosts = vec![end.ip()];
        focus.port = Some(end.port());
        return Ok(());
    }
    let (name, port) = match target.rsplit_once(':') {
        Some((name, port)) => {
            let number = port.parse().map_err(|_| format!("{port} is no port"))?;
            (name, Some(number))
        }
        None => (target, None),
    };
    let found = (name, 0_u16).to_socket_addrs().map_err(|_| {
        format!("{target} is no process with sockets and no host that can be looked up")
    })?;
    focus.hosts = found.map(|end| end.ip()).collect();
    focus.port = port;
    Ok(())
}
