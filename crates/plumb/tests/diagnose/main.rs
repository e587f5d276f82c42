//! `plumb diagnose` as it is called: its words, its exit status, its document. What it finds is the lab's
//! to prove (`cargo xtask lab`).

mod called;
mod lab;
mod needs_root;
mod places;
