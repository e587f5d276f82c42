//! Runs plumb and watches what it costs.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// `USER_HZ`.
const TICKS_PER_S: f64 = 100.0;

/// What a process cost.
#[derive(Debug, Default, Clone, Copy)]
pub struct Cost {
    /// The most memory it had at once.
    pub peak_kb: u64,
    /// Time of processors, its children's not included.
    pub cpu_s: f64,
    /// Time of the clock.
    pub wall_s: f64,
}

/// plumb at work.
pub(super) struct Watched {
    pub(super) child: Child,
    cost: Cost,
    began: Instant,
}

impl Watched {
    /// Starts it; its answer goes into a file.
    pub(super) fn start(plumb: &Path, words: &[&str], answer: &Path) -> io::Result<Self> {
        let child = Command::new(plumb)
            .args(words)
            .stdin(Stdio::null())
            .stdout(File::create(answer)?)
            .spawn()?;
        Ok(Self {
            child,
            cost: Cost::default(),
            began: Instant::now(),
        })
    }

    /// Looks at it once; says whether it has ended.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        let process = format!("/proc/{}", self.child.id());
        // Not waited for yet, so this is it, living or not.
        if let Ok(stat) = std::fs::read_to_string(format!("{process}/stat")) {
            self.cost.cpu_s = cpu_s(&stat).unwrap_or(self.cost.cpu_s);
        }
        if let Ok(status) = std::fs::read_to_string(format!("{process}/status")) {
            self.cost.peak_kb = peak_kb(&status).unwrap_or(self.cost.peak_kb);
        }
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end, and gives what it cost.
    pub(super) fn finish(mut self) -> io::Result<Cost> {
        while !self.look()? {
            std::thread::sleep(LOOK);
        }
        let status = self.child.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("plumb ended with {status}")));
        }
        self.cost.wall_s = self.began.elapsed().as_secs_f64();
        Ok(self.cost)
    }
}

/// Reads the times of a process (`utime` and `stime`, behind the name in brackets).
fn cpu_s(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let user: f64 = words.next()?.parse().ok()?;
    let system: f64 = words.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_S)
}

fn peak_kb(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
