//! What BPF programs stored beside a socket: values by their types, else bytes.

use plumb_model::btf::{Enumeration, Shape, Storage, Value};
use serde::{Serialize, Serializer};

use super::fields::object;
use super::shared::Hex;
use crate::json::Text;

/// All storages of a row.
pub(super) struct Storages<'a>(pub(super) &'a [Storage<'a>]);

impl Serialize for Storages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(One))
    }
}

struct One<'a>(&'a Storage<'a>);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, |fields| {
            fields.put("map_id", self.0.map_id)?;
            let typed = self.0.typed.as_ref();
            fields.put("value", typed.map(|(_, value)| Typed(value)))?;
            fields.some("value_hex", typed.is_none().then_some(Hex(self.0.bytes)))
        })
    }
}

/// A value: numbers are numbers, what does not fit one is hexadecimal text, members without a name
/// are called by their place.
struct Typed<'a>(&'a Value<'a>);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.shape {
            Shape::Unsigned(number) | Shape::Bits(number) => serializer.serialize_u64(*number),
            Shape::Signed(number) => serializer.serialize_i64(*number),
            Shape::Wide(high, low) => {
                serializer.collect_str(&format_args!("0x{high:016x}{low:016x}"))
            }
            Shape::Boolean(number) => serializer.serialize_bool(*number != 0),
            Shape::Float(number) => serializer.serialize_f64(*number),
            Shape::Enum(number) => enumeration(number, serializer),
            Shape::Pointer(address) => serializer.collect_str(&format_args!("{address:#x}")),
            Shape::Characters { bytes, signed } => {
                serializer.collect_seq(bytes.iter().map(|byte| {
                    if *signed {
                        i16::from(byte.cast_signed())
                    } else {
                        i16::from(*byte)
                    }
                }))
            }
            Shape::Array(elements) => serializer.collect_seq(elements.iter().map(Typed)),
            Shape::Composite(members) => {
                serializer.collect_map(members.iter().enumerate().map(|(index, (name, value))| {
                    let key = match *name {
                        b"" => index.to_string(),
                        name => String::from_utf8_lossy(name).into_owned(),
                    };
                    (key, Typed(value))
                }))
            }
        }
    }
}

fn enumeration<S: Serializer>(number: &Enumeration<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    match (number.name, number.signed) {
        (Some(name), _) => Text(name).serialize(serializer),
        (None, true) => serializer.serialize_i64(number.value),
        (None, false) => serializer.serialize_u64(number.value.cast_unsigned()),
    }
}
