//! The edge: everything that asks the kernel or the C library something.
//!
//! Reads `/proc`, speaks sock_diag, does the interface ioctls, walks processes for socket owners,
//! resolves names through NSS, enters network namespaces. Decoding is `plumb-wire`'s; nothing
//! here formats for users. Unsafe code lives in `sys/` alone.

pub mod abilities;
pub mod bind;
pub mod bpf_maps;
pub mod buffers;
pub mod cgroups;
pub mod counters;
pub mod creation;
pub mod diag_file;
pub mod ethtool;
pub mod firewall;
pub mod holders;
pub mod inet;
pub mod interface_index;
pub mod interfaces;
pub mod links;
pub mod memory;
pub mod names;
pub mod netlink_names;
pub mod netns;
pub mod owners;
pub mod port_range;
pub mod port_settings;
pub mod privilege;
pub mod probe;
pub mod proc;
pub mod proc_paths;
pub mod processes;
pub mod routing;
pub mod rtnl;
pub mod sample;
pub mod selinux;
pub mod services;
pub mod snapshot;
pub mod sock_destroy;
pub mod sock_diag;
pub mod socket_options;
pub mod sys;
pub mod totals;
pub mod traffic;
pub mod wire_watch;
pub mod workloads;
