//! Ten thousand sockets.

use std::time::{Duration, Instant};

use plumb_testkit::sandbox;

use super::{Leaking, Place, text};

/// On a busy machine with a program that was not optimized; it takes less than a second.
const BOUND: Duration = Duration::from_secs(20);
/// The kernel does not call a program for about one change of state in 100 000 when it is busy; here time is what counts.
const MISSED: usize = 2;

#[test]
fn ten_thousand_sockets_are_answered_in_bounded_time_needs_root() {
    sandbox::run(|| {
        let place = Place::new();
        let _recorder = place.record(&[]);
        let folder = super::TempDir::new("many").expect("a folder can be made");
        let _server = Leaking::start("C, -O2", &folder, ["accept", "5151", "5000"], "listening");
        let other = super::TempDir::new("many").expect("a folder can be made");
        let _client = Leaking::start("C, -O2", &other, ["connect", "5151", "5000"], "ready");
        for words in [["netstat", "-tn", "--stack"], ["ss", "-tn", "--stack"]] {
            let begun = Instant::now();
            let listing = text(&mut place.plumb(&words));
            let took = begun.elapsed();
            println!("{words:?}: {took:?}");
            for function in ["leak_here (leak.c:20)", "take_here (leak.c:37)"] {
                let named = listing.matches(function).count();
                assert!(
                    (5000 - MISSED..=5000).contains(&named),
                    "{words:?}: {function} {named} times"
                );
            }
            assert!(took < BOUND, "{words:?} took {took:?}");
        }
    });
}
