//! The binary as a user meets it: faces, links, terminals, streams, namespaces, JSON.

mod faces;
mod json_document;
mod name_server;
mod needs_root;
mod recordings;
