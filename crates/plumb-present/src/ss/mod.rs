//! The bytes of iproute2's ss, one module per kind of socket.
//!
//! A row is written cell by cell into a [`layout::Table`], which knows the widths; what must be
//! looked up (names, owners, cgroup paths) is asked of a [`lookup::Lookup`] that the binary provides.
//! [`view::View`] says which facts are wanted and which release's bytes.

pub mod help;
pub mod layout;
pub mod lookup;
pub mod users;
pub mod view;
