//! Hand-made objects, and objects that no compiler makes.

use plumb_model::btf::{Enumeration, Shape};

use super::*;

/// Packs types and strings into an object.
fn object(types: &[&[u32]], strings: &[u8]) -> Vec<u8> {
    let types: Vec<u8> = types
        .concat()
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(0);
    let mut bytes = Vec::new();
    bytes.extend(MAGIC.to_ne_bytes());
    bytes.extend([1, 0]);
    for word in [24, 0, len(&types), len(&types), len(strings)] {
        bytes.extend(word.to_ne_bytes());
    }
    [bytes, types, strings.to_vec()].concat()
}

fn btf(types: &[&[u32]]) -> Btf {
    decode_btf(&object(types, b"\0a\0bc\0")).expect("a whole object")
}

const INT: &[u32] = &[1, 1 << 24, 4, 1 << 24 | 32];
const UNSIGNED: &[u32] = &[1, 1 << 24, 4, 32];

fn shape<'a>(btf: &'a Btf, id: u32, bytes: &'a [u8]) -> Option<Shape<'a>> {
    decode_value(btf, id, bytes).map(|value| value.shape)
}

#[test]
fn every_kind_has_its_length() {
    let after: [&[u32]; 18] = [
        UNSIGNED,
        &[0, 2 << 24, 1],
        &[0, 3 << 24, 0, 1, 1, 2],
        &[0, 4 << 24 | 1, 4, 1, 1, 0],
        &[0, 5 << 24, 0],
        &[0, 6 << 24 | 1, 4, 1, 7],
        &[1, 7 << 24 | 1 << 31, 0],
        &[1, 8 << 24, 1],
        &[0, 9 << 24, 1],
        &[0, 10 << 24, 1],
        &[0, 11 << 24, 1],
        &[1, 12 << 24, 14],
        &[0, 13 << 24 | 1, 1, 1, 1],
        &[1, 14 << 24, 1, 0],
        &[1, 15 << 24 | 1, 4, 14, 0, 4],
        &[1, 16 << 24, 8],
        &[1, 17 << 24, 1, 0],
        &[0, 19 << 24 | 1, 8, 1, 1, 2],
    ];
    for words in after {
        let found = btf(&[words, INT]);
        assert_eq!(found.types.len(), 2, "{words:?}");
        assert_eq!(found.types[1].name, 1, "{words:?}");
    }
    assert!(decode_btf(&object(&[&[0, 31 << 24, 0]], b"\0")).is_none());
    let whole = object(&[INT], b"\0a\0");
    for len in 0..whole.len() {
        assert!(decode_btf(&whole[..len]).is_none(), "{len} bytes");
    }
}

#[test]
fn numbers_have_signs_and_widths() {
    let btf = btf(&[
        INT,
        UNSIGNED,
        &[1, 1 << 24, 1, 4 << 24 | 8],
        &[1, 1 << 24, 16, 128],
        &[1, 1 << 24, 3, 24],
        &[1, 16 << 24, 8],
        &[0, 2 << 24, 1],
    ]);
    let ones = [0xff; 16];
    assert_eq!(shape(&btf, 1, &ones), Some(Shape::Signed(-1)));
    assert_eq!(
        shape(&btf, 2, &ones),
        Some(Shape::Unsigned(u32::MAX.into()))
    );
    assert_eq!(shape(&btf, 3, &ones), Some(Shape::Boolean(255)));
    assert_eq!(shape(&btf, 4, &ones), Some(Shape::Wide(u64::MAX, u64::MAX)));
    assert_eq!(shape(&btf, 5, &ones), None, "no number has three bytes");
    assert_eq!(
        shape(&btf, 6, &1.5_f64.to_ne_bytes()),
        Some(Shape::Float(1.5))
    );
    assert_eq!(
        shape(&btf, 7, &7_u64.to_ne_bytes()),
        Some(Shape::Pointer(7))
    );
    assert_eq!(shape(&btf, 1, &ones[..3]), None, "a byte is missing");
    assert_eq!(shape(&btf, 0, &ones), None, "void has no values");
    assert_eq!(shape(&btf, 99, &ones), None);
}

