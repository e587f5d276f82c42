//! Which code made a socket, as lines below its row. Names come from outside, and pass the sanitiser wherever they
//! go: a line must stay one.

use std::sync::Arc;

use plumb_model::creation::{Answer, Creation};
use plumb_model::stack::Stack;

use super::stack;
use crate::sanitize::for_terminal;

/// What stands before a line, and before a frame.
const INDENT: &str = "        ";
const DEEPER: &str = "          ";

/// Appends the lines; `time` writes microseconds since 1970 for people.
pub fn write_lines(out: &mut Vec<u8>, answer: &Answer<Arc<Stack>>, time: impl Fn(u64) -> String) {
    match &answer.made {
        Ok(creation) => {
            put(out, INDENT, &made(creation, &time));
            put_code(out, creation.code.as_deref());
        }
        Err(absence) => {
            let text = format!("(not known who made it: {})", absence.words());
            put(out, INDENT, text.as_bytes());
        }
    }
    let moments = [
        ("bound by bind()", &answer.bound),
        ("told of the end by recv()", &answer.told),
    ];
    for (what, moment) in moments {
        if let Some(moment) = moment {
            let text = format!("{what} at {}", time(moment.time_us));
            put(out, INDENT, text.as_bytes());
            put_code(out, moment.code.as_deref());
        }
    }
}

/// `connect() by leak, process 42, at 2026-11-26T11:00:00Z`; the thread where it is not the first.
fn made(creation: &Creation<Arc<Stack>>, time: &impl Fn(u64) -> String) -> Vec<u8> {
    let mut text = format!("{}()", creation.how.word()).into_bytes();
    if !creation.comm.is_empty() {
        text.extend_from_slice(b" by ");
        text.extend_from_slice(&creation.comm);
    }
    let first = creation.pid.map(|pid| pid.0);
    let process = first.map(|pid| format!(", process {pid}"));
    let thread = creation.tid.filter(|tid| first != Some(*tid));
    let thread = thread.map(|tid| format!(", thread {tid}"));
    let at = format!(", at {}", time(creation.time_us));
    for part in process.into_iter().chain(thread).chain([at]) {
        text.extend_from_slice(part.as_bytes());
    }
    text
}

fn put_code(out: &mut Vec<u8>, code: Option<&Stack>) {
    match code {
        Some(code) => {
            for line in stack::lines(code) {
                put(out, DEEPER, line.as_bytes());
            }
        }
        None => put(out, DEEPER, b"(its stack was lost)"),
    }
}

fn put(out: &mut Vec<u8>, indent: &str, text: &[u8]) {
    out.extend_from_slice(indent.as_bytes());
    out.extend_from_slice(&for_terminal(text));
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use plumb_model::creation::{Absence, How, Moment};
    use plumb_model::id::Pid;
    use plumb_model::stack::{self, Frame, Kind, Source};
    use plumb_model::{Known, Reason};

    use super::*;

    fn lines(answer: &Answer<Arc<Stack>>) -> String {
        let mut out = Vec::new();
        write_lines(&mut out, answer, |us| format!("<{us}>"));
        String::from_utf8(out).expect("it is text")
    }

    fn code(function: &str) -> Arc<Stack> {
        Arc::new(Stack {
            frames: vec![Frame {
                kind: Kind::Native,
                function: Known::Known(function.to_owned()),
                source: Known::Known(Source {
                    file: "/src/leak.c".to_owned(),
                    line: 31,
                }),
                module: Known::Unknown(Reason::NotInSource),
                module_offset: 0,
                inlined: false,
            }],
            how: stack::How::Tables,
            cut: None,
            hint: None,
        })
    }

    fn creation(comm: &[u8], tid: u32) -> Creation<Arc<Stack>> {
        Creation {
            how: How::Connect,
            time_us: 5,
            pid: Some(Pid(42)),
            tid: Some(tid),
            comm: comm.to_vec(),
            code: Some(code("leak_here")),
        }
    }

    #[test]
    fn who_made_it_and_who_was_told_of_the_end() {
        let answer = Answer {
            made: Ok(creation(b"leak", 42)),
            bound: Some(Moment {
                time_us: 7,
                code: Some(code("serve")),
            }),
            told: Some(Moment {
                time_us: 9,
                code: None,
            }),
        };
        assert_eq!(
            lines(&answer),
            "        connect() by leak, process 42, at <5>\n          leak_here (leak.c:31)\n        \
             bound by bind() at <7>\n          serve (leak.c:31)\n        \
             told of the end by recv() at <9>\n          (its stack was lost)\n"
        );
    }

    #[test]
    fn names_of_others_stay_in_their_line() {
        let answer = Answer {
            made: Ok(creation(b"a\n\x1b[2J", 43)),
            bound: None,
            told: None,
        };
        let text = lines(&answer);
        assert!(
            text.starts_with(
                "        connect() by a\\x0a\\x1b[2J, process 42, thread 43, at <5>\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_known_is_one_line_with_the_reason() {
        assert_eq!(
            lines(&Answer::unknown(Absence::Older)),
            "        (not known who made it: older than the recorder)\n"
        );
    }
}
