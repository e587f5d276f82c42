//! The filter language of `ss`, and what plumb adds to it.
//!
//! Words become an [`Expr`] ([`parse`]); three back ends read it: [`bytecode`] for the kernel's INET_DIAG
//! dump, [`Expr::evaluate`] for rows in user space, [`explain`] for people. The crate is pure: names,
//! devices and cgroups are asked through [`Resolve`], rows are seen through [`Row`].
//!
//! The language has no precedence: `and`, `or` and juxtaposition associate strictly from left to
//! right, because the original's do.

#![forbid(unsafe_code)]

mod bytecode;
mod c_number;
mod coverage;
mod describe;
mod error;
mod ethertype;
mod evaluate;
mod explain;
mod expr;
mod extended;
mod family;
pub mod glob;
mod narrow;
mod operand;
mod parse;
mod parsed;
mod piece;
mod resolve;
mod row;
mod test;
mod token;

pub use bytecode::bytecode;
pub use error::{Error, Kind, Report};
pub use evaluate::Verdict;
pub use explain::explain;
pub use expr::{Expr, Node, NodeId};
pub use extended::{
    Attribute, Entry, Fact, KINDS, Predicate, Reading, Unit, entries, state_word, state_words,
};
pub use family::Family;
pub use parse::parse;
pub use parsed::{Context, Needs, Parsed};
pub use piece::{Fault, Piece, Place, Source, Word};
pub use resolve::{Resolve, Transport};
pub use row::{End, Owner, Owners, Row, Texts};
pub use test::{Compare, Pattern, Side, Test};
