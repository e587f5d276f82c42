//! BTF objects, values of their types, and storage of sockets: any bytes are a value or none, and every
//! walk through the types ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_model::btf::{Shape, Value};
use plumb_wire::btf::{decode_btf, decode_value};

/// Most types that are tried on one input.
const TYPES: u32 = 16;

fuzz_target!(|bytes: &[u8]| {
    let Some((data, object)) = bytes.split_at_checked(bytes.len().min(48)) else {
        return;
    };
    let Some(btf) = decode_btf(object) else {
        return;
    };
    // Every type has a header of twelve bytes.
    assert!(btf.types.len() <= object.len() / 12);
    for id in 0..TYPES {
        if let Some(value) = decode_value(&btf, id, data) {
            assert!(count(&value) <= 1 << 17);
        }
    }
});

/// Counts the values inside one.
fn count(value: &Value<'_>) -> usize {
    match &value.shape {
        Shape::Array(elements) => 1 + elements.iter().map(count).sum::<usize>(),
        Shape::Composite(members) => {
            1 + members.iter().map(|(_, value)| count(value)).sum::<usize>()
        }
        _ => 1,
    }
}
