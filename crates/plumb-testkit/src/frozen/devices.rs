//! `/proc/net/dev` and `/proc/net/if_inet6`.

use std::net::Ipv6Addr;

/// The two header lines of `/proc/net/dev`.
pub const HEADER: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
";

/// Gives a whole `/proc/net/dev`: per interface its name and the sixteen counters.
pub fn dev(interfaces: &[(&str, [u64; 16])]) -> String {
    let rows = interfaces
        .iter()
        .map(|(name, counters)| row(name, counters));
    HEADER.to_owned() + &rows.collect::<String>()
}

fn row(name: &str, counters: &[u64; 16]) -> String {
    const WIDTHS: [usize; 16] = [7, 7, 4, 4, 4, 5, 10, 9, 8, 7, 4, 4, 4, 5, 7, 10];
    let counters = counters.iter().zip(WIDTHS);
    let columns: Vec<String> = counters
        .map(|(counter, width)| format!("{counter:width$}"))
        .collect();
    format!("{name:>6}: {}\n", columns.join(" "))
}

/// Gives one row of `/proc/net/if_inet6`.
pub fn if_inet6(address: Ipv6Addr, index: u32, prefix: u8, scope: u8, name: &str) -> String {
    let address = hex(address);
    format!("{address} {index:02x} {prefix:02x} {scope:02x} 80 {name:>8}\n")
}

/// Writes an IPv6 address as 32 hexadecimal digits.
pub(crate) fn hex(address: Ipv6Addr) -> String {
    format!("{:032x}", u128::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Both from Linux 6.18 in a new network namespace.
    #[test]
    fn rows_read_as_the_kernels() {
        assert_eq!(
            row("lo", &[0; 16]),
            "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n"
        );
        assert_eq!(
            if_inet6(Ipv6Addr::LOCALHOST, 1, 128, 0x10, "lo"),
            "00000000000000000000000000000001 01 80 10 80       lo\n"
        );
    }
}
