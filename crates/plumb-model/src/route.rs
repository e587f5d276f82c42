//! Routing table entries of IPv4 and IPv6.
