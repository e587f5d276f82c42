//! `fd-limit`: processes whose descriptors run out, and one that has many and may.

use std::io;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "fd-limit/full",
        about: "a server has every descriptor it may have",
        make: |stage| hoard(stage, "256", "0"),
    },
    Scenario {
        name: "fd-limit/healthy-many",
        about: "a server has hundreds of descriptors and may have many more",
        make: |stage| {
            hoard(stage, "2048", "1500")?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "fd-limit/healthy-elsewhere",
        about: "a server in another network namespace has every descriptor it may have",
        make: |stage| {
            let peer = stage.peer("elsewhere")?;
            stage.actor(Some(&peer), &["hoard", "256", "0", "127.0.0.1:8080"])?;
            Ok(Expected::nothing())
        },
    },
];

fn hoard(stage: &mut Stage, limit: &str, left: &str) -> io::Result<Expected> {
    let pid = stage.actor(None, &["hoard", limit, left, "127.0.0.1:8080"])?;
    Ok(Expected::subject("pid", pid))
}
