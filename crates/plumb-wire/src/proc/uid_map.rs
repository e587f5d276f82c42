//! `/proc/PID/uid_map`: which users of a user namespace are which of the one outside.

/// The map of the first user namespace: everybody is himself.
const EVERYBODY: [&[u8]; 3] = [b"0", b"0", b"4294967295"];

/// Says whether a map is that of the first user namespace, the only one whose capabilities count for the whole host.
pub fn is_first_user_namespace(uid_map: &[u8]) -> bool {
    uid_map
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .eq(EVERYBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_maps_everybody_to_himself() {
        assert!(is_first_user_namespace(
            b"         0          0 4294967295\n"
        ));
        for other in [&b"         0       1000          1\n"[..], b"", b"0 0\n"] {
            assert!(!is_first_user_namespace(other));
        }
    }
}
