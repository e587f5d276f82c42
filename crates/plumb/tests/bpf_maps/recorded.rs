//! Values of random types, as libbpf printed them.

use plumb_present::ss::bpf_maps::write_value;
use plumb_wire::btf::{decode_btf, decode_value};

const RECORDED: &str = include_str!("recorded/libbpf-1.1.2");

/// One value and its text.
struct Case<'a> {
    words: Vec<&'a str>,
    text: String,
}

fn cases() -> Vec<Case<'static>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for line in RECORDED.lines() {
        if let Some(words) = line.strip_prefix("case ") {
            cases.push(Case {
                words: words.split(' ').collect(),
                text: String::new(),
            });
        } else if let (Some(text), Some(case)) = (line.strip_prefix('|'), cases.last_mut()) {
            case.text.push_str(text);
            case.text.push('\n');
        }
    }
    cases
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(target_endian = "little")]
#[test]
fn values_are_written_as_libbpf_wrote_them() {
    let cases = cases();
    assert!(cases.len() > 200, "{} cases", cases.len());
    for (number, case) in cases.iter().enumerate() {
        let [id, level, compact, btf, data] = case.words[..] else {
            panic!("case {number} has five words");
        };
        let btf = decode_btf(&bytes(btf)).expect("libbpf could read it");
        let data = bytes(data);
        let id = id.parse().expect("a number");
        let value = decode_value(&btf, id, &data).expect("libbpf could read it");
        let mut text = Vec::new();
        let level = level.parse().expect("a number");
        write_value(&mut text, &btf, &value, level, compact == "1");
        text.push(b'\n');
        let text = String::from_utf8_lossy(&text);
        assert_eq!(text, case.text, "case {number}: {:?}", case.words);
    }
}

/// libbpf 1.1 shows nothing of what follows a NUL in an array of bytes, and no comma behind a number
/// that a signed enum does not name.
#[cfg(target_endian = "little")]
#[test]
fn what_libbpf_swallows_is_shown() {
    let mut types = Vec::new();
    let words: [&[u32]; 4] = [
        // char, char[2], enum e { A = 1 } with a sign, and a struct of all three.
        &[1, 1 << 24, 1, 1 << 24 | 8],
        &[0, 3 << 24, 0, 1, 1, 2],
        &[6, 1 << 31 | 6 << 24 | 1, 4, 8, 1],
        &[10, 4 << 24 | 3, 8, 12, 2, 0, 14, 1, 16, 16, 3, 32],
    ];
    for word in words.concat() {
        types.extend(word.to_ne_bytes());
    }
    let strings = b"\0char\0e\0A\0s\0n\0c\0v\0";
    let len = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .expect("it is short")
            .to_ne_bytes()
    };
    let mut object = vec![0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0];
    for part in [
        &len(&types)[..],
        &len(&types),
        &len(strings),
        &types,
        strings,
    ] {
        object.extend_from_slice(part);
    }
    let btf = decode_btf(&object).expect("it is whole");
    let data = [b'x', 0, 5, 0, 0xfd, 0xff, 0xff, 0xff];
    let value = decode_value(&btf, 4, &data).expect("all bytes are there");
    let mut text = Vec::new();
    write_value(&mut text, &btf, &value, 0, false);
    let expected = "(struct s){\n\t.n = (char[2])[\n\t\t'x',\n\t\t\t],\n\t.c = (char)5,\n\t.v = (enum e)-3,\n}";
    assert_eq!(String::from_utf8_lossy(&text), expected);
}
