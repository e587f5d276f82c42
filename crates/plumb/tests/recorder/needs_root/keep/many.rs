//! Ten thousand sockets.

use std::time::{Duration, Instant};

use plumb_testkit::sandbox;

use super::{Leaking, Place, text};

/// On a busy machine with a program that was not optimized; it takes less than a second.
const BOUND: Duration = Duration::from_secs(20);

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
            assert_eq!(listing.matches("leak_here (leak.c:20)").count(), 5000);
            assert_eq!(listing.matches("take_here (leak.c:37)").count(), 5000);
            assert!(took < BOUND, "{words:?} took {took:?}");
        }
    });
}
