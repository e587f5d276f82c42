//! What a recorder in the background and its clients say to each other: each side reads what the other, or
//! somebody who only claims to be the other, wrote.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::creation::{
    Frame, MAX_ANSWERS, MAX_KEYS, MAX_PAYLOAD, Reply, Request, encode_stack, put_answers, put_ask,
    put_stack, take_frame,
};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some(Frame { kind, payload, len })) = take_frame(rest) {
        assert!(payload.len() <= MAX_PAYLOAD);
        check(kind, payload);
        rest = &rest[len..];
    }
    if let Some((kind, payload)) = bytes.split_first() {
        check(*kind, payload);
    }
});

/// What could be read is written again, and read as the same.
fn check(kind: u8, payload: &[u8]) {
    let mut out = Vec::new();
    let request = Request::decode(kind, payload);
    if let Ok(Request::Ask(keys)) = &request {
        assert!(keys.len() <= MAX_KEYS);
        put_ask(&mut out, keys);
        let Frame { kind, payload, .. } = take_frame(&out).unwrap().unwrap();
        assert_eq!(Request::decode(kind, payload), request);
        out.clear();
    }
    let reply = Reply::decode(kind, payload);
    match &reply {
        // Names of threads are cut when they are written.
        Ok(Reply::Answers(answers)) => {
            assert!(answers.len() <= MAX_ANSWERS);
            put_answers(&mut out, answers);
        }
        Ok(Reply::Stack(number, stack)) => put_stack(&mut out, *number, &encode_stack(stack)),
        _ => return,
    }
    let Frame { kind, payload, .. } = take_frame(&out).unwrap().unwrap();
    assert!(Reply::decode(kind, payload).is_ok());
}
