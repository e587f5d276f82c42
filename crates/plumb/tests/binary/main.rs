//! The binary as a user meets it: faces, links, terminals, streams, namespaces, JSON.

mod faces;
mod full;
mod interrupted;
mod json_document;
mod json_keys;
mod json_ss;
mod name_server;
mod needs_root;
mod owners;
mod privileges;
mod recordings;
mod steady;
