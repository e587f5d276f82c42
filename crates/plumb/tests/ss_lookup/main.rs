//! What rows of ss show that is not in them: holders, names, cgroup paths, namespaces, totals.
//!
//! Each situation is made on loopback in a sandbox and shown to both programs; what they leave has to
//! be the same, byte for byte.

mod needs_root;
