//! One module per `/proc` file: a line or a whole file in, model values out.

pub mod cgroup;
pub mod columns;
pub mod counters;
pub mod dev;
pub mod groups;
pub mod if_inet6;
pub mod inet;
pub mod io_uring;
pub mod legacy;
pub mod maps;
pub mod masquerade;
pub mod mounts;
pub mod netlink;
pub mod nstat;
pub mod packet;
pub mod process;
pub mod process_stat;
pub mod routes;
pub mod sctp;
pub mod snmp;
pub mod sockstat;
pub mod ss_inet;
pub mod syscall;
pub mod totals;
pub mod unix;
pub mod unix_diag;
