//! What is written is read again, and nothing that is read can do harm.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use plumb_model::creation::{Absence, Answer, Creation, How, Key, Moment, Recorder};
use plumb_model::event::Ends;
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::stack::{self, Cut, Frame, Hint, Kind, Source, Stack};
use plumb_model::{Known, Reason};
use proptest::prelude::*;

use super::*;

fn ends() -> impl Strategy<Value = Ends> {
    any::<(u8, IpAddr, u16, IpAddr, u16)>().prop_map(|(protocol, local, port, peer, other)| Ends {
        protocol,
        local: SocketAddr::new(local, port),
        peer: SocketAddr::new(peer, other),
    })
}

fn key() -> impl Strategy<Value = Key> {
    (any::<(u64, u64)>(), ends()).prop_map(|((cookie, netns), ends)| Key {
        cookie: Cookie(cookie),
        netns: NetnsId(netns),
        ends,
    })
}

fn answer() -> impl Strategy<Value = Answer<u32>> {
    let moment = || any::<Option<(u64, Option<u32>)>>();
    let who = any::<(u64, Option<u32>, Option<u32>, Option<u32>)>();
    let comm = prop::collection::vec(any::<u8>(), 0..16);
    let made = (0..4_usize, who, comm).prop_map(|(how, who, comm)| Creation {
        how: [How::Connect, How::Accept, How::Listen, How::Socket][how],
        time_us: who.0,
        pid: who.1.map(Pid),
        tid: who.2,
        comm,
        code: who.3,
    });
    let made = prop_oneof![
        made.prop_map(Ok),
        Just(Err(Absence::Older)),
        Just(Err(Absence::Lost))
    ];
    (made, moment(), moment()).prop_map(|(made, bound, told)| Answer {
        made,
        bound: bound.map(|(time_us, code)| Moment { time_us, code }),
        told: told.map(|(time_us, code)| Moment { time_us, code }),
    })
}

fn frame() -> impl Strategy<Value = Frame> {
    let source = any::<Option<(String, u32)>>();
    (any::<Option<String>>(), source, any::<(u64, bool)>()).prop_map(
        |(name, source, (at, inlined))| Frame {
            kind: Kind::Native,
            module: match &name {
                Some(name) => Known::Known(Arc::from(name.as_bytes())),
                None => Known::Unknown(Reason::NotInSource),
            },
            function: name.map_or(Known::Unknown(Reason::NoSymbols), Known::Known),
            source: source.map_or(Known::Unknown(Reason::NoSymbols), |(file, line)| {
                Known::Known(Source { file, line })
            }),
            module_offset: at,
            inlined,
        },
    )
}

fn stack() -> impl Strategy<Value = Stack> {
    (prop::collection::vec(frame(), 0..20), any::<(bool, bool)>()).prop_map(
        |(frames, (cut, hint))| Stack {
            frames,
            how: stack::How::Mixed,
            cut: cut.then_some(Cut::CopyEnded),
            hint: hint.then_some(Hint::NodeWithoutPerfMap),
        },
    )
}

fn recorder() -> impl Strategy<Value = Recorder> {
    let reasons = prop::collection::vec(any::<String>(), 0..5);
    (any::<(u32, u64, String, Option<u32>, u64)>(), reasons).prop_map(|(of, reasons)| Recorder {
        pid: of.0,
        since_us: of.1,
        scope: of.2,
        group: of.3,
        sockets: of.4,
        reasons,
    })
}

/// Reads the one reply that was written.
fn reply(write: impl FnOnce(&mut Vec<u8>)) -> Reply {
    let mut out = Vec::new();
    write(&mut out);
    let frame = take_frame(&out).expect("it fits").expect("it is whole");
    assert_eq!(frame.len, out.len());
    Reply::decode(frame.kind, frame.payload).expect("it is ours")
}

proptest! {
    #[test]
    fn questions_come_as_they_were_asked(keys in prop::collection::vec(key(), 0..50)) {
        let mut out = Vec::new();
        put_ask(&mut out, &keys);
        let frame = take_frame(&out).expect("it fits").expect("it is whole");
        prop_assert_eq!(Request::decode(frame.kind, frame.payload), Ok(Request::Ask(keys)));
        prop_assert_eq!(take_frame(&out[..out.len() - 1]), Ok(None));
    }

    #[test]
    fn answers_come_as_they_were_given(answers in prop::collection::vec(answer(), 0..50)) {
        let came = reply(|out| put_answers(out, &answers));
        prop_assert_eq!(came, Reply::Answers(answers));
    }

    #[test]
    fn stacks_come_as_they_were_sent(stack in stack(), number: u32) {
        let came = reply(|out| put_stack(out, number, &encode_stack(&stack)));
        prop_assert_eq!(came, Reply::Stack(number, Box::new(stack)));
    }

    #[test]
    fn introductions_come_as_they_were_made(recorder in recorder()) {
        prop_assert_eq!(reply(|out| put_welcome(out, &recorder)), Reply::Welcome(recorder.clone()));
        prop_assert_eq!(reply(|out| put_done(out, &recorder)), Reply::Done(recorder));
    }

    #[test]
    fn no_bytes_do_harm(bytes: Vec<u8>, kind: u8) {
        let _ = Request::decode(kind, &bytes);
        let _ = Reply::decode(kind, &bytes);
        if let Ok(Some(frame)) = take_frame(&bytes) {
            prop_assert!(frame.payload.len() < frame.len && frame.len <= bytes.len());
        }
    }
}

#[test]
fn a_frame_that_claims_too_much_is_broken_before_it_is_whole() {
    let len = u32::try_from(MAX_PAYLOAD + 1)
        .expect("it is small")
        .to_le_bytes();
    assert_eq!(take_frame(&[len.as_slice(), &[2]].concat()), Err(Broken));
}

#[test]
fn a_question_of_too_many_keys_is_broken() {
    assert_eq!(Request::decode(2, &[0xff, 0xff]), Err(Broken));
}

/// Names as long as they may be, more frames than are sent: what comes is cut, says so, and fits.
#[test]
fn a_stack_that_is_too_large_is_cut_and_says_so() {
    let long = "ä".repeat(5000);
    let frame = Frame {
        kind: Kind::Jit,
        function: Known::Known(long.clone()),
        source: Known::Known(Source {
            file: long,
            line: 1,
        }),
        module: Known::Unknown(Reason::NotInSource),
        module_offset: 7,
        inlined: false,
    };
    let stack = Stack {
        frames: vec![frame; 600],
        how: stack::How::Tables,
        cut: None,
        hint: None,
    };
    let Reply::Stack(1, came) = reply(|out| put_stack(out, 1, &encode_stack(&stack))) else {
        panic!("a stack was sent");
    };
    assert_eq!(came.cut, Some(Cut::TooDeep));
    assert!(
        came.frames.len() > 10 && came.frames.len() < 600,
        "{}",
        came.frames.len()
    );
    let name = came
        .frames
        .first()
        .and_then(|frame| frame.function.clone().ok());
    assert_eq!(name, Some("ä".repeat(2048)));
}
