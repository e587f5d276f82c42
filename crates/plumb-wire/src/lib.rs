//! Pure decoders: the kernel's bytes in, `plumb-model` values out.
//!
//! Nothing here opens a file, a socket or a clock, and nothing panics on any input: the callers
//! hand in bytes, the fuzz targets hand in garbage. `/proc` lines are read the way `sscanf` reads
//! them (see `scan`), because that is what decides which odd rows the original tools accept.

#![forbid(unsafe_code)]

pub mod btf;
pub mod config;
pub mod cpython;
pub mod creation;
pub mod error_queue;
pub mod float;
pub mod go;
pub mod lines;
pub mod netlink;
pub mod packet;
pub mod perf_map;
pub mod proc;
pub mod scan;
pub mod sockaddr;
pub mod workload;
