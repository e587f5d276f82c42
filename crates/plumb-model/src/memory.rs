//! Socket memory: what the protocols hold, and their limits.
