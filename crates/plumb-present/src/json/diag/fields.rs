//! Writing one object field by field.
//!
//! A row has many fields that may be missing, each in one of three ways: left out because it does
//! not apply, `null` because there is nothing, or `null` with a reason beside it. Structs with derived
//! code would say each of them three times. Structs of the kernel that grow with its versions come
//! with the number of bytes sent: [`Sent`] walks them in the kernel's order.

use plumb_model::Known;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The fields of an object being written.
pub(super) struct Fields<M>(M);

/// Writes an object.
pub(super) fn object<S: Serializer>(
    serializer: S,
    write: impl FnOnce(&mut Fields<S::SerializeMap>) -> Result<(), S::Error>,
) -> Result<S::Ok, S::Error> {
    let mut fields = Fields(serializer.serialize_map(None)?);
    write(&mut fields)?;
    fields.0.end()
}

impl<M: SerializeMap> Fields<M> {
    /// Writes one field; `None` is `null`.
    pub(super) fn put(&mut self, key: &'static str, value: impl Serialize) -> Result<(), M::Error> {
        self.0.serialize_entry(key, &value)
    }

    /// Writes one field, or leaves it out.
    pub(super) fn some(
        &mut self,
        key: &'static str,
        value: Option<impl Serialize>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => self.put(key, value),
            None => Ok(()),
        }
    }

    /// Writes one field, or `null` and why.
    pub(super) fn known(
        &mut self,
        key: &'static str,
        value: Known<impl Serialize>,
    ) -> Result<(), M::Error> {
        match value {
            Known::Known(value) => self.put(key, value),
            Known::Unknown(reason) => self.unknown(key, reason.word()),
        }
    }

    /// Writes `null` and why.
    pub(super) fn unknown(&mut self, key: &'static str, why: &'static str) -> Result<(), M::Error> {
        self.put(key, None::<()>)?;
        self.0.serialize_entry(&UnknownKey(key), why)
    }

    /// Writes a number of which one value stands for the lack of one.
    pub(super) fn unless<T: Serialize + PartialEq>(
        &mut self,
        key: &'static str,
        value: Option<T>,
        (sentinel, why): (T, &'static str),
    ) -> Result<(), M::Error> {
        if value.as_ref() == Some(&sentinel) {
            self.unknown(key, why)
        } else {
            self.put(key, value)
        }
    }
}

/// The key of the sibling that says why.
struct UnknownKey(&'static str);

impl Serialize for UnknownKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}_unknown", self.0))
    }
}

/// How much of a kernel's struct came: asked for each field in order, it tells which did.
pub(super) struct Sent {
    bytes: usize,
    at: usize,
}

impl Sent {
    /// Starts at the first field of a struct of which `bytes` came.
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, at: 0 }
    }

    /// Gives the next field, if it came as a whole. `T` is the kernel's type.
    pub(super) fn next<T>(&mut self, value: T) -> Option<T> {
        self.skip(size_of::<T>());
        (self.at <= self.bytes).then_some(value)
    }

    /// Passes over padding and what is not shown.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plumb_model::Reason;

    struct Sample;

    impl Serialize for Sample {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut sent = Sent::new(7);
            object(serializer, |fields| {
                fields.put("first", sent.next(1_u32))?;
                fields.unless("second", sent.next(u16::MAX), (u16::MAX, "no-limit"))?;
                fields.put("cut", sent.next(3_u16))?;
                fields.some("absent", None::<u8>)?;
                fields.known("inode", Known::<u8>::Unknown(Reason::TimeWait))
            })
        }
    }

    #[test]
    fn a_field_that_did_not_come_as_a_whole_is_null_and_reasons_stand_beside() {
        assert_eq!(
            serde_json::to_string(&Sample).ok().as_deref(),
            Some(concat!(
                r#"{"first":1,"second":null,"second_unknown":"no-limit","cut":null,"#,
                r#""inode":null,"inode_unknown":"time-wait"}"#
            ))
        );
    }
}
