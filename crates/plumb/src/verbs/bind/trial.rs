//! When to bind for real, and what came of it.
//!
//! A bound TCP socket that does not listen gets no packet, so the trial disturbs nobody. A bound UDP
//! socket may: beside others that share the port a datagram could go to it in the microseconds it
//! lives. So with UDP there is no trial where somebody has the port and would share it, unless asked for.

use plumb_analyze::bind::{Attempt, Decision, Protocol};
use plumb_collect::bind::{BindTrial, TrialError, try_bind};
use plumb_model::Uid;
use rustix::io::Errno;

use crate::errno;

/// Whether to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Where it disturbs nobody.
    Careful,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// Says why there should be no trial; `None` when there should.
pub fn objection(wish: Wish, attempt: &Attempt, decision: &Decision) -> Option<String> {
    let shared = !decision.shares.is_empty() || !decision.unsure.is_empty();
    let could_take = attempt.protocol == Protocol::Udp && shared;
    match wish {
        Wish::Never => Some(String::from("--no-try")),
        Wish::Careful if could_take => Some(String::from(
            "a datagram for those who share the port could be lost; --try binds all the same",
        )),
        Wish::Careful | Wish::Always => None,
    }
}

/// Binds for real; `own` is the user this process is.
pub fn run(attempt: &Attempt, own: Uid) -> Result<Result<(), Errno>, TrialError> {
    let trial = BindTrial {
        stream: attempt.protocol == Protocol::Tcp,
        ip: attempt.ip,
        scope_id: attempt.scope_id,
        port: attempt.port,
        reuse_addr: attempt.reuse_addr,
        reuse_port: attempt.reuse_port,
        v6only: attempt.v6only,
        device: attempt.device,
    };
    try_bind(&trial, (attempt.uid != own).then_some(attempt.uid))
}

/// Gives the name of an error, or its number.
pub fn name(error: Errno) -> String {
    errno::name(error).map_or_else(|| format!("errno {}", error.raw_os_error()), str::to_owned)
}
