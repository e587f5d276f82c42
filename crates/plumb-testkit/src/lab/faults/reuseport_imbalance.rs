//! `reuseport-imbalance`: one process of a group is stuck, and a group in which all work.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "reuseport-imbalance/one-stuck",
        about: "four sockets share a port; three are served, the process of the fourth is stuck",
        make: |stage| {
            let stuck = stage.actor(None, &["share", "127.0.0.1:8080", "0"])?;
            serve(stage, 3)?;
            Ok(Expected::subject("local", "127.0.0.1:8080").and("pid", stuck))
        },
    },
    Scenario {
        name: "reuseport-imbalance/clients-wait",
        about: "the queue of the stuck one is full, and clients wait for an answer; asked about the port",
        make: clients_wait,
    },
    Scenario {
        name: "reuseport-imbalance/healthy",
        about: "four sockets share a port and all are served",
        make: |stage| {
            serve(stage, 4)?;
            Ok(Expected::nothing())
        },
    },
];

fn clients_wait(stage: &mut Stage) -> io::Result<Expected> {
    let stuck = stage.actor(None, &["share", "127.0.0.1:8080", "0"])?;
    stage.actor(None, &["share", "127.0.0.1:8080", "1"])?;
    // Each stays with the attempt that is not answered; its queue takes 129.
    for _ in 0..20 {
        stage.repeat(|| {
            let server = ([127, 0, 0, 1], 8080).into();
            drop(TcpStream::connect_timeout(&server, Duration::from_secs(10)));
        });
    }
    stage.wait_for_counter("TcpExt", "ListenOverflows", 20)?;
    let expected = Expected::subject("local", "127.0.0.1:8080").and("pid", stuck);
    Ok(expected.asked([":8080"]))
}

fn serve(stage: &mut Stage, processes: usize) -> io::Result<()> {
    for _ in 0..processes {
        stage.actor(None, &["share", "127.0.0.1:8080", "1"])?;
    }
    stage.repeat(|| {
        drop(TcpStream::connect("127.0.0.1:8080"));
        std::thread::sleep(Duration::from_millis(10));
    });
    // Some fall to each.
    stage.wait_for_counter("Tcp", "PassiveOpens", 40)
}
