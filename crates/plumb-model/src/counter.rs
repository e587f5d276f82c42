//! Kernel counters: blocks of named numbers as /proc/net/snmp and its kin list them.
