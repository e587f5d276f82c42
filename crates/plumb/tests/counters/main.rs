//! `plumb stats`: every counter has an explanation, the numbers are the kernel's, and what goes wrong is
//! found with its sockets.

mod kernels;
mod needs_root;
mod verb;
