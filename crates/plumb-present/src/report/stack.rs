//! A user stack as text: one line for a table, or a line for each frame.

use plumb_model::Known;
use plumb_model::stack::{Frame, Stack};

/// Frames shown in one line at most; the rest is in JSON and in the long form.
const SHORT_FRAMES: usize = 3;

/// Says in one line which code it was: `open_pool (pool.c:31) < rpc < main`, from the function of interest
/// outwards. Where that one has no name, those that have one follow: `libfetch.so+0x174f < … < fetch_perform`.
pub fn short(stack: &Stack) -> String {
    let Some(first) = stack.caller_of_interest() else {
        return String::from("(no stack)");
    };
    let is_first = |frame: &&Frame| std::ptr::eq(*frame, first);
    let mut behind = stack
        .frames
        .iter()
        .skip_while(|frame| !is_first(frame))
        .skip(1);
    let mut parts = vec![long_name(first)];
    let outer: Vec<&Frame> = behind.clone().filter(|frame| frame.is_told()).collect();
    if first.function.reason().is_some() && !outer.is_empty() {
        if behind.next().is_some_and(|next| !next.is_told()) {
            parts.push(String::from("…"));
        }
        parts.extend(outer.into_iter().take(SHORT_FRAMES - 1).map(name));
    } else {
        parts.extend(behind.take(SHORT_FRAMES - 1).map(name));
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

#[cfg(test)]
mod tests {
    use plumb_model::Reason;
    use plumb_model::stack::{How, Kind};

    use super::*;

    fn frame(module: &str, function: Option<&str>) -> Frame {
        let function = function.map(str::to_owned);
        Frame {
            function: function.map_or(Known::Unknown(Reason::NotInSource), Known::Known),
            source: Known::Unknown(Reason::NotInSource),
            module: Known::Known(module.as_bytes().into()),
            module_offset: 0x10,
            kind: Kind::Native,
            inlined: false,
        }
    }

    fn told(frames: Vec<Frame>) -> String {
        short(&Stack {
            frames,
            how: How::Tables,
            cut: None,
            hint: None,
        })
    }

    #[test]
    fn of_a_library_without_symbols_its_named_entry_is_told() {
        let fetch = |name| frame("/usr/lib/libfetch.so", name);
        let frames = vec![
            frame("/usr/lib/libc.so.6", Some("connect")),
            fetch(None),
            fetch(None),
            fetch(Some("fetch_perform")),
            frame("/usr/bin/get", None),
            frame("/usr/lib/libc.so.6", Some("__libc_start_call_main")),
        ];
        assert_eq!(told(frames.clone()), "libfetch.so+0x10 < … < fetch_perform");
        assert_eq!(
            told(frames[2..].to_vec()),
            "libfetch.so+0x10 < fetch_perform"
        );
        // Where nothing has a name, the addresses are what there is.
        let nameless = told(vec![fetch(None), fetch(None), frames[5].clone()]);
        let places = "libfetch.so+0x10 < libfetch.so+0x10 < __libc_start_call_main";
        assert_eq!(nameless, places);
    }
}