#[cfg(target_endian = "little")]
#[test]
fn bitfields_begin_anywhere() {
    let member = |bits: u32, at: u32| [1, 2, bits << 24 | at];
    let mut words = vec![1, 1 << 31 | 4 << 24 | 3, 16];
    words.extend([member(3, 0), member(13, 3), member(64, 20)].concat());
    let btf = btf(&[INT, UNSIGNED, &words]);
    let mut bytes = [0; 16];
    bytes[..3].copy_from_slice(&[0b1010_1101, 0xff, 0xf0]);
    bytes[3..11].fill(0xff);
    let Some(Shape::Composite(members)) = shape(&btf, 3, &bytes) else {
        panic!("the struct is whole");
    };
    let found: Vec<_> = members.into_iter().map(|(_, value)| value.shape).collect();
    assert_eq!(
        found,
        [
            Shape::Bits(0b101),
            Shape::Bits(0b1_1111_1111_0101),
            Shape::Bits(u64::MAX)
        ]
    );
}

#[test]
fn an_enum_names_its_numbers() {
    let btf = btf(&[
        &[1, 1 << 31 | 6 << 24 | 1, 4, 3, 0xffff_ffff],
        &[1, 19 << 24 | 1, 8, 3, 1, 2],
    ]);
    let number = |name, value, signed, wide| {
        Some(Shape::Enum(Enumeration {
            name,
            value,
            signed,
            wide,
        }))
    };
    let minus: &[u8] = &[0xff; 4];
    assert_eq!(shape(&btf, 1, minus), number(Some(b"bc"), -1, true, false));
    assert_eq!(shape(&btf, 1, &[0; 4]), number(None, 0, true, false));
    let wide = (2_i64 << 32 | 1).to_ne_bytes();
    assert_eq!(
        shape(&btf, 2, &wide),
        number(Some(b"bc"), 2 << 32 | 1, false, true)
    );
}

/// A struct inside itself, arrays of nothing, arrays of arrays of arrays: all end, none fills the
/// memory.
#[test]
fn no_value_is_endless() {
    let huge = |element| [0, 3 << 24, 0, element, 1, u32::MAX];
    let btf = btf(&[
        INT,
        &[1, 4 << 24 | 1, 0, 1, 2, 0],
        &[1, 4 << 24, 0],
        &huge(3),
        &huge(4),
        &huge(6),
        &huge(1),
        &[1, 8 << 24, 8],
        &[1, 4 << 24 | 2, 0, 1, 10, 0, 1, 10, 0],
        &[1, 4 << 24 | 2, 0, 1, 9, 0, 1, 9, 0],
    ]);
    for id in 2..=10 {
        let found = shape(&btf, id, &[0; 64]);
        assert_eq!(found.is_some(), id == 3, "type {id}");
    }
}

/// Whatever word of an object is replaced, it is an object or none, and its values end.
#[test]
fn any_damage_is_survived() {
    let whole = object(
        &[
            INT,
            &[1, 1 << 31 | 4 << 24 | 2, 8, 1, 1, 0, 3, 3, 5 << 24 | 0x23],
            &[1, 6 << 24 | 1, 4, 3, 1],
            &[0, 3 << 24, 0, 2, 1, 2],
            &[1, 8 << 24, 4],
        ],
        b"\0a\0bc\0",
    );
    for at in (0..whole.len() - 4).step_by(4) {
        for word in [0, 1, 2, 4, 5, 0x7f, 3 << 24, 4 << 24 | 9, u32::MAX, 1 << 31] {
            let mut damaged = whole.clone();
            damaged[at..at + 4].copy_from_slice(&u32::to_ne_bytes(word));
            let Some(btf) = decode_btf(&damaged) else {
                continue;
            };
            for id in 0..7 {
                let _ = decode_value(&btf, id, &[0x5a; 40]);
            }
        }
    }
}
