//! The time that numbers are about, as the envelope and the line below the table say it.

use std::time::Duration;

use plumb_model::Known;
use serde_json::json;

use super::row::Row;

/// The time that numbers are about.
#[derive(Debug, Clone, Copy)]
pub enum Span {
    /// All the time before: seconds since the machine started, where the counters are as old as it.
    Whole(Known<f64>),
    /// The seconds between two readings.
    Between(f64),
}

impl Span {
    /// Gives the seconds, where they are known.
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::Whole(seconds) => seconds.ok(),
            Self::Between(seconds) => Some(seconds),
        }
        .filter(|seconds| *seconds > 0.0)
    }

    /// Gives the members of the envelope that say what the numbers are about.
    pub fn members(self) -> Vec<(&'static str, serde_json::Value)> {
        let since = match self {
            Self::Whole(Known::Known(_)) => "boot",
            Self::Whole(Known::Unknown(_)) => "namespace",
            Self::Between(_) => "sample",
        };
        vec![
            ("since", json!(since)),
            ("interval_s", json!(self.seconds())),
        ]
    }

    /// Says for people what the numbers of rows are about: those of one network namespace, or of every one.
    pub fn footer(self, everywhere: bool, rows: &[Row]) -> String {
        let length = |seconds: f64| {
            let us = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let us = u64::try_from(us.as_micros()).unwrap_or(u64::MAX);
            plumb_present::report::value::duration_us(us)
        };
        match self {
            Self::Whole(Known::Known(seconds)) => format!(
                "Totals and rates since the machine started, {} ago; --for 1s shows what happens now.",
                length(seconds)
            ),
            Self::Whole(Known::Unknown(_)) if everywhere => {
                "Totals since each network namespace was made, nobody knows when for all but the first; \
                 --for 1s shows what happens now."
                    .to_owned()
            }
            Self::Whole(Known::Unknown(_)) => {
                let groups: Vec<&str> = rows.iter().filter(|row| row.whole_host).map(Row::group).collect();
                let host = whole_host(groups);
                format!(
                    "Totals since this network namespace was made, nobody knows when{host}; --for 1s shows what \
                     happens now."
                )
            }
            Self::Between(seconds) => format!("What happened within {}.", length(seconds)),
        }
    }
}

/// Says which groups are older than the namespace.
fn whole_host(mut groups: Vec<&str>) -> String {
    groups.dedup();
    match groups[..] {
        [] => String::new(),
        _ => format!(", but {} since the host started", groups.join(", ")),
    }
}
