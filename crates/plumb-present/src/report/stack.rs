//! A user stack as text: one line for a table, or a line for each frame.

use plumb_model::Known;
use plumb_model::stack::{Frame, Stack};

/// Frames shown in one line at most; the rest is in JSON and in the long form.
const SHORT_FRAMES: usize = 3;

/// Says in one line which code it was: `open_pool (pool.c:31) < rpc < main`, from the function of interest
/// outwards.
pub fn short(stack: &Stack) -> String {
    let Some(first) = stack.caller_of_interest() else {
        return String::from("(no stack)");
    };
    let at = stack
        .frames
        .iter()
        .position(|frame| std::ptr::eq(frame, first));
    let frames = stack.frames.get(at.unwrap_or(0)..).unwrap_or(&[]);
    let mut parts: Vec<String> = Vec::new();
    for (place, frame) in frames.iter().take(SHORT_FRAMES).enumerate() {
        parts.push(if place == 0 {
            long_name(frame)
        } else {
            name(frame)
        });
    }
    parts.join(" < ")
}

/// Says every frame in a line of its own, innermost first, and what is missing in the last.
pub fn lines(stack: &Stack) -> Vec<String> {
    let mut lines: Vec<String> = stack.frames.iter().map(long_name).collect();
    if let Some(cut) = stack.cut {
        lines.push(format!("(the rest is not known: {})", cut.word()));
    }
    if let Some(hint) = stack.hint {
        lines.push(format!("({})", hint.remedy()));
    }
    lines
}

fn long_name(frame: &Frame) -> String {
    match &frame.source {
        Known::Known(source) => {
            let file = source.file.rsplit('/').next().unwrap_or(&source.file);
            format!("{} ({file}:{})", name(frame), source.line)
        }
        Known::Unknown(_) => name(frame),
    }
}

/// The function, or module and offset.
fn name(frame: &Frame) -> String {
    match (&frame.function, frame.module_name()) {
        (Known::Known(function), _) => function.clone(),
        (Known::Unknown(_), Some(module)) => {
            format!(
                "{}+{:#x}",
                String::from_utf8_lossy(module),
                frame.module_offset
            )
        }
        (Known::Unknown(_), None) => format!("{:#x}", frame.module_offset),
    }
}
