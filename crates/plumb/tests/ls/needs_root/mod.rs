//! What needs namespaces of its own.

mod forms;
mod limits;
mod rows;
mod screen;
