//! Made-up sockets in, use of ports and time to exhaustion out.

use super::*;

fn range() -> Range {
    Range {
        first: 100,
        last: 109,
        reserved: vec![(103, 104), (200, 300)],
    }
}

#[test]
fn a_socket_with_a_range_of_its_own_has_what_lies_in_both() {
    let narrowed = |own| {
        let range = range().narrowed(own);
        (range.first, range.last, range.size())
    };
    assert_eq!(narrowed((102, 106)), (102, 106, 3));
    assert_eq!(narrowed((50, 105)), (100, 105, 4));
    assert_eq!(narrowed((105, 0)), (105, 109, 5));
    let used = uses(&[100, 102, 105, 109], &[]);
    assert_eq!(used.within(&range().narrowed((102, 106))).used(), 2);
}

#[test]
fn reserved_ports_are_given_to_nobody() {
    assert_eq!(range().size(), 8);
    assert!(range().gives(100) && range().gives(109));
    assert!(!range().gives(103) && !range().gives(110) && !range().gives(200));
}

/// Uses of ports: connections, and those in TIME_WAIT with what is left of it, ms.
fn uses(open: &[u16], waiting: &[(u16, u32)]) -> Use {
    let open = open.iter().map(|port| (*port, None));
    let waits = waiting.iter().map(|(port, rest)| (*port, Some(*rest)));
    Use {
        ports: open.chain(waits).collect(),
        ..Use::default()
    }
}

fn target(source: [u8; 4]) -> Target {
    Target::Tcp {
        source: IpAddr::from(source),
        destination: SocketAddr::from((source, 80)),
    }
}

#[test]
fn a_pace_leads_to_an_end_only_where_use_grows() {
    let target = target([10, 0, 0, 1]);
    let before = uses(&[100, 101], &[]);
    let after = uses(&[101], &[102, 105, 106, 107].map(|port| (port, 40_000)));
    let measured = pace(Some(&before), &after, 2.0, false);
    let expected = Pace {
        new_per_s: 2.0,
        freed_per_s: 0.5,
        growth_per_s: 1.5,
    };
    assert_eq!(measured, expected);
    let weighed = pressure(&target, &after, Some(measured), 8, false);
    assert_eq!(
        (weighed.used, weighed.percent.to_bits()),
        (5, 62.5_f64.to_bits())
    );
    assert_eq!(weighed.exhausted_in_s, Some(2.0));
    let reusable = pressure(&target, &after, None, 8, true);
    assert_eq!((reusable.used, reusable.sustainable_per_s), (1, None));
    let young = uses(&[101], &[(102, 59_900), (105, 59_900), (106, 40_000)]);
    assert_eq!(pressure(&target, &young, None, 8, true).used, 3);
    assert_eq!(
        pressure(&target, &after, None, 8, false).exhausted_in_s,
        None
    );
    assert!(pressure(&target, &after, None, 0, false).percent > 99.0);
}

#[test]
fn what_waited_and_is_taken_again_is_new_and_leads_to_an_end() {
    let target = target([127, 0, 0, 1]);
    // Two of four that wait are taken: all ports were in use before, and yet two more are.
    let before = uses(
        &[100],
        &[(101, 50_000), (102, 50_000), (105, 50_000), (106, 50_000)],
    );
    let after = uses(&[100, 101, 102], &[(105, 48_000), (106, 48_000)]);
    let measured = pace(Some(&before), &after, 2.0, true);
    assert_eq!((measured.new_per_s, measured.growth_per_s), (1.0, 1.0));
    let weighed = pressure(&target, &after, Some(measured), 8, true);
    assert_eq!((weighed.used, weighed.exhausted_in_s), (3, Some(5.0)));
    // One of a hundred that come and go is there at the second look and none was at the first.
    let before: Vec<(u16, u32)> = (0..100).map(|port| (port, 50_000)).collect();
    let again: Vec<(u16, u32)> = (1..100).map(|port| (port, 59_000)).collect();
    let measured = pace(Some(&uses(&[], &before)), &uses(&[0], &again), 2.0, true);
    assert_eq!((measured.new_per_s, measured.growth_per_s), (50.0, 0.0));
    let before = uses(
        &[100],
        &[(101, 50_000), (102, 50_000), (105, 50_000), (106, 50_000)],
    );
    // Taken and closed again: that goes on for ever.
    let after = uses(
        &[100],
        &[(101, 58_900), (102, 58_900), (105, 48_000), (106, 48_000)],
    );
    let measured = pace(Some(&before), &after, 2.0, true);
    assert_eq!((measured.new_per_s, measured.growth_per_s), (1.0, 0.0));
    assert_eq!(
        pressure(&target, &after, Some(measured), 8, true).exhausted_in_s,
        None
    );
}

#[test]
fn a_small_leak_is_seen_although_many_short_connections_come_and_go() {
    let growth = |leaked: u16, short: u16| {
        let waits = |rest: u32| (10_000..12_000).map(move |port| (port, rest));
        let open = |from: u16, count: u16| (from..from + count).collect::<Vec<u16>>();
        let before = uses(&open(1_000, short), &waits(30_000).collect::<Vec<_>>());
        let after = [open(2_000, short), open(3_000, leaked)].concat();
        let after = uses(&after, &waits(59_000).collect::<Vec<_>>());
        pace(Some(&before), &after, 2.0, true).growth_per_s
    };
    // Two thousand in two seconds, ten of them at any moment.
    assert!((growth(20, 10) - 10.0).abs() < 0.1, "{}", growth(20, 10));
    assert!(growth(8, 10).abs() < 0.1, "{}", growth(8, 10));
    assert!(growth(20, 200).abs() < 0.1, "{}", growth(20, 200));
}

#[test]
fn reuse_of_time_wait_is_for_all_or_for_loopback() {
    let (home, far) = (target([127, 0, 0, 1]), target([10, 0, 0, 1]));
    let said = |tw_reuse| (is_reusable(&home, tw_reuse), is_reusable(&far, tw_reuse));
    assert_eq!(said(0), (false, false));
    assert_eq!(said(1), (true, true));
    assert_eq!(said(2), (true, false));
    assert!(!is_reusable(&Target::Udp, 2));
}
