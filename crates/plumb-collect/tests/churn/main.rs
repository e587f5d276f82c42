//! No owner is ever wrong while processes come and go a thousand times a second and their ids come back.
//!
//! Sockets say themselves who may hold them (`plumb_testkit::churn`). Whatever a snapshot says is counted: right,
//! wrong, or unknown with a reason. `cargo xtask churn` runs it long, for both engines.

mod needs_root;
mod tally;
