//! The bytes of iproute2's ss, one module per kind of socket.
//!
//! A row is written cell by cell into a [`layout::Table`], which knows the widths; what must be
//! looked up (names, owners, cgroup paths) is asked of a [`lookup::Lookup`] that the binary provides.
//! [`view::View`] says which facts are wanted and which release's bytes.

pub mod address;
pub mod bpf_maps;
pub mod btf_type_name;
pub mod congestion;
pub mod details;
pub mod ethertype;
pub mod fields;
pub mod float;
mod front;
pub mod help;
pub mod inet;
pub mod layout;
pub mod lookup;
pub mod md5;
pub mod mptcp;
pub mod netlink;
pub mod packet;
pub mod proc_info;
pub mod rate;
pub mod sctp;
pub mod skmem;
pub mod summary;
pub mod tcp_info;
#[cfg(test)]
mod test_rows;
pub mod timer;
pub mod tipc;
pub mod ulp;
pub mod unix;
pub mod users;
pub mod view;
pub mod vsock;
pub mod xdp;
