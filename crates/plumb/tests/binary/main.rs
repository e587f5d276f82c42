//! The binary as a user meets it: faces, links, terminals, streams, namespaces, JSON.

mod faces;
mod needs_root;
