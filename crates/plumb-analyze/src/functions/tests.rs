//! Sums and splits.

use plumb_model::usage::Written;

use super::*;

fn queue(writes: &[(u64, u32, u32)]) -> Queue {
    let written = |&(by, end_seq, len): &(u64, u32, u32)| Written {
        by: Some(StackId(by)).filter(|id| id.0 != 0),
        end_seq,
        len,
    };
    Queue {
        writes: writes.iter().map(written).collect(),
        ..Queue::default()
    }
}

fn code(id: u64) -> Writer {
    Writer::Code(StackId(id))
}

#[test]
fn the_newest_writes_are_what_waits() {
    let queue = queue(&[(1, 1000, 100), (2, 900, 400), (1, 500, 300)]);
    assert_eq!(split(&queue, 50, None), [(code(1), 50)]);
    assert_eq!(split(&queue, 300, None), [(code(1), 100), (code(2), 200)]);
    assert_eq!(split(&queue, 600, None), [(code(1), 200), (code(2), 400)]);
    assert_eq!(
        split(&queue, 1000, None),
        [(code(1), 400), (code(2), 400), (Writer::Before, 200)]
    );
    assert_eq!(split(&Queue::default(), 7, None), [(Writer::Before, 7)]);
    assert_eq!(split(&queue, 0, None), []);
}

#[test]
fn sequence_numbers_wrap_and_holes_are_nobody_s() {
    let queue = queue(&[(1, 50, 100), (0, u32::MAX - 99, 100)]);
    // From -50 to 50, then a hole of 50 bytes, then a write whose stack was not taken.
    assert_eq!(
        split(&queue, 1000, None),
        [
            (code(1), 100),
            (Writer::Unseen, 50),
            (Writer::NoStack, 100),
            (Writer::Before, 750)
        ]
    );
}

/// A call that has not returned has written what no entry tells; one that returned after the reading wrote what is
/// not in it.
#[test]
fn the_queue_is_where_what_was_acknowledged_says() {
    let mut queue = queue(&[(1, 1000, 100), (2, 900, 400)]);
    queue.acked_base = Some(u32::MAX);
    // Acknowledged up to 799, so the queue ends at 1099.
    assert_eq!(
        split(&queue, 300, Some(800)),
        [(Writer::Unseen, 99), (code(1), 100), (code(2), 101)]
    );
    // It ended at 949 then.
    assert_eq!(
        split(&queue, 150, Some(800)),
        [(code(1), 49), (code(2), 101)]
    );
}

#[test]
fn shares_add_up_to_the_whole() {
    let parts = [(code(1), 1), (code(2), 1), (Writer::Unseen, 1)];
    let shared = proportional(&parts, 100);
    assert_eq!(shared.iter().map(|(_, bytes)| bytes).sum::<u64>(), 100);
    assert_eq!(proportional(&[], 5), [(Writer::Before, 5)]);
}

#[test]
fn code_is_added_up_over_sockets_and_the_rest_is_said() {
    let usage = |sent_bytes: u64| Usage {
        sent_bytes,
        sends: sent_bytes / 10,
        ..Usage::default()
    };
    let uses = |list: &[(u64, u64, u64)]| -> Uses {
        let entry = |&(cookie, stack, sent): &(u64, u64, u64)| {
            ((Cookie(cookie), Some(StackId(stack))), usage(sent))
        };
        list.iter().map(entry).collect()
    };
    let before = uses(&[(1, 7, 100)]);
    let after = uses(&[(1, 7, 150), (2, 7, 30), (2, 8, 500), (3, 8, 9_000)]);
    let shares = shares(&before, &after, |cookie| cookie.0 < 3, |id| id);
    let told: Vec<(Writer, u64, u64)> = shares
        .iter()
        .map(|share| (share.writer, share.moved.sent_bytes, share.sockets))
        .collect();
    assert_eq!(told, [(code(8), 500, 1), (code(7), 80, 2)]);
    let rest = unattributed(&shares, 0, 600).expect("20 are nobody's");
    assert_eq!(rest.moved.sent_bytes, 20);
    assert_eq!(unattributed(&shares, 0, 580), None);
}
