//! The JSON face: one versioned schema, numbers as numbers, absence as a reason.
//!
//! Each table has its own schema types in its own module, built from model values by `from`
//! functions. Text that came from outside (names, paths) may hold any bytes; what is not UTF-8 is
//! written with U+FFFD in its place.

pub mod creation;
pub mod diag;
pub mod document;
pub mod findings;
pub mod groups;
pub mod interfaces;
pub mod legacy;
pub mod masquerade;
pub mod memory;
pub mod routes;
pub mod sctp;
pub mod sockets;
pub mod stack;
pub mod statistics;

use serde::{Serialize, Serializer};

/// The network namespace a row was read in; present only when several are shown.
#[derive(Debug, Clone, Serialize)]
pub struct Netns {
    /// Inode number of the namespace, its identity on this host until reboot.
    pub inode: u64,
    /// Name under `/run/netns`, if it has one.
    pub name: Option<String>,
}

/// Writes outside bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Outside bytes that a row borrows, written as [`text`] would.
#[derive(Debug, Clone, Copy)]
struct Text<'a>(&'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(self.0))
    }
}
