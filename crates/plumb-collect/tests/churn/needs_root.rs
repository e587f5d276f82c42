//! The race, short in every run and long when asked (`PLUMB_CHURN_ATTRIBUTIONS`, `PLUMB_CHURN_LIVE`,
//! `PLUMB_CHURN_BIG`).

use std::time::{Duration, Instant};

use plumb_collect::processes::details::Wanted;
use plumb_collect::snapshot::{self, Request};
use plumb_model::snapshot::Kind;
use plumb_testkit::churn::{Churn, Plan};
use plumb_testkit::{programs, sandbox};

use crate::tally::Tally;

/// Attributions of a short run.
const FEW: u64 = 20_000;
/// Sockets of the process that has very many, in a short run.
const SMALL_BIG: usize = 500;
/// New processes a second.
const PER_SECOND: u32 = 1_000;
/// Processes alive at a time, in a short run.
const FEW_LIVE: u64 = 150;
/// A run that takes longer is stuck.
const PATIENCE: Duration = Duration::from_hours(1);
/// Below this no id comes back.
const RESERVED_IDS: u64 = 300;
/// Ids that are left over to go round with, beside those that are in use.
const SPARE_IDS: u64 = 50;

fn from_environment(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().expect("a number"),
        Err(_) => usual,
    }
}

/// Lowers the highest id of processes, where that is a matter of this namespace alone (6.14).
fn let_ids_come_back(live: u64) -> bool {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let mut numbers = release
        .split(['.', '-'])
        .map(|word| word.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let highest = (RESERVED_IDS + live + SPARE_IDS).to_string();
    version >= (6, 14) && std::fs::write("/proc/sys/kernel/pid_max", highest).is_ok()
}

fn race() {
    let wanted = from_environment("PLUMB_CHURN_ATTRIBUTIONS", FEW);
    let big = from_environment("PLUMB_CHURN_BIG", u64::try_from(SMALL_BIG).unwrap_or(0));
    let live = from_environment("PLUMB_CHURN_LIVE", FEW_LIVE);
    let come_back = let_ids_come_back(live);
    let plan = Plan {
        live: usize::try_from(live).expect("it fits"),
        per_second: PER_SECOND,
        big: usize::try_from(big).expect("it fits"),
    };
    let program = programs::find("plumb-churn").expect("it was built");
    let mut churn = Churn::start(&program, plan).expect("it starts");
    let request = Request {
        kinds: vec![Kind::Tcp, Kind::UnixDgram],
        details: Wanted::ALL,
        ..Request::default()
    };
    let began = Instant::now();
    let mut tally = Tally::default();
    let mut snapshots = 0_u32;
    while tally.attributions() < wanted && began.elapsed() < PATIENCE {
        tally.add(&snapshot::read(&request), churn.pid());
        assert!(churn.goes_on(), "the forker ended");
        snapshots += 1;
    }
    println!(
        "churn: {} right, {} wrong, unknown {:?}; {snapshots} snapshots in {:.1} s; ids came back: {come_back}",
        tally.right,
        tally.wrong,
        tally.unknown,
        began.elapsed().as_secs_f64()
    );
    assert!(tally.attributions() >= wanted, "the churn stands still");
    assert!(
        tally.wrong == 0,
        "{} wrong owners: {:#?}",
        tally.wrong,
        tally.examples
    );
}

#[test]
fn no_owner_is_wrong_by_bpf() {
    sandbox::run_with_environment(&[("PLUMB_OWNERS", "bpf")], || {
        race();
    });
}

#[test]
fn no_owner_is_wrong_by_proc() {
    sandbox::run_with_environment(&[("PLUMB_OWNERS", "proc")], || {
        race();
    });
}
