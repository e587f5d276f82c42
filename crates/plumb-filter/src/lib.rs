//! The filter language of `ss`, and what plumb adds to it.
//!
//! Words become an [`Expr`]; three back ends read it: bytecode for the kernel's INET_DIAG dump,
//! evaluation of rows in user space, an explanation for people. The crate is pure:
//! names, devices and cgroups are asked through [`Resolve`], rows are seen through [`Row`].
//!
//! The language has no precedence: `and`, `or` and juxtaposition associate strictly from left to
//! right, because the original's do.

#![forbid(unsafe_code)]

mod error;
mod expr;
mod family;
mod parsed;
mod piece;
mod resolve;
mod row;
mod test;

pub use error::{Error, Kind, Report};
pub use expr::{Expr, Node, NodeId, Verdict};
pub use family::Family;
pub use parsed::{Context, Needs, Parsed};
pub use piece::{Piece, Place, Source, Word};
pub use resolve::{Resolve, Transport};
pub use row::{End, Owner, Row};
pub use test::{Compare, Pattern, Side, Test};
