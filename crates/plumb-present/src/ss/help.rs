//! The help text and the version line of the ss personality. The words of the help are our own.

/// Writes the version line: scripts read the release from it.
pub fn write_version(out: &mut Vec<u8>, release: super::view::Release) {
    out.extend_from_slice(format!("ss utility, iproute2-{release}.0\n").as_bytes());
}

/// Writes the help text.
pub fn write_help(out: &mut Vec<u8>) {
    out.extend_from_slice(HELP.as_bytes());
}

const HELP: &str = "\
Usage: ss [OPTIONS] [state NAME | exclude NAME]... [EXPRESSION]

Lists sockets. Without options: connections of every kind except TIPC.

What to list
  -t --tcp  -u --udp  -w --raw  -d --dccp  -S --sctp  -M --mptcp
                      sockets of these protocols
  -x --unix  -0 --packet  --vsock  --tipc  --xdp
                      sockets of these families
  -4 --ipv4  -6 --ipv6
                      IPv4 or IPv6 only; of several families the last counts
  -f --family NAME    inet, inet6, link, unix, netlink, vsock, tipc or xdp
  -A --query --socket LIST
                      tables by name, separated by commas, `!NAME` takes one away: all inet udp
                      dccp tcp mptcp sctp raw unix unix_stream unix_dgram unix_seqpacket packet
                      packet_raw packet_dgram netlink tipc vsock vsock_stream vsock_dgram xdp
  -a --all            sockets in every state
  -l --listening      listening and unconnected sockets
  -N --net NAME       in the network namespace of this name

What to show of each
  -n --numeric        numbers instead of service names, exact rates
  -r --resolve        host names
  -p --processes      the processes that hold it        -T --threads    and their threads
  -e --extended       user, inode, cookie, and more     -o --options    timers
  -m --memory         memory                            -i --info       TCP internals
  -b --bpf            the socket filter                 --tos           priority fields
  --cgroup            its cgroup                        --inet-sockopt  IP options
  --tipcinfo          TIPC details
  -Z --context        security contexts of processes    -z --contexts   and of their sockets

How
  -H --no-header      no line of column names
  -O --oneline        one line for each socket
  -s --summary        counts instead of, or before, the list
  -E --events         sockets as they are closed
  -K --kill           closes the sockets listed, as the kernel allows
  -D --diag FILE      writes the kernel's answers about TCP to FILE
  -F --filter FILE    reads more of the expression from FILE
  -h --help           this text
  -V --version        the version of ss that is imitated

plumb's own
  --json --ndjson     every fact as typed fields: one document, or one object a line
  --all-netns         every network namespace of this machine
  --all-owners        also who holds a socket by no descriptor of its process
  --stack             below each socket the code that made it, while plumb trace --keep runs
  --stream            each row at once, with one blank between its columns
  --explain-filter    how the expression is understood, and nothing else
  --compat RELEASE    the bytes of that release of iproute2, 6.1 to 7.1; newer ones also know
                      -B --bound-inactive, -Q --no-queues, --bpf-maps and --bpf-map-id=ID

States: established syn-sent syn-recv fin-wait-1 fin-wait-2 time-wait closed close-wait last-ack
listening closing; all; connected; synchronized; bucket; big.

Expression: tests joined by `and`, `or`, `not` and parentheses, read from left to right:
  src HOST[:PORT]   dst HOST[:PORT]   sport = PORT   dport > PORT
  dev = NAME   fwmark = MARK[/MASK]   cgroup = PATH   autobound
Called as `plumb ss` also:
  src != HOST   pid = PID   process = GLOB   user = NAME   state = listen
  recv-q > BYTES   send-q > BYTES   rtt > 20ms   age > 5m
";
