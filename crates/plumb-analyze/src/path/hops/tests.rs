//! Answers of probes in, hops and what is said of them out.

use super::*;

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn hops(from: &[u8]) -> Vec<Hop> {
    (1..)
        .zip(from)
        .map(|(ttl, &last)| Hop {
            ttl,
            heard: (last != 0)
                .then(|| Heard {
                    from: ip(last),
                    word: Word::TimeExceeded,
                    ttl: None,
                })
                .into_iter()
                .collect(),
        })
        .collect()
}

#[test]
fn a_circle_is_one_after_three_rounds_and_not_before() {
    let end = |from: &[u8]| verdict(&hops(from), ip(99));
    assert_eq!(end(&[1, 2, 3, 2, 3, 2, 3]), End::Loop { ttl: 2, period: 2 });
    assert_eq!(end(&[1, 2, 0, 2, 0, 2, 0]), End::Silent { ttl: 6 });
    assert_eq!(
        end(&[1, 2, 3, 0, 2, 3, 0, 2, 3, 0]),
        End::Loop { ttl: 2, period: 3 }
    );
    assert_eq!(end(&[1, 2, 3, 2, 3]), End::Silent { ttl: 5 });
    assert_eq!(end(&[1, 1, 1, 1, 1, 1]), End::Silent { ttl: 6 });
    assert_eq!(end(&[0, 0, 0]), End::Silent { ttl: 0 });
}

#[test]
fn a_word_ends_the_way_where_it_was_said() {
    let mut way = hops(&[1, 2, 3]);
    way[2].heard[0].word = Word::of_icmp(false, 3, 13);
    let End::Stopped { ttl: 3, word, .. } = verdict(&way, ip(99)) else {
        panic!("{way:?}");
    };
    assert_eq!(word.text(), "admin prohibited");
    way[2].heard[0].word = Word::of_icmp(false, 3, 3);
    let End::Stopped { router_ttl: 3, .. } = verdict(&way, ip(99)) else {
        panic!("{way:?}");
    };
    let word = Word::PortUnreachable;
    assert_eq!(verdict(&way, ip(3)), End::Reached { ttl: 3, word });
    assert_eq!(Word::of_icmp(true, 1, 4), word);
    assert_eq!(Word::of_icmp(true, 3, 0), Word::TimeExceeded);
    assert_eq!(Word::of_icmp(true, 1, 1).text(), "admin prohibited");
}

#[test]
fn answers_tell_of_hidden_hops() {
    let mut way = hops(&[1, 1, 2]);
    way[2].heard[0].ttl = Some(58);
    assert_eq!(
        strange(&way, ip(99)),
        [
            Strange::SameTwice {
                ttl: 1,
                from: ip(1)
            },
            Strange::LongerWayBack {
                ttl: 3,
                there: 3,
                back: 7
            }
        ]
    );
    way[2].heard[0].ttl = Some(61);
    assert_eq!(strange(&way, ip(99)).len(), 1);
    assert_eq!(hops_back(255), Some(1));
}

#[test]
fn a_router_on_two_ways_of_different_length_is_not_hiding_others() {
    let mut way = hops(&[1, 2, 2, 3]);
    assert_eq!(strange(&way, ip(9)).len(), 1);
    also(&mut way, 1, 4, Word::TimeExceeded);
    assert_eq!(strange(&way, ip(9)), []);
}

/// A hop that says more.
fn also(way: &mut [Hop], at: usize, last: u8, word: Word) {
    way[at].heard.push(Heard {
        from: ip(last),
        word,
        ttl: None,
    });
}

#[test]
fn one_of_two_ways_that_is_closed_does_not_end_the_other() {
    let mut way = hops(&[1, 2, 3]);
    let word = Word::of_icmp(false, 3, 1);
    way[1].heard.clear();
    also(&mut way, 1, 1, word);
    assert_eq!(verdict(&way, ip(9)), End::Silent { ttl: 3 });
    also(&mut way, 2, 9, Word::Reply);
    assert!(matches!(verdict(&way, ip(9)), End::Reached { ttl: 3, .. }));
    let from = ip(1);
    assert_eq!(
        strange(&way, ip(9)),
        [Strange::SomeStop { ttl: 2, from, word }]
    );
    // Without the other way it is the end, and no more than that.
    way.truncate(2);
    assert!(matches!(verdict(&way, ip(9)), End::Stopped { ttl: 2, .. }));
    assert_eq!(strange(&way, ip(9)), []);
}

#[test]
fn routers_with_the_address_of_the_destination_are_behind_a_translation() {
    let way = hops(&[1, 9, 9, 9]);
    assert_eq!(
        strange(&way, ip(9)),
        [Strange::Translated { ttl: 2, last: 4 }]
    );
}

#[test]
fn who_refuses_behind_a_translation_is_the_last_of_those_with_the_address() {
    let mut way = hops(&[9, 9, 9, 9]);
    way[3].heard[0].word = Word::of_icmp(false, 3, 13);
    let End::Stopped {
        ttl, router_ttl, ..
    } = verdict(&way, ip(9))
    else {
        panic!("{way:?}");
    };
    assert_eq!((ttl, router_ttl), (4, 3));
}
