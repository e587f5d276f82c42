//! How many descriptors the watched processes have open, once a second, and where that leads.

use std::collections::HashMap;
use std::time::Instant;

use plumb_analyze::leaks;
use plumb_model::id::Pid;
use serde::Serialize;

/// Processes that are watched for growth at most.
const MAX_PROCESSES: usize = 256;

/// Samples of each process.
#[derive(Debug, Default)]
pub struct Growths {
    begun: Option<Instant>,
    samples: HashMap<Pid, Vec<(f64, f64)>>,
    limits: HashMap<Pid, u64>,
}

/// A process whose descriptors grow in number.
#[derive(Debug, Serialize)]
pub struct Row {
    pid: u32,
    descriptors: u64,
    limit: Option<u64>,
    per_min: f64,
    full_in_s: Option<f64>,
}

impl Growths {
    /// Looks at the processes.
    pub fn sample(&mut self, pids: &[Pid]) {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        let now = begun.elapsed().as_secs_f64();
        for &pid in pids.iter().take(MAX_PROCESSES) {
            let Some(open) = count_descriptors(pid) else {
                continue;
            };
            #[expect(
                clippy::cast_precision_loss,
                reason = "numbers of descriptors are small"
            )]
            let open = open as f64;
            self.samples.entry(pid).or_default().push((now, open));
            if !self.limits.contains_key(&pid)
                && let Some(limit) = read_limit(pid)
            {
                self.limits.insert(pid, limit);
            }
        }
    }

    /// Gives the processes that grow, the fastest first.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self
            .samples
            .iter()
            .filter_map(|(pid, samples)| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it was a count"
                )]
                let open = samples.last()?.1 as u64;
                let limit = self.limits.get(pid).copied();
                let free = limit.map(|limit| limit.saturating_sub(open));
                let growth = leaks::growth(samples, free)?;
                Some(Row {
                    pid: pid.0,
                    descriptors: open,
                    limit,
                    per_min: (growth.per_s * 600.0).round() / 10.0,
                    full_in_s: growth.full_in_s.map(f64::round),
                })
            })
            .collect();
        rows.sort_by(|a, b| b.per_min.total_cmp(&a.per_min).then(a.pid.cmp(&b.pid)));
        rows
    }

    /// Says the same in words.
    pub fn lines(&self) -> Vec<String> {
        let line = |row: &Row| {
            let until = match (row.limit, row.full_in_s) {
                (Some(limit), Some(s)) => {
                    format!("; at this rate it reaches its limit of {limit} in {s:.0} s")
                }
                _ => String::new(),
            };
            format!(
                "process {} opens {} descriptors more each minute ({} now){until}",
                row.pid, row.per_min, row.descriptors
            )
        };
        self.rows().iter().map(line).collect()
    }
}

fn count_descriptors(pid: Pid) -> Option<usize> {
    Some(
        std::fs::read_dir(format!("/proc/{}/fd", pid.0))
            .ok()?
            .count(),
    )
}

/// Reads the soft limit of descriptors.
fn read_limit(pid: Pid) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/limits", pid.0)).ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_ascii_whitespace().nth(3)?.parse().ok()
}
