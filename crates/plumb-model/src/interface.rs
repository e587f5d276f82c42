//! Network interfaces with their addresses, hardware and statistics.
