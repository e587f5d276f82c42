//! Development only: what plumb's tests and benchmarks build their situations with.
//!
//! Nothing here is part of the product; programs that prove it (`plumb-farm`) are in `src/bin`.

pub mod farm;
pub mod loopback;
