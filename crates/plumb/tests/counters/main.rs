//! Every counter has an explanation: those of the kernels we know, and those of the one we run on.

mod kernels;
