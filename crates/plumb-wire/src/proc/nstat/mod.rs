//! Counter files as `nstat` reads them: its own tables (`rated`: `snmp6`, `sctp/snmp`, the history
//! file, the sampler's answer) and the kernel's paired lines (`paired`: `snmp`, `netstat`).
//!
//! These are not the decoders of `snmp.rs`: that one follows netstat, and the two originals read a
//! damaged line differently. What they accept here was seen by running nstat of iproute2 6.1.

mod paired;
mod rated;

pub use self::paired::decode_paired;
pub use self::rated::{SourceName, decode_rated};

/// Why a file cannot be read; it ends the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// A row of a rated table lacks its name or its value.
    RatedRow,
    /// A line of names has no colon.
    NoColon,
    /// A line of names has no line of values, or no end.
    NoValues,
    /// A line of values has fewer words than it must.
    TooFewValues,
    /// A value is no number.
    NoNumber,
}

impl Damage {
    /// Gives the place in the original's source that its message names.
    pub fn line(self) -> u32 {
        match self {
            Self::RatedRow => 146,
            Self::NoColon => 199,
            Self::NoValues => 235,
            Self::TooFewValues => 245,
            Self::NoNumber => 251,
        }
    }
}
