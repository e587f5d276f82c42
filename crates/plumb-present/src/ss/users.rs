//! ` users:(…)`: who holds a socket.
//!
//! Names come from processes and may hold anything. Before 7.0 they leave as they are, quotes, line
//! ends and escape sequences included; since then what is not printable ASCII is replaced.

use std::io::Write as _;

use plumb_model::attribution::How;
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

/// One process that holds a socket otherwise than by a descriptor of its own (`--all-owners`).
#[derive(Debug, Clone, Copy)]
pub struct Other<'a> {
    /// The process.
    pub pid: u32,
    /// Its name, raw bytes.
    pub name: &'a [u8],
    /// How it holds the socket.
    pub how: How,
}

/// Appends owners behind those that [`write_users`] wrote at the end of `out`, if it wrote any.
///
/// ```
/// use plumb_model::attribution::How;
/// use plumb_present::ss::users::{Other, write_others};
/// use plumb_present::ss::view::Release;
///
/// let mut out = b" users:((\"a\",pid=1,fd=3))".to_vec();
/// let how = How::ThreadDescriptor { tid: 9, fd: 4 };
/// let other = Other { pid: 7, name: b"b", how };
/// write_others(&mut out, true, [other], Release::DEFAULT);
/// assert_eq!(out, b" users:((\"a\",pid=1,fd=3),(\"b\",pid=7,tid=9,fd=4))");
/// ```
pub fn write_others<'a>(
    out: &mut Vec<u8>,
    follows_users: bool,
    others: impl IntoIterator<Item = Other<'a>>,
    release: Release,
) {
    let mut open = false;
    for other in others {
        if open || follows_users {
            if !open {
                out.pop();
            }
            out.push(b',');
        } else {
            out.extend_from_slice(b" users:(");
        }
        open = true;
        out.extend_from_slice(b"(\"");
        write_name(out, other.name, release);
        // Writing to a vector cannot fail.
        let _ = write!(out, "\",pid={}", other.pid);
        let _ = match other.how {
            How::Descriptor(fd) => write!(out, ",fd={fd}"),
            How::ThreadDescriptor { tid, fd } => write!(out, ",tid={tid},fd={fd}"),
            How::IoUring { ring_fd, slot } => write!(out, ",ring={ring_fd},slot={slot}"),
            How::InFlight { carrier } => write!(out, ",in-flight={}", carrier.0),
        };
        out.push(b')');
    }
    if open {
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
