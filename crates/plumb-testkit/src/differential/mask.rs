//! What ticks between two runs on the same living state, replaced by as many `#`.

/// Replaces the time left in netstat's `(1.23/0/0)` by one `#`.
pub(super) fn netstat_timers(text: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&b| b == b'(') {
        masked.extend_from_slice(&rest[..=at]);
        rest = &rest[at + 1..];
        let len = rest
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        if len > 3 && rest.get(len - 3) == Some(&b'.') && rest.get(len) == Some(&b'/') {
            masked.push(b'#');
            rest = &rest[len..];
        }
    }
    masked.extend_from_slice(rest);
    masked
}

/// What ss writes before times that tick, and what ends them.
const SS_TIMES: &[(&[u8], &[u8])] = &[
    (b" lastsnd:", b" \n)"),
    (b" lastrcv:", b" \n)"),
    (b" lastack:", b" \n)"),
    (b" busy:", b"( \n"),
    (b"timer:(on,", b","),
    (b"timer:(keepalive,", b","),
    (b"timer:(timewait,", b","),
    (b"timer:(persist,", b","),
];

/// Replaces each byte of the times ss shows by `#`, so that columns keep their width.
pub(super) fn ss_times(text: &[u8]) -> Vec<u8> {
    let mut masked = text.to_vec();
    for (before, ends) in SS_TIMES {
        let mut at = 0;
        while let Some(found) = masked[at..]
            .windows(before.len())
            .position(|part| part == *before)
        {
            at += found + before.len();
            while let Some(byte) = masked.get_mut(at).filter(|byte| !ends.contains(byte)) {
                *byte = b'#';
                at += 1;
            }
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_time_left_of_a_timer_is_masked() {
        assert_eq!(
            netstat_timers(b"on (1.23/0/0) off (0.00/0/0) (x) (12/3) (servers"),
            b"on (#/0/0) off (#/0/0) (x) (12/3) (servers"
        );
    }

    #[test]
    fn the_times_of_ss_keep_their_length() {
        assert_eq!(
            ss_times(b" timer:(on,200ms,2) ino:1 lastsnd:12 rto:204 busy:4ms(1.0%) lastack:7\n"),
            b" timer:(on,#####,2) ino:1 lastsnd:## rto:204 busy:###(1.0%) lastack:#\n"
        );
        assert_eq!(ss_times(b"x lastsnd:"), b"x lastsnd:");
    }
}
