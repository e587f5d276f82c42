//! Processes that come and go so fast that finding owners is a race, and sockets that say themselves who
//! holds them.
//!
//! A forker keeps some hundred children alive and replaces the oldest, a thousand a second, so that ids of
//! processes come back. Each child holds sockets whose name or address is the truth: an abstract UNIX name
//! lists everybody who may ever hold the socket, a TCP listener's address is the id of its process. Whoever
//! looks can therefore be wrong, and be told.

mod child;
mod fork;
mod forker;
pub mod truth;

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub use child::hold;
pub use forker::run;

/// The word that makes `plumb-churn` a child that has become another program.
pub const HELD: &str = "held";

/// How much churn.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Children alive at a time.
    pub live: usize,
    /// New ones a second, as far as the machine can.
    pub per_second: u32,
    /// Sockets of one more process, which stays.
    pub big: usize,
}

/// A forker that is running; dropping it ends it and its children.
#[derive(Debug)]
pub struct Churn {
    forker: Child,
}

impl Churn {
    /// Starts `program`, which is `plumb-churn`, in the caller's namespaces.
    pub fn start(program: &Path, plan: Plan) -> io::Result<Self> {
        let forker = Command::new(program)
            .arg(plan.live.to_string())
            .arg(plan.per_second.to_string())
            .arg(plan.big.to_string())
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let text = format!(
                    "{}: {error} (cargo build --bins makes it)",
                    program.display()
                );
                io::Error::new(error.kind(), text)
            })?;
        Ok(Self { forker })
    }

    /// Says whether the forker is still at it.
    pub fn goes_on(&mut self) -> bool {
        matches!(self.forker.try_wait(), Ok(None))
    }

    /// Gives the id of the forker.
    pub fn pid(&self) -> u32 {
        self.forker.id()
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        // Its children die with it.
        let _ = self.forker.kill();
        let _ = self.forker.wait();
    }
}
