//! Development only: what plumb's tests and benchmarks build their situations with.
//!
//! [`sandbox`] gives private namespaces, [`frozen`] kernel state as files, [`sockets`] real sockets
//! in any state; [`differential`] runs the real netstat and ours on the same state.
//! Nothing here is part of the product; programs that prove it (`plumb-farm`) are in `src/bin`.

pub mod acting;
pub mod binds;
pub mod chain;
pub mod churn;
pub mod command_lines;
pub mod deviations;
pub mod differential;
pub mod farm;
pub mod frozen;
pub mod fuzz;
pub mod holding;
pub mod lab;
pub mod leaking;
pub mod ledger;
pub mod live;
pub mod load;
pub mod loopback;
pub mod namespace;
pub mod nstat;
pub mod programs;
pub mod random;
pub mod sandbox;
pub mod sockets;
pub mod ss;
pub mod states;
pub mod stopped;
pub mod temp;
pub mod terminal;
