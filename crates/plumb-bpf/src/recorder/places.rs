//! Places in the kernel where packets are dropped, as the functions they are in: kernels before 5.17 give no
//! reason for a drop, but the address of the code that made it.
//!
//! The addresses come from the kernel, the functions from /proc/kallsyms, read once.

/// Where the kernel lists its symbols.
const SYMBOLS: &str = "/proc/kallsyms";
/// What tells the number of a place from that of a reason, which are few.
const MARK: u32 = 1 << 31;
/// The function when it is not known: symbols cannot be read, or their addresses are hidden (`kptr_restrict`).
const UNKNOWN: &str = "a function that is not known";

/// Functions that free what a socket held at its end, which is no loss.
const PURGES: [&str; 8] = [
    "__skb_queue_purge",
    "inet_sock_destruct",
    "packet_sock_destruct",
    "sk_stream_kill_queues",
    "skb_queue_purge",
    "skb_rbtree_purge",
    "unix_release_sock",
    "unix_sock_destructor",
];

/// The kernel's functions, by the address they begin at.
#[derive(Debug, Default, Clone)]
pub(super) struct Places(Vec<(u64, String)>);

impl Places {
    /// Gives the number of the function that an address lies in; `None` for one whose drops are no loss.
    pub(super) fn number(&self, address: u64) -> Option<u32> {
        // A return address is behind the call, and may be where the next function begins.
        let behind = self.0.partition_point(|(start, _)| *start < address);
        let Some((_, name)) = behind.checked_sub(1).and_then(|at| self.0.get(at)) else {
            return Some(MARK);
        };
        if PURGES.contains(&name.as_str()) {
            return None;
        }
        u32::try_from(behind).ok().map(|number| MARK | number)
    }

    /// Gives the function of a number; `None` when the number is none of a place.
    pub(super) fn name(&self, number: u32) -> Option<&str> {
        if number & MARK == 0 {
            return None;
        }
        let behind = usize::try_from(number & !MARK).ok()?;
        let found = behind.checked_sub(1).and_then(|at| self.0.get(at));
        Some(found.map_or(UNKNOWN, |(_, name)| name))
    }
}

/// Reads the functions; none where the kernel hides them.
pub(super) fn read() -> Places {
    decode(&std::fs::read_to_string(SYMBOLS).unwrap_or_default())
}

/// Decodes lines as `ffffffff81000000 T _text`, or with `\t[module]` at the end.
fn decode(text: &str) -> Places {
    let function = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let is_code = words
            .next()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("t"));
        // What the compiler put elsewhere goes by the name of its function.
        let name = words.next()?.split('.').next()?;
        (is_code && address != 0).then(|| (address, name.to_owned()))
    };
    let mut functions: Vec<(u64, String)> = text.lines().filter_map(function).collect();
    functions.sort_by_key(|(address, _)| *address);
    Places(functions)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// /proc/kallsyms of Linux 5.10 (Debian), shortened.
    const TEXT: &str = "ffffffff92abf1b0 T skb_queue_purge\n\
                        ffffffff92b8fd70 T tcp_rcv_state_process\n\
                        ffffffff92cad650 t tcp_conn_request.cold\n\
                        ffffffff93000000 D data\n\
                        ffffffffc0001000 t packet_rcv\t[af_packet]\n";

    #[test]
    fn an_address_is_in_the_function_that_begins_before_it() {
        let places = decode(TEXT);
        let name = |address| {
            let number = places.number(address).expect("its drops are losses");
            places.name(number).expect("it is a place").to_owned()
        };
        assert_eq!(name(0xffff_ffff_92b8_fd75), "tcp_rcv_state_process");
        assert_eq!(name(0xffff_ffff_92ca_d650), "tcp_rcv_state_process");
        assert_eq!(name(0xffff_ffff_92ca_d651), "tcp_conn_request");
        assert_eq!(name(0xffff_ffff_c000_1010), "packet_rcv");
        assert_eq!(name(0x1000), UNKNOWN);
        assert_eq!(places.number(0xffff_ffff_92ab_f1c0), None);
        assert_eq!(places.name(7), None, "a reason is no place");
    }

    #[test]
    fn hidden_addresses_name_nothing() {
        let places = decode("0000000000000000 T skb_queue_purge\n");
        let number = places
            .number(0xffff_ffff_92b8_fd75)
            .expect("not known to be none");
        assert_eq!(places.name(number), Some(UNKNOWN));
    }
}
