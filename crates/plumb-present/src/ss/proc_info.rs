//! What rows from `/proc` show beyond the fixed columns.

use plumb_model::diag::inet::ProcDetails;

/// Appends the few protocol internals `/proc/net/tcp` has.
pub fn write_proc_info(_out: &mut Vec<u8>, _proc: &ProcDetails<'_>) {}

/// Appends the rest of the line.
pub fn write_proc_rest(_out: &mut Vec<u8>, _proc: &ProcDetails<'_>) {}
