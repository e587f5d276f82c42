//! What is plumb's own in ss: releases to imitate, rows that do not wait, tests and explanations of
//! filters, all namespaces at once, and what a terminal, a full disk or a vanished reader makes of it.

mod called;
mod compat;
mod explain;
mod needs_root;
mod robust;
mod stream;
