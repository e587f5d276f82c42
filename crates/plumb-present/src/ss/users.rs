//! ` users:(…)`: who holds a socket.
//!
//! Names come from processes and may hold anything. Before 7.0 they leave as they are, quotes, line
//! ends and escape sequences included; since then what is not printable ASCII is replaced.

use std::io::Write as _;

use plumb_model::holder::Holder;

use super::view::Release;

/// Which security contexts an entry shows (-Z, -z).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contexts {
    /// None.
    #[default]
    None,
    /// Those of processes (-Z).
    Processes,
    /// Those of processes and sockets (-z).
    ProcessesAndSockets,
}

/// How entries look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// -T: thread ids.
    pub threads: bool,
    /// -Z or -z.
    pub contexts: Contexts,
    /// The release to imitate.
    pub release: Release,
}

/// What stands where a context cannot be read.
pub const UNAVAILABLE: &[u8] = b"unavailable";

/// Appends ` users:(…)`, or nothing when there is no holder.
///
/// ```
/// use plumb_model::holder::Holder;
/// use plumb_present::ss::users::{Contexts, Style, write_users};
/// use plumb_present::ss::view::Release;
///
/// let holder = Holder {
///     pid: 7,
///     tid: 7,
///     fd: 3,
///     name: b"sshd",
///     process_context: None,
///     socket_context: None,
/// };
/// let style = Style {
///     threads: false,
///     contexts: Contexts::None,
///     release: Release::DEFAULT,
/// };
/// let mut out = Vec::new();
/// write_users(&mut out, [holder, holder], style);
/// assert_eq!(out, b" users:((\"sshd\",pid=7,fd=3),(\"sshd\",pid=7,fd=3))");
/// ```
pub fn write_users<'a>(
    out: &mut Vec<u8>,
    holders: impl IntoIterator<Item = Holder<'a>>,
    style: Style,
) {
    let mut any = false;
    for holder in holders {
        out.extend_from_slice(if any { b"," } else { b" users:(" });
        any = true;
        write_entry(out, &holder, style);
    }
    if any {
        out.push(b')');
    }
}

fn write_entry(out: &mut Vec<u8>, holder: &Holder<'_>, style: Style) {
    out.extend_from_slice(b"(\"");
    write_name(out, holder.name, style.release);
    out.push(b'"');
    // Writing to a vector cannot fail.
    let _ = write!(out, ",pid={}", holder.pid);
    if style.threads {
        let _ = write!(out, ",tid={}", holder.tid);
    }
    if style.contexts != Contexts::None {
        out.extend_from_slice(b",proc_ctx=");
        out.extend_from_slice(holder.process_context.unwrap_or(UNAVAILABLE));
    }
    let _ = write!(out, ",fd={}", holder.fd);
    if style.contexts == Contexts::ProcessesAndSockets {
        out.extend_from_slice(b",sock_ctx=");
        out.extend_from_slice(holder.socket_context.unwrap_or(UNAVAILABLE));
    }
    out.push(b')');
}

/// Appends the name of a process as the release does.
fn write_name(out: &mut Vec<u8>, name: &[u8], release: Release) {
    if !release.since(7, 0) {
        out.extend_from_slice(name);
        return;
    }
    out.extend(name.iter().map(|&byte| match byte {
        b' '..=b'~' => byte,
        0x80.. => b'?',
        _ => b'.',
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(style: Style) -> String {
        let holders = [
            Holder {
                pid: 12,
                tid: 13,
                fd: 4,
                name: b"a\"\\\n\x1b\x7f\xc3\xa9",
                process_context: Some(b"u:r:t:s0"),
                socket_context: None,
            },
            Holder {
                pid: 12,
                tid: 12,
                fd: 3,
                name: b"",
                process_context: None,
                socket_context: Some(b"u:r:s:s0"),
            },
        ];
        let mut out = Vec::new();
        write_users(&mut out, holders, style);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn names_are_raw_until_they_are_escaped() {
        let style = Style {
            threads: false,
            contexts: Contexts::None,
            release: Release::DEFAULT,
        };
        assert_eq!(
            text(style),
            " users:((\"a\"\\\n\x1b\x7f\u{e9}\",pid=12,fd=4),(\"\",pid=12,fd=3))"
        );
        let style = Style {
            release: Release::new(7, 0),
            ..style
        };
        assert_eq!(
            text(style),
            " users:((\"a\"\\...??\",pid=12,fd=4),(\"\",pid=12,fd=3))"
        );
    }

    #[test]
    fn thread_and_contexts_stand_before_the_descriptor() {
        let mut style = Style {
            threads: true,
            contexts: Contexts::Processes,
            release: Release::NEWEST,
        };
        assert_eq!(
            text(style),
            " users:((\"a\"\\...??\",pid=12,tid=13,proc_ctx=u:r:t:s0,fd=4),\
             (\"\",pid=12,tid=12,proc_ctx=unavailable,fd=3))"
        );
        style.contexts = Contexts::ProcessesAndSockets;
        style.threads = false;
        assert_eq!(
            text(style),
            " users:((\"a\"\\...??\",pid=12,proc_ctx=u:r:t:s0,fd=4,sock_ctx=unavailable),\
             (\"\",pid=12,proc_ctx=unavailable,fd=3,sock_ctx=u:r:s:s0))"
        );
    }

    #[test]
    fn a_socket_nobody_holds_shows_nothing() {
        let style = Style {
            threads: true,
            contexts: Contexts::None,
            release: Release::DEFAULT,
        };
        let mut out = Vec::new();
        write_users(&mut out, [], style);
        assert_eq!(out, b"");
    }
}
