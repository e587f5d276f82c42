//! A named stack as bytes.

use std::sync::Arc;

use plumb_model::stack::{Cut, Frame, Hint, How, Kind, Source, Stack};
use plumb_model::{Known, Reason};

use super::bytes::{MAX_TEXT, at, place, put_bytes, put_text, put_u32, put_u64};
use super::{Broken, MAX_PAYLOAD, Reader};

/// Frames of a stack at most; outer ones are left out, and the stack is too deep then.
const MAX_FRAMES: usize = 512;
/// Bytes that a frame has at most.
const MAX_FRAME: usize = 3 * (MAX_TEXT + 2) + 32;
/// Bytes of frames at most: the number, the head and one more frame always fit.
const MAX_BYTES: usize = MAX_PAYLOAD / 2 - MAX_FRAME;

const KINDS: [Kind; 4] = [Kind::Native, Kind::Jit, Kind::Interpreted, Kind::Kernel];
const HOWS: [How; 4] = [
    How::Tables,
    How::FramePointers,
    How::Mixed,
    How::AddressOnly,
];
const CUTS: [Cut; 8] = [
    Cut::CopyEnded,
    Cut::ProcessEnded,
    Cut::PermissionDenied,
    Cut::NoUnwindInfo,
    Cut::Inconsistent,
    Cut::RegisterUnknown,
    Cut::TooDeep,
    Cut::NotCaptured,
];
const HINTS: [Hint; 4] = [
    Hint::PythonNotReadable,
    Hint::NodeWithoutPerfMap,
    Hint::JavaWithoutPerfMap,
    Hint::JitWithoutPerfMap,
];
/// Sent for nothing.
const NONE: u8 = u8::MAX;

/// Appends a stack.
pub(super) fn put(out: &mut Vec<u8>, stack: &Stack) {
    let mut frames = Vec::new();
    let mut count = 0_u16;
    for frame in stack.frames.iter().take(MAX_FRAMES) {
        if frames.len() > MAX_BYTES {
            break;
        }
        put_frame(&mut frames, frame);
        count += 1;
    }
    let cut = if usize::from(count) < stack.frames.len() {
        Some(Cut::TooDeep)
    } else {
        stack.cut
    };
    out.push(place(&HOWS, &stack.how));
    out.push(cut.map_or(NONE, |cut| place(&CUTS, &cut)));
    out.push(stack.hint.map_or(NONE, |hint| place(&HINTS, &hint)));
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&frames);
}

/// Reads a stack.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Stack, Broken> {
    let how = at(&HOWS, reader.u8()?)?;
    let cut = maybe(&CUTS, reader.u8()?)?;
    let hint = maybe(&HINTS, reader.u8()?)?;
    let count = usize::from(reader.u16()?);
    if count > MAX_FRAMES {
        return Err(Broken);
    }
    let frames = (0..count).map(|_| decode_frame(reader));
    Ok(Stack {
        frames: frames.collect::<Result<_, _>>()?,
        how,
        cut,
        hint,
    })
}

fn put_frame(out: &mut Vec<u8>, frame: &Frame) {
    out.push(place(&KINDS, &frame.kind));
    put_known(out, &frame.function, |out, text| put_text(out, text));
    put_known(out, &frame.source, |out, source| {
        put_text(out, &source.file);
        put_u32(out, source.line);
    });
    put_known(out, &frame.module, |out, path| put_bytes(out, path));
    put_u64(out, frame.module_offset);
    out.push(u8::from(frame.inlined));
}

fn decode_frame(reader: &mut Reader<'_>) -> Result<Frame, Broken> {
    Ok(Frame {
        kind: at(&KINDS, reader.u8()?)?,
        function: known(reader, Reader::text)?,
        source: known(reader, |reader| {
            Ok(Source {
                file: reader.text()?,
                line: reader.u32()?,
            })
        })?,
        module: known(reader, |reader| reader.bytes().map(Arc::from))?,
        module_offset: reader.u64()?,
        inlined: reader.u8()? != 0,
    })
}

fn put_known<T>(out: &mut Vec<u8>, value: &Known<T>, put: impl FnOnce(&mut Vec<u8>, &T)) {
    match value {
        Known::Known(value) => {
            out.push(NONE);
            put(out, value);
        }
        // A reason that is not in the table is the recorder's own business.
        Known::Unknown(reason) => match place(&Reason::ALL, reason) {
            NONE => out.push(place(&Reason::ALL, &Reason::NotInSource)),
            place => out.push(place),
        },
    }
}

fn known<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Broken>,
) -> Result<Known<T>, Broken> {
    match reader.u8()? {
        NONE => read(reader).map(Known::Known),
        place => at(&Reason::ALL, place).map(Known::Unknown),
    }
}

fn maybe<T: Copy>(table: &[T], place: u8) -> Result<Option<T>, Broken> {
    match place {
        NONE => Ok(None),
        place => at(table, place).map(Some),
    }
}
