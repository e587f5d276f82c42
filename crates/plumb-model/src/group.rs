//! Multicast group memberships.
