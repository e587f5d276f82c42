//! What needs sockets in namespaces of their own.

mod netns;
mod predicates;
mod terminal;
