//! The forker: keeps children alive, and replaces the oldest again and again.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, getrlimit, kill_process, setrlimit, waitpid,
};

use super::Plan;
use super::child::{self, Role};
use super::fork::{Side, fork};
use super::truth::Who;
use crate::holding::in_flight;

/// Runs until standard input ends.
pub fn run(plan: Plan) -> io::Result<()> {
    let hard = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: hard,
            maximum: hard,
        },
    )?;
    let us = Who::of(std::process::id()).ok_or_else(|| io::Error::other("no /proc"))?;
    if plan.big > 0
        && let Side::Child = fork()?
    {
        child::hold_many(plan.big);
    }
    let mut forker = Forker {
        us,
        live: VecDeque::with_capacity(plan.live),
        born: 0,
    };
    let began = Instant::now();
    while !input_ends_before(began + due(forker.born, plan.per_second))? {
        if forker.live.len() >= plan.live {
            forker.end_oldest()?;
        }
        forker.bear()?;
    }
    Ok(())
}

/// When, since the beginning, a child is to be born.
fn due(number: usize, per_second: u32) -> Duration {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    Duration::from_secs(1) * number / per_second.max(1)
}

/// Waits for the moment; says whether standard input ended first.
fn input_ends_before(moment: Instant) -> io::Result<bool> {
    let left = moment.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    let input = rustix::stdio::stdin();
    let mut polled = [PollFd::new(&input, PollFlags::IN)];
    Ok(poll(&mut polled, Some(&left))? > 0)
}

struct Forker {
    us: Who,
    live: VecDeque<Pid>,
    born: usize,
}

impl Forker {
    fn bear(&mut self) -> io::Result<()> {
        let number = self.born;
        self.born += 1;
        let role = Role::ALL[number % Role::ALL.len()];
        let mut to_inherit = None;
        let mut ends = None;
        match role {
            Role::Inherits => to_inherit = Some(unnamed()?),
            Role::Receives => ends = Some(UnixStream::pair()?),
            Role::Keeps | Role::Ends | Role::Becomes => {}
        }
        let (near, far) = ends.unzip();
        let child = match fork()? {
            Side::Child => {
                drop(near);
                child::live(role, number, to_inherit, far)
            }
            Side::Parent(child) => child,
        };
        drop(far);
        self.live
            .extend(i32::try_from(child).ok().and_then(Pid::from_raw));
        // It has not been waited for, so this is it, whether it lives or not.
        let Some(them) = Who::of(child) else {
            return Ok(());
        };
        let holders = [self.us, them];
        if let Some(socket) = to_inherit {
            child::give_name(&socket, &holders, number)?;
        }
        if let Some(near) = near {
            let socket = child::named(&holders, number)?;
            // A child that could not start is nobody's loss.
            let _ = in_flight::send(&near, socket.as_fd());
        }
        Ok(())
    }

    fn end_oldest(&mut self) -> io::Result<()> {
        if let Some(pid) = self.live.pop_front() {
            // One that has ended by itself is there until it is waited for.
            kill_process(pid, Signal::KILL)?;
            waitpid(Some(pid), WaitOptions::empty())?;
        }
        Ok(())
    }
}

/// A socket that has no name yet.
fn unnamed() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    Ok(socket)
}
