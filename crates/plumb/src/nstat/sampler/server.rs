//! The daemon.
//!
//! One thread does everything: it waits for callers until the next sample is due. An answer fits the
//! socket's buffer, so a caller who does not read cannot stop the sampling; one who makes it not fit
//! is given up on after [`PATIENCE`].

use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

use plumb_model::counter::RatedCounter;
use plumb_present::nstat::{Row, write_text};
use plumb_wire::proc::nstat::{Damage, SourceName};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use super::super::increments::{Search, is_hidden, is_idle};
use super::super::options::Plan;
use super::super::{DAMAGED, FAILED, sources};
use super::{address, socket};
use crate::errno;
use crate::output::Output;

/// How long a caller may take to read what does not fit the socket's buffer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many callers may wait.
const BACKLOG: i32 = 5;
/// Pause after a failure to accept that would only repeat itself at once (no descriptors left).
const PAUSE: Duration = Duration::from_millis(100);

/// Becomes the daemon; the caller's process ends with status 0 as soon as callers can connect.
/// Gives the exit status if that fails, or when the counters can no longer be read.
pub fn run(plan: &Plan, out: &mut Output) -> u8 {
    let listener = match listen() {
        Ok(listener) => listener,
        Err((operation, error)) => {
            let cause = errno::words(error);
            out.complain(format!("nstat: {operation}: {cause}\n").as_bytes());
            return FAILED;
        }
    };
    if let Err(error) = plumb_collect::sys::daemon::detach() {
        out.complain(format!("nstat: daemon: {error}\n").as_bytes());
        return FAILED;
    }
    match Sampler::start(plan).and_then(|sampler| sampler.serve(&listener)) {
        Ok(never) => match never {},
        Err(_) => DAMAGED,
    }
}

fn listen() -> Result<OwnedFd, (&'static str, Errno)> {
    let fd = socket().map_err(|error| ("socket", error))?;
    let uid = rustix::process::getuid().as_raw();
    address(uid)
        .and_then(|address| rustix::net::bind(&fd, &address))
        .map_err(|error| ("bind", error))?;
    rustix::net::listen(&fd, BACKLOG).map_err(|error| ("listen", error))?;
    Ok(fd)
}

/// The counters as they were sampled last, and their rates.
struct Sampler {
    counters: Vec<RatedCounter>,
    source: String,
    zeros: bool,
    scan: Duration,
    /// The share that one sample has in a rate.
    weight: f64,
    sampled: Instant,
}

impl Sampler {
    fn start(plan: &Plan) -> Result<Self, Damage> {
        let counters = sources::read_kernel(&mut SourceName::default())?;
        Ok(Self {
            counters,
            source: source(plan),
            zeros: plan.zeros,
            scan: Duration::from_millis(u64::from(plan.scan_ms)),
            weight: weight(plan),
            sampled: Instant::now(),
        })
    }

    fn serve(mut self, listener: &OwnedFd) -> Result<std::convert::Infallible, Damage> {
        loop {
            let elapsed = self.sampled.elapsed();
            let left = self.scan.saturating_sub(elapsed);
            if left < Duration::from_millis(1) {
                let now = sources::read_kernel(&mut SourceName::default())?;
                update(&mut self.counters, &now, elapsed, self.weight);
                self.sampled += elapsed;
                continue;
            }
            // Without a timeout the next sample could come late, but come it would.
            let _ = set_socket_timeout(listener, Timeout::Recv, Some(left));
            match rustix::net::accept(listener) {
                Ok(caller) => self.answer(&caller),
                Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => {}
                Err(_) => std::thread::sleep(left.min(PAUSE)),
            }
        }
    }

    fn answer(&self, caller: &OwnedFd) {
        let rows: Vec<Row<'_>> = self
            .counters
            .iter()
            .filter(|c| !is_hidden(c) && (self.zeros || !is_idle(c.value, c.rate)))
            .map(Row::absolute)
            .collect();
        let mut text = Vec::new();
        write_text(&mut text, self.source.as_bytes(), &rows);
        if set_socket_timeout(caller, Timeout::Send, Some(PATIENCE)).is_err() {
            return;
        }
        let mut rest = &*text;
        while !rest.is_empty() {
            match rustix::net::send(caller, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or(&[]),
                Err(Errno::INTR) => {}
                // The caller left, or does not read.
                Err(_) => return,
            }
        }
    }
}

