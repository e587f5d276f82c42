//! The summary of `ss -s`, which no column layout touches.
//!
//! What the kernel did not tell counts as 0. "Closed" is what is allocated and not in use, though
//! the kernel counts the one for the host and the other for the namespace.

use std::io::Write as _;

use plumb_model::socket_totals::{InUse, SocketTotals};

/// Appends the summary.
pub fn write_summary(out: &mut Vec<u8>, totals: &SocketTotals) {
    let SocketTotals { ipv4, ipv6, .. } = totals;
    let number = |value: Option<i32>| value.unwrap_or(0);
    let waiting = number(totals.tcp_time_wait);
    let allocated = number(totals.tcp_allocated);
    let in_use = number(ipv4.tcp).wrapping_add(number(ipv6.tcp));
    let closed = allocated.wrapping_sub(in_use.wrapping_sub(waiting));
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "Total: {}\nTCP:   {} (estab {}, closed {closed}, orphaned {}, timewait {waiting})\n\n\
         Transport Total     IP        IPv6\n",
        number(totals.sockets),
        allocated.wrapping_add(waiting),
        number(totals.tcp_established),
        number(totals.tcp_orphaned),
    );
    let inet = |of: &InUse| {
        let raw_and_udp = number(of.raw).wrapping_add(number(of.udp));
        raw_and_udp.wrapping_add(number(of.tcp))
    };
    write_row(out, "RAW", number(ipv4.raw), number(ipv6.raw));
    write_row(out, "UDP", number(ipv4.udp), number(ipv6.udp));
    write_row(out, "TCP", number(ipv4.tcp), number(ipv6.tcp));
    write_row(out, "INET", inet(ipv4), inet(ipv6));
    write_row(out, "FRAG", number(ipv4.frag), number(ipv6.frag));
    out.push(b'\n');
}

fn write_row(out: &mut Vec<u8>, name: &str, ipv4: i32, ipv6: i32) {
    let both = ipv4.wrapping_add(ipv6);
    let _ = writeln!(out, "{name}\t  {both:<9} {ipv4:<9} {ipv6:<9}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What iproute2 6.1 wrote for files made by hand.
    #[test]
    fn the_rows_of_the_original() {
        let totals = SocketTotals {
            sockets: Some(130),
            tcp_orphaned: Some(2),
            tcp_time_wait: Some(3),
            tcp_allocated: Some(20),
            tcp_established: Some(9),
            ipv4: InUse {
                raw: Some(6),
                udp: Some(4),
                tcp: Some(10),
                frag: Some(8),
            },
            ipv6: InUse {
                raw: Some(1),
                udp: Some(2),
                tcp: Some(5),
                frag: Some(3),
            },
        };
        let mut out = Vec::new();
        write_summary(&mut out, &totals);
        let expected = "Total: 130\n\
            TCP:   23 (estab 9, closed 8, orphaned 2, timewait 3)\n\
            \n\
            Transport Total     IP        IPv6\n\
            RAW\t  7         6         1        \n\
            UDP\t  6         4         2        \n\
            TCP\t  15        10        5        \n\
            INET\t  28        20        8        \n\
            FRAG\t  11        8         3        \n\
            \n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn impossible_sums_wrap() {
        let mut totals = SocketTotals {
            tcp_time_wait: Some(i32::MAX),
            tcp_allocated: Some(i32::MAX),
            ..SocketTotals::default()
        };
        totals.ipv4.tcp = Some(i32::MIN);
        totals.ipv6.tcp = Some(-1);
        let mut out = Vec::new();
        write_summary(&mut out, &totals);
        assert!(out.starts_with(b"Total: 0\nTCP:   -2 (estab 0, closed "));
    }
}
