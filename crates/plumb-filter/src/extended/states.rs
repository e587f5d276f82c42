//! The names of states, and of groups of them.

/// Names of states and of groups of them, with one bit for each state number (`TCP_*`).
const STATES: [(&str, u32); 25] = [
    ("estab", 1 << 1),
    ("established", 1 << 1),
    ("syn-sent", 1 << 2),
    ("syn-recv", 1 << 3),
    ("syn-rcv", 1 << 3),
    ("fin-wait-1", 1 << 4),
    ("fin-wait-2", 1 << 5),
    ("time-wait", 1 << 6),
    ("unconn", 1 << 7),
    ("unconnected", 1 << 7),
    ("close", 1 << 7),
    ("closed", 1 << 7),
    ("close-wait", 1 << 8),
    ("last-ack", 1 << 9),
    ("listen", 1 << 10),
    ("listening", 1 << 10),
    ("closing", 1 << 11),
    ("new-syn-recv", 1 << 12),
    ("bound-inactive", 1 << 13),
    ("unknown", 1),
    ("all", u32::MAX),
    ("connected", ALL & !(1 << 7 | 1 << 10)),
    ("synchronized", ALL & !(1 << 7 | 1 << 10 | 1 << 2)),
    ("bucket", 1 << 3 | 1 << 6),
    ("big", ALL & !(1 << 3 | 1 << 6)),
];

/// Every state number the original has a name for.
const ALL: u32 = 0x0fff;

/// Gives all names of states and of groups of them.
pub fn state_words() -> impl Iterator<Item = &'static str> {
    STATES.iter().map(|(name, _)| *name)
}

/// Gives the name of a state number, `None` for one that has none.
pub fn state_word(number: u32) -> Option<&'static str> {
    let bit = 1_u32.checked_shl(number)?;
    let named = STATES.iter().find(|(_, states)| *states == bit);
    named.map(|(name, _)| *name)
}

/// Says whether a word names a state or a group of them.
pub(crate) fn is_state(word: &[u8]) -> bool {
    states_of(word).is_some()
}

/// Gives the states that a word means. Netstat's and the kernel's spellings are taken too:
/// `TIME_WAIT`, `FIN_WAIT1`.
pub(super) fn states_of(word: &[u8]) -> Option<u32> {
    let spelled: Vec<u8> = word
        .iter()
        .map(|byte| match byte {
            b'_' => b'-',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    let spelled: &[u8] = match spelled.as_slice() {
        b"fin-wait1" => b"fin-wait-1",
        b"fin-wait2" => b"fin-wait-2",
        other => other,
    };
    STATES
        .iter()
        .find(|(name, _)| name.as_bytes() == spelled)
        .map(|(_, states)| *states)
}

/// Gives one name for each state in a set.
pub(crate) fn state_names(states: u32) -> Vec<&'static str> {
    (0_u32..14)
        .filter(|number| states >> number & 1 != 0)
        .filter_map(state_word)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_spellings_of_ss_netstat_and_the_kernel() {
        for word in ["time-wait", "TIME_WAIT", "Time-Wait"] {
            assert_eq!(states_of(word.as_bytes()), Some(1 << 6), "{word}");
        }
        assert_eq!(states_of(b"FIN_WAIT1"), states_of(b"fin-wait-1"));
        assert_eq!(states_of(b"LISTEN"), Some(1 << 10));
        assert_eq!(states_of(b"waiting"), None);
        assert_eq!(state_word(10), Some("listen"));
        assert_eq!(state_word(99), None);
    }
}
