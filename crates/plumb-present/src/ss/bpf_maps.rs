//! --bpf-maps, --bpf-map-id: what BPF programs stored beside a socket, since 6.9.
//!
//! The frame is ss's, the value inside is written as libbpf 1.1 was seen to print typed data, zeros
//! included: `(struct name){` and a line `.member = (type)value,` for each member; arrays of bytes
//! end at their first NUL. Where libbpf shows less than there is (what follows such an array, the
//! comma behind a number that its enum does not name) this does not.

use plumb_model::btf::{Btf, Enumeration, Shape, Storage, Value};

use super::btf_type_name::write_type_name;
use super::view::View;
use crate::text::put;

/// Levels of indentation of a value.
const LEVEL: usize = 2;

/// Appends all storages of a row.
pub fn write_storages(out: &mut Vec<u8>, storages: &[Storage<'_>], view: &View) {
    for storage in storages {
        if view.oneline {
            put(out, format_args!(" map_id:{}", storage.map_id));
            write_storage(out, storage, true);
        } else {
            put(out, format_args!("\n\tmap_id:{} [\n", storage.map_id));
            write_storage(out, storage, false);
            out.extend_from_slice(b"\n\t]");
        }
    }
}

/// Appends a value with types, or its bytes.
fn write_storage(out: &mut Vec<u8>, storage: &Storage<'_>, compact: bool) {
    if let Some((btf, value)) = &storage.typed {
        return write_value(out, btf, value, LEVEL, compact);
    }
    if !compact {
        out.resize(out.len() + LEVEL, b'\t');
    }
    out.extend_from_slice(b"0x");
    for byte in storage.bytes {
        put(out, format_args!("{byte:02x}"));
    }
}

/// Appends a value of the types of `btf`, indented by `level` tabs; `compact` leaves out line breaks
/// and indentation.
pub fn write_value(out: &mut Vec<u8>, btf: &Btf, value: &Value<'_>, level: usize, compact: bool) {
    let mut printer = Printer {
        out,
        btf,
        compact,
        level,
        casts: true,
    };
    printer.indent();
    printer.value(value);
}

struct Printer<'o, 'b> {
    out: &'o mut Vec<u8>,
    btf: &'b Btf,
    compact: bool,
    level: usize,
    /// Types are named; not so inside arrays.
    casts: bool,
}

impl Printer<'_, '_> {
    fn value(&mut self, value: &Value<'_>) {
        if self.casts {
            self.out.push(b'(');
            write_type_name(self.out, self.btf, value.of);
            self.out.push(b')');
        }
        match &value.shape {
            Shape::Unsigned(number) | Shape::Boolean(number) => {
                put(self.out, format_args!("{number}"));
            }
            Shape::Signed(number) => put(self.out, format_args!("{number}")),
            Shape::Wide(0, low) => put(self.out, format_args!("{low:#x}")),
            Shape::Wide(high, low) => put(self.out, format_args!("{high:#x}{low:016x}")),
            Shape::Bits(number) => put(self.out, format_args!("{number:#x}")),
            Shape::Float(number) => self.float(*number),
            Shape::Enum(number) => self.enumeration(number),
            // As C's `%p`.
            Shape::Pointer(0) => self.out.extend_from_slice(b"(nil)"),
            Shape::Pointer(address) => put(self.out, format_args!("{address:#x}")),
            Shape::Characters { bytes, signed } => self.characters(bytes, *signed),
            Shape::Array(elements) => self.array(elements),
            Shape::Composite(members) => self.members(members),
        }
    }

    /// As C's `%f`.
    fn float(&mut self, number: f64) {
        if number.is_finite() {
            return put(self.out, format_args!("{number:.6}"));
        }
        let sign = if number.is_sign_negative() { "-" } else { "" };
        let name = if number.is_nan() { "nan" } else { "inf" };
        put(self.out, format_args!("{sign}{name}"));
    }

    fn enumeration(&mut self, number: &Enumeration<'_>) {
        let Enumeration { value, .. } = *number;
        match (number.name, number.signed, number.wide) {
            (Some(name), ..) => self.out.extend_from_slice(name),
            (None, true, true) => put(self.out, format_args!("{value}LL")),
            (None, true, false) => put(self.out, format_args!("{value}")),
            (None, false, true) => put(self.out, format_args!("{}ULL", value.cast_unsigned())),
            (None, false, false) => put(self.out, format_args!("{}", value.cast_unsigned())),
        }
    }

    fn characters(&mut self, bytes: &[u8], signed: bool) {
        self.open(b'[');
        let mut bytes = bytes.iter();
        let ended = bytes.clone().any(|&byte| byte == 0);
        for &byte in bytes.by_ref().take_while(|&&byte| byte != 0) {
            self.indent();
            match byte {
                b' '..=b'~' => self.out.extend_from_slice(&[b'\'', byte, b'\'']),
                _ if signed => put(self.out, format_args!("{}", byte.cast_signed())),
                _ => put(self.out, format_args!("{byte}")),
            }
            self.end_element();
        }
        if ended {
            // The line of the NUL is begun and not written.
            self.indent();
        }
        self.close(b']');
    }

    fn array(&mut self, elements: &[Value<'_>]) {
        let casts = std::mem::replace(&mut self.casts, false);
        self.open(b'[');
        for element in elements {
            self.indent();
            self.value(element);
            self.end_element();
        }
        self.close(b']');
        self.casts = casts;
    }

    fn members(&mut self, members: &[(&[u8], Value<'_>)]) {
        self.open(b'{');
        for (name, value) in members {
            self.indent();
            if !name.is_empty() {
                self.out.push(b'.');
                self.out.extend_from_slice(name);
                self.out.extend_from_slice(b" = ");
            }
            self.value(value);
            self.end_element();
        }
        self.close(b'}');
    }

    fn open(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.end_line();
        self.level += 1;
    }

    fn end_element(&mut self) {
        self.out.push(b',');
        self.end_line();
    }

    fn close(&mut self, bracket: u8) {
        self.level -= 1;
        self.indent();
        self.out.push(bracket);
    }

    fn end_line(&mut self) {
        if !self.compact {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self) {
        if !self.compact {
            self.out.resize(self.out.len() + self.level, b'\t');
        }
    }
}
