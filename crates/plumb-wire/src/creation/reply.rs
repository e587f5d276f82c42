//! What the recorder says.

use plumb_model::creation::{Absence, Answer, Creation, How, Moment, Recorder};
use plumb_model::id::Pid;
use plumb_model::stack::Stack;

use super::bytes::{at, place, put_option, put_text, put_u32, put_u64};
use super::{Broken, Reader, put_bytes, put_frame, stack};

const WELCOME: u8 = 0x81;
const REFUSED: u8 = 0x82;
const STACK: u8 = 0x83;
const ANSWERS: u8 = 0x84;
const DONE: u8 = 0x85;
const WAIT: u8 = 0x86;

/// Answers of one frame at most.
pub const MAX_ANSWERS: usize = 512;
/// Reasons of an introduction at most.
const MAX_REASONS: usize = 64;
/// Bytes of a thread's name at most: the kernel has 16.
const MAX_COMM: usize = 64;

const HOWS: [How; 4] = [How::Connect, How::Accept, How::Listen, How::Socket];
/// Those that a recorder gives; others are a client's own.
const ABSENCES: [Absence; 6] = [
    Absence::Older,
    Absence::NotAccepted,
    Absence::NotFollowed,
    Absence::NotRecorded,
    Absence::Lost,
    Absence::NoCookie,
];
const REFUSALS: [Refusal; 3] = [Refusal::NotServed, Refusal::Busy, Refusal::Version];

/// What the recorder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The client is served; who serves it.
    Welcome(Recorder),
    /// It is not; the connection ends.
    Refused(Refusal),
    /// A stack, by the number that answers name it with on this connection.
    Stack(u32, Box<Stack>),
    /// Answers to the next keys of the question; code is the number of a stack.
    Answers(Vec<Answer<u32>>),
    /// All keys are answered; what the recorder has lost until now.
    Done(Recorder),
    /// Stacks are being named: the recorder is alive.
    Wait,
}

/// Why a client is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It is another user's.
    NotServed,
    /// Too many others are served.
    Busy,
    /// It speaks another version.
    Version,
}

impl Reply {
    /// Decodes the payload of a frame.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, Broken> {
        let mut reader = Reader(payload);
        let reply = match kind {
            WELCOME => Self::Welcome(decode_recorder(&mut reader)?),
            DONE => Self::Done(decode_recorder(&mut reader)?),
            REFUSED => Self::Refused(at(&REFUSALS, reader.u8()?)?),
            STACK => Self::Stack(reader.u32()?, Box::new(stack::decode(&mut reader)?)),
            ANSWERS => {
                let count = usize::from(reader.u16()?);
                if count > MAX_ANSWERS {
                    return Err(Broken);
                }
                let answers = (0..count).map(|_| decode_answer(&mut reader));
                Self::Answers(answers.collect::<Result<_, _>>()?)
            }
            WAIT => Self::Wait,
            _ => return Err(Broken),
        };
        reader.finish(reply)
    }
}

/// Appends that the client is served.
pub fn put_welcome(out: &mut Vec<u8>, recorder: &Recorder) {
    put_frame(out, WELCOME, |out| put_recorder(out, recorder));
}

/// Appends that the client is not served.
pub fn put_refused(out: &mut Vec<u8>, why: Refusal) {
    put_frame(out, REFUSED, |out| out.push(place(&REFUSALS, &why)));
}

/// Appends a stack that [`encode_stack`] made.
pub fn put_stack(out: &mut Vec<u8>, number: u32, encoded: &[u8]) {
    put_frame(out, STACK, |out| {
        put_u32(out, number);
        out.extend_from_slice(encoded);
    });
}

/// Encodes a stack, which may be sent again and again.
pub fn encode_stack(stack: &Stack) -> Vec<u8> {
    let mut out = Vec::new();
    stack::put(&mut out, stack);
    out
}

/// Appends answers, of which there are at most [`MAX_ANSWERS`].
pub fn put_answers(out: &mut Vec<u8>, answers: &[Answer<u32>]) {
    let answers = answers.get(..MAX_ANSWERS).unwrap_or(answers);
    put_frame(out, ANSWERS, |out| {
        let count = u16::try_from(answers.len()).unwrap_or(0);
        out.extend_from_slice(&count.to_le_bytes());
        for answer in answers {
            put_answer(out, answer);
        }
    });
}

/// Appends that all keys are answered.
pub fn put_done(out: &mut Vec<u8>, recorder: &Recorder) {
    put_frame(out, DONE, |out| put_recorder(out, recorder));
}

/// Appends that the recorder is alive.
pub fn put_wait(out: &mut Vec<u8>) {
    put_frame(out, WAIT, |_| {});
}

fn put_answer(out: &mut Vec<u8>, answer: &Answer<u32>) {
    match &answer.made {
        Err(absence) => {
            // One that is not in the table is none of a recorder's.
            let known = ABSENCES.contains(absence);
            let absence = if known { absence } else { &Absence::Lost };
            out.extend_from_slice(&[0, place(&ABSENCES, absence)]);
        }
        Ok(creation) => {
            out.extend_from_slice(&[1, place(&HOWS, &creation.how)]);
            put_u64(out, creation.time_us);
            put_option(out, creation.pid, |out, pid| put_u32(out, pid.0));
            put_option(out, creation.tid, put_u32);
            let comm = &creation.comm;
            put_bytes(out, comm.get(..MAX_COMM).unwrap_or(comm));
            put_option(out, creation.code, put_u32);
        }
    }
    for moment in [&answer.bound, &answer.told] {
        put_option(out, moment.as_ref(), |out, moment| {
            put_u64(out, moment.time_us);
            put_option(out, moment.code, put_u32);
        });
    }
}

fn decode_answer(reader: &mut Reader<'_>) -> Result<Answer<u32>, Broken> {
    let made = match reader.u8()? {
        0 => Err(at(&ABSENCES, reader.u8()?)?),
        1 => Ok(Creation {
            how: at(&HOWS, reader.u8()?)?,
            time_us: reader.u64()?,
            pid: reader.option(Reader::u32)?.map(Pid),
            tid: reader.option(Reader::u32)?,
            comm: reader.bytes()?.to_vec(),
            code: reader.option(Reader::u32)?,
        }),
        _ => return Err(Broken),
    };
    Ok(Answer {
        made,
        bound: reader.option(decode_moment)?,
        told: reader.option(decode_moment)?,
    })
}

fn decode_moment(reader: &mut Reader<'_>) -> Result<Moment<u32>, Broken> {
    Ok(Moment {
        time_us: reader.u64()?,
        code: reader.option(Reader::u32)?,
    })
}

fn put_recorder(out: &mut Vec<u8>, recorder: &Recorder) {
    put_u32(out, recorder.pid);
    put_u64(out, recorder.since_us);
    put_text(out, &recorder.scope);
    put_option(out, recorder.group, put_u32);
    put_u64(out, recorder.sockets);
    let reasons = recorder.reasons.iter().take(MAX_REASONS);
    out.push(u8::try_from(reasons.len()).unwrap_or(0));
    for reason in reasons {
        put_text(out, reason);
    }
}

fn decode_recorder(reader: &mut Reader<'_>) -> Result<Recorder, Broken> {
    let mut recorder = Recorder {
        pid: reader.u32()?,
        since_us: reader.u64()?,
        scope: reader.text()?,
        group: reader.option(Reader::u32)?,
        sockets: reader.u64()?,
        reasons: Vec::new(),
    };
    for _ in 0..reader.u8()? {
        recorder.reasons.push(reader.text()?);
    }
    Ok(recorder)
}
