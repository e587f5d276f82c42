//! What comparisons with ss are built from: dumps for `TCPDIAG_FILE`, random cases, the plan's
//! command lines with the deviations from them, and real sockets of every kind ss lists.
//!
//! The machinery that runs both programs is [`differential`](crate::differential).

pub mod answers;
pub mod command_lines;
pub mod deviations;
pub mod dump;
pub mod dumps;
pub mod fixture;
pub mod fuzz;
pub mod tcp_info;
