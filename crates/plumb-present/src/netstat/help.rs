//! Writes its table.
