//! A user stack in JSON: the frames innermost first, and what is missing.

use plumb_model::Known;
use plumb_model::stack::{Frame, Stack};
use serde::Serialize;

use super::text;

/// A stack.
#[derive(Debug, Clone, Serialize)]
pub struct StackObject {
    /// The function people would say did it.
    function: Option<String>,
    /// The frames, innermost first; an inlined function before the one it is in.
    frames: Vec<FrameObject>,
    /// How they were found.
    how: &'static str,
    /// Why the outermost are missing; `null` if none is.
    cut: Option<&'static str>,
    /// What a runtime hides.
    hint: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct FrameObject {
    function: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    module: Option<String>,
    module_offset: u64,
    kind: &'static str,
    inlined: bool,
}

impl From<&Stack> for StackObject {
    fn from(stack: &Stack) -> Self {
        Self {
            function: stack
                .caller_of_interest()
                .and_then(|frame| frame.function.clone().ok()),
            frames: stack.frames.iter().map(FrameObject::from).collect(),
            how: stack.how.word(),
            cut: stack.cut.map(plumb_model::stack::Cut::word),
            hint: stack.hint.map(plumb_model::stack::Hint::word),
        }
    }
}

impl From<&Frame> for FrameObject {
    fn from(frame: &Frame) -> Self {
        let source = frame.source.clone().ok();
        let module = match &frame.module {
            Known::Known(path) => Some(text(path)),
            Known::Unknown(_) => None,
        };
        Self {
            function: frame.function.clone().ok(),
            line: source.as_ref().map(|source| source.line),
            file: source.map(|source| source.file),
            module,
            module_offset: frame.module_offset,
            kind: frame.kind.word(),
            inlined: frame.inlined,
        }
    }
}
