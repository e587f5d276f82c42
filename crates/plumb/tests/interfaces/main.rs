//! `plumb if`: numbers of interfaces beside those of ip and tc, and what traffic and queues of our own
//! make of them.

mod needs_root;
mod verb;
