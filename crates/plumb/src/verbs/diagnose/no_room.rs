//! Who finds no room at UNIX listeners: since when a thread waits in `connect()`, from one sample to the next, and whom the
//! kernel has sent away.

use std::collections::BTreeMap;

use plumb_collect::sample;
use plumb_model::notice::UnixClient;
use plumb_model::sample::{Sample, UnixWait};

use super::look::UnixRefused;

/// Those who wait now, and in which sample each was first seen to.
#[derive(Debug, Default)]
pub(super) struct Waits(BTreeMap<UnixWait, u64>);

impl Waits {
    /// Takes a sample: who is not seen any more does not wait, or for something else.
    pub fn see(&mut self, sample: &Sample) {
        let waits = sample.unix_waits.iter();
        let now = waits.map(|wait| (wait.clone(), *self.0.get(wait).unwrap_or(&sample.at_us)));
        self.0 = now.collect();
    }

    /// Gives who found no room, seen from the last sample; `refused` are those whom the kernel sent away.
    pub fn clients(&self, last: &Sample, refused: Vec<UnixRefused>) -> Vec<UnixClient> {
        let waiting = self.0.iter().map(|(wait, since_us)| UnixClient {
            pid: wait.pid,
            comm: wait.comm.clone(),
            listener: wait.listener.clone(),
            refused: 0,
            waited_us: Some(last.at_us.saturating_sub(*since_us)),
        });
        let sent_away = refused.into_iter().filter_map(|refused| {
            Some(UnixClient {
                pid: refused.pid,
                listener: sample::unix_listener(last, refused.pid, &refused.name)?,
                comm: refused.comm,
                refused: refused.count,
                waited_us: None,
            })
        });
        waiting.chain(sent_away).collect()
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::id::Pid;

    use super::*;

    fn sample(at_us: u64, waiting: &[u32]) -> Sample {
        let wait = |pid: &u32| UnixWait {
            pid: Pid(*pid),
            tid: *pid,
            comm: b"client".to_vec(),
            listener: b"/run/web".to_vec(),
        };
        Sample {
            at_us,
            unix_waits: waiting.iter().map(wait).collect(),
            ..Sample::default()
        }
    }

    #[test]
    fn who_waits_does_so_since_the_first_of_the_samples_in_a_row_that_saw_it() {
        let mut waits = Waits::default();
        let samples = [
            sample(0, &[7, 8]),
            sample(300, &[7]),
            sample(700, &[7, 8]),
            sample(900, &[7, 8, 9]),
        ];
        for sample in &samples {
            waits.see(sample);
        }
        let clients = waits.clients(&samples[3], Vec::new());
        let told: Vec<_> = clients
            .iter()
            .map(|client| (client.pid.0, client.waited_us))
            .collect();
        assert_eq!(told, [(7, Some(900)), (8, Some(200)), (9, Some(0))]);
    }
}
