//! Entries of the masquerading table of Linux 2.x.
