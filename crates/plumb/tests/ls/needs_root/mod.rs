//! What needs namespaces of its own.

mod forms;
mod holders;
mod limits;
mod rows;
mod screen;
