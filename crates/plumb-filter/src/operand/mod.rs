//! Operands: what the words after a keyword stand for. One file for each kind.
//!
//! An operand is understood as the latest keyword wants it. Nothing here looks at the machine; names
//! go through [`Resolve`].

mod address;
mod host;
mod inet;
mod port;
mod small;

pub(crate) use host::Host;
pub(crate) use small::{cgroup, device, mark};

use crate::{Context, Kind, Resolve};

/// What an operand may look at.
pub(crate) struct Asking<'a> {
    pub(crate) context: Context,
    pub(crate) resolve: &'a mut dyn Resolve,
}

impl Asking<'_> {
    /// Understands the operand of `src` and `dst`.
    pub(crate) fn address(&mut self, text: &[u8]) -> Result<Host, Kind> {
        host::read(text, host::Place::Address, self)
    }

    /// Understands the operand of `sport` and `dport`.
    pub(crate) fn port(&mut self, text: &[u8]) -> Result<Host, Kind> {
        host::read(text, host::Place::Port, self)
    }
}
