//! A light skeleton: a BPF program that loads others, as bpftool generates it.
//!
//! bpftool writes a C header; plumb needs little of it and keeps that in one file, `FILE.light`: four
//! little-endian words (the number of programs, and the lengths of the three parts that follow), the
//! names of the maps with a zero byte behind each, the loader's data, the loader's instructions. The
//! order of maps is the compiler's, so they are known by name. plumb-bpf reads it.

use crate::step::Failure;

/// What a skeleton holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Light {
    programs: u32,
    /// Names of maps, in the order of the loader's context.
    maps: Vec<String>,
    data: Vec<u8>,
    instructions: Vec<u8>,
}

impl Light {
    /// Gives the bytes of the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("skeletons are small");
        let names = self.maps.iter().map(|name| format!("{name}\0"));
        let names: String = names.collect();
        let words = [
            self.programs,
            len(names.as_bytes()),
            len(&self.data),
            len(&self.instructions),
        ];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend_from_slice(names.as_bytes());
        bytes.extend_from_slice(&self.data);
        bytes.extend_from_slice(&self.instructions);
        bytes
    }
}

/// Reads the header.
pub(super) fn decode(header: &str) -> Result<Light, Failure> {
    let programs = members(header, "bpf_prog_desc").len();
    let light = Light {
        programs: u32::try_from(programs).unwrap_or(0),
        maps: members(header, "bpf_map_desc"),
        data: literal(header, "data")?,
        instructions: literal(header, "insns")?,
    };
    if header.contains("initial_value") {
        return Err(Failure::check(
            "a light program has global variables, which plumb's loader does not set",
        ));
    }
    if light.programs == 0 || light.data.is_empty() || !light.instructions.len().is_multiple_of(8) {
        return Err(Failure::check("this bpftool writes other skeletons"));
    }
    Ok(light)
}

/// Lists the members of a struct type in the skeleton, in their order.
fn members(header: &str, kind: &str) -> Vec<String> {
    let start = format!("struct {kind} ");
    let lines = header.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix(&start)?;
        rest.strip_suffix(';').map(str::to_owned)
    });
    lines.collect()
}

/// Reads `opts.NAME = (void *)"…";`, whose length stands in `opts.NAME_sz`.
fn literal(header: &str, name: &str) -> Result<Vec<u8>, Failure> {
    let odd = || Failure::check(format!("the skeleton has no readable {name}"));
    let (_, rest) = header
        .split_once(&format!("opts.{name} = (void *)\""))
        .ok_or_else(odd)?;
    let (text, _) = rest.split_once('"').ok_or_else(odd)?;
    let bytes = unescape(text).ok_or_else(odd)?;
    let (_, rest) = header
        .split_once(&format!("opts.{name}_sz = "))
        .ok_or_else(odd)?;
    let (len, _) = rest.split_once(';').ok_or_else(odd)?;
    // C adds a zero byte behind a string, and bpftool counts on no such thing.
    if len.parse() == Ok(bytes.len()) {
        Ok(bytes)
    } else {
        Err(odd())
    }
}

/// Reads the escapes bpftool writes: `\0`, `\xHH`, and the backslash at the end of a line.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.strip_prefix('\\')?;
        if let Some(after) = rest.strip_prefix('\n') {
            rest = after;
        } else if let Some(after) = rest.strip_prefix('x') {
            bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            rest = rest.strip_prefix('0')?;
            bytes.push(0);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "struct t {\n\tstruct bpf_loader_ctx ctx;\n\tstruct {\n\t\tstruct bpf_map_desc out;\n\t} maps;
\tstruct {\n\t\tstruct bpf_prog_desc one;\n\t\tstruct bpf_prog_desc two;\n\t} progs;\n};
\topts.data_sz = 3;\n\topts.data = (void *)\"\\\n\\0\\x7f\\\n\\0\";
\topts.insns_sz = 8;\n\topts.insns = (void *)\"\\\n\\x01\\0\\0\\0\\0\\0\\0\\0\";\n";

    #[test]
    fn a_skeleton_gives_its_parts() {
        let light = decode(HEADER).expect("this is how bpftool writes");
        assert_eq!(
            light,
            Light {
                programs: 2,
                maps: vec!["out".into()],
                data: vec![0, 0x7f, 0],
                instructions: vec![1, 0, 0, 0, 0, 0, 0, 0],
            }
        );
        let bytes = light.encode();
        assert_eq!(bytes.len(), 16 + 4 + 3 + 8);
        assert_eq!(bytes[..8], [2, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!(&bytes[16..20], b"out\0");
    }

    #[test]
    fn a_skeleton_that_lost_bytes_is_refused() {
        assert!(decode(&HEADER.replace("data_sz = 3", "data_sz = 4")).is_err());
        assert!(decode(&HEADER.replace("\\x7f", "\\q")).is_err());
        assert!(decode("").is_err());
    }
}
