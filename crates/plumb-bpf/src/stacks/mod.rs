//! From the registers and bytes a probe captured to the functions that were running.

mod raw;

pub use raw::RawStack;
