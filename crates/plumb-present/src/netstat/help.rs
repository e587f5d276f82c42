//! Help and version texts, in our own words.
//!
//! The streams and exit statuses are the original's; the words are not, on purpose.

/// Appends the usage text that `-h` prints to standard output.
pub fn write_help(out: &mut Vec<u8>) {
    out.extend_from_slice(HELP.as_bytes());
}

/// Appends the list of families that have routes, which goes to standard error.
pub fn write_families(out: &mut Vec<u8>) {
    out.extend_from_slice(FAMILIES.as_bytes());
}

/// Appends the version block.
pub fn write_version(out: &mut Vec<u8>, version: &str) {
    out.extend_from_slice(b"plumb ");
    out.extend_from_slice(version.as_bytes());
    out.extend_from_slice(VERSION_REST.as_bytes());
}

const HELP: &str = "\
usage: netstat [SOCKETS] [COLUMNS]        sockets: all families, those with a peer
       netstat -r|-i|-s|-g|-m|-M [...]    one of the tables below
       netstat -h|-V                      this text, or the version

Tables (at most one of -r -i -s -m -M)
  -r, --route            routes: -4 (default), -6, -C cache, -F forwarding table; -e for more columns
  -i, --interfaces       interfaces with their counters; -a also those that are down; -e long form
  -I=NAME                the same for one interface
  -s, --statistics       protocol counters; -t -u -w -U -S and -6 choose
  -g, --groups           multicast groups, beside the sockets chosen
  -m                     socket memory per protocol, its limits, and the largest holders
  -M, --masquerade       masqueraded connections (kernels before 2.4)

Which sockets
  -t -u -U -w -S         TCP, UDP, UDP-Lite, RAW, SCTP
  -4, -6, -x             IPv4, IPv6, UNIX; also --inet, --inet6, --unix
  -A FAMILY[,FAMILY...]  families by name: inet inet6 unix ipx ax25 x25 netrom rose ddp
  -l, --listening        those that wait for a peer
  -a, --all              both

Columns
  -n, --numeric          numbers for hosts, ports and users; --numeric-hosts, -ports, -users for one
  -p, --programs         the process that holds the socket
  -e, --extend           user and inode
  -o, --timers           pending timer
  -W, --wide             never cut an address
  -Z, --context          SELinux context of the process

Running
  -c, --continuous       again every second
  -v, --verbose          name the families this kernel lacks
  --json                 one JSON document (with -c one per line), any table
  --all-netns            every network namespace of this host, with a column for it
  --all-owners           also who holds a socket by no descriptor of its process
  --stack                below each socket the code that made it, while plumb trace --keep runs
";

const FAMILIES: &str = "\
Families with routes:
    inet (DARPA Internet) inet6 (IPv6) ax25 (AMPR AX.25) 
    netrom (AMPR NET/ROM) rose (AMPR ROSE) ipx (Novell IPX) 
    ddp (Appletalk DDP) x25 (CCITT X.25) 
";

const VERSION_REST: &str = "
netstat personality, compatible with net-tools 2.10
+JSON +ALL_NETNS +SOCKET_MEMORY +SELINUX -I18N -BLUETOOTH
AF: (inet) +UNIX +INET +INET6 +IPX +AX25 +NETROM +X25 +ATALK +ROSE
HW:  +ETHER +LOOP +UNSPEC
";