/// Names this sampler, so that histories of another one are known for stale.
fn source(plan: &Plan) -> String {
    let random = std::hash::RandomState::new().hash_one(0) >> 33;
    format!(
        "{}.{random} sampling_interval={} time_const={}",
        std::process::id(),
        plan.scan_ms / 1000,
        plan.interval_secs
    )
}

/// The exponential average forgets nine tenths in the interval of -t.
fn weight(plan: &Plan) -> f64 {
    let intervals = f64::from(plan.scan_ms) / 1000.0 / f64::from(plan.interval_secs);
    1.0 - power_of_tenth(intervals)
}

/// Gives 0.1 to the power of `exponent`, which is not negative, with an error below 1e-12.
///
/// The only power this program needs; the mathematical library for it would make every personality
/// start later and larger.
fn power_of_tenth(exponent: f64) -> f64 {
    /// Halved this often, an exponent of at most 1024 is small enough for the series.
    const HALVINGS: i32 = 12;
    const TERMS: i32 = 12;
    if exponent > 400.0 {
        return 0.0;
    }
    let small = -exponent * std::f64::consts::LN_10 / f64::from(1 << HALVINGS);
    // e^x - 1, so that squaring loses nothing of the small difference from 1.
    let mut grown = 0.0;
    for term in (1..=TERMS).rev() {
        grown = small / f64::from(term) * (1.0 + grown);
    }
    for _ in 0..HALVINGS {
        grown = grown * (2.0 + grown);
    }
    1.0 + grown
}

/// Takes a new sample over. Only counters of the first sample are kept, in their order.
fn update(counters: &mut [RatedCounter], now: &[RatedCounter], elapsed: Duration, weight: f64) {
    let mut search = Search::new(now);
    for counter in counters {
        let Some(new) = search.find(&counter.name) else {
            continue;
        };
        // What a counter that was reset grew by is not known: its rate stays.
        if let Some(growth) = new.value.checked_sub(counter.value) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a rate is shown with one decimal"
            )]
            let rate = growth as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
            counter.rate += weight * (rate - counter.rate);
        }
        counter.value = new.value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(name: &str, value: u64, rate: f64) -> RatedCounter {
        RatedCounter {
            name: name.into(),
            value,
            rate,
        }
    }

    #[test]
    fn powers_of_a_tenth_are_those_of_the_mathematical_library() {
        for exponent in [
            0.0,
            1e-9,
            0.001,
            1.0 / 60.0,
            0.5,
            1.0,
            2.5,
            17.0,
            300.0,
            1e9,
        ] {
            let (ours, exact) = (power_of_tenth(exponent), 10_f64.powf(-exponent));
            assert!((ours - exact).abs() <= 1e-12, "{exponent}: {ours} {exact}");
        }
    }

    #[test]
    fn rates_are_exponential_averages() {
        let plan = Plan {
            scan_ms: 1000,
            interval_secs: 3,
            zeros: false,
        };
        let mut counters = [counter("A", 10, 0.0), counter("B", 20, 0.0)];
        let second = Duration::from_secs(1);
        update(
            &mut counters,
            &[counter("A", 15, 0.0)],
            second,
            weight(&plan),
        );
        // The original said 2.7 and, a second later, 1.2 (`nstat -d 1 -t 3`, A from 10 to 15).
        assert_eq!(format!("{:.1}", counters[0].rate), "2.7");
        assert_eq!(counters[1], counter("B", 20, 0.0));
        update(
            &mut counters,
            &[counter("A", 15, 0.0)],
            second,
            weight(&plan),
        );
        assert_eq!(format!("{:.1}", counters[0].rate), "1.2");
    }

    #[test]
    fn a_reset_counter_keeps_its_rate_and_takes_its_new_value() {
        let mut counters = [counter("A", 10, 1.5)];
        update(
            &mut counters,
            &[counter("A", 3, 0.0)],
            Duration::from_secs(1),
            0.5,
        );
        assert_eq!(counters[0], counter("A", 3, 1.5));
    }
}
