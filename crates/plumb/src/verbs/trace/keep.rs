//! `plumb trace --keep`: stays in the background, and tells others which code made a socket.
//!
//! One loop: questions are heard, what the programs told until then is taken in, clients are served, and then it
//! waits for any of these. So an answer knows everything that happened before its question, and a client never
//! holds up the recording: it is served as far as its socket takes bytes without waiting. Stacks are named by a
//! thread of their own, when somebody asks for them.

mod answers;
mod client;
mod detach;
mod kept;
mod names;
mod retention;
mod serving;
mod unnamed;

use std::time::{Duration, Instant};

use clap::Args;
use plumb_bpf::recorder::{Layer, Plan, Scope};
use plumb_collect::creation::{Server, serving_place};
use plumb_collect::names as system_names;
use plumb_model::creation::Recorder;

use self::kept::{Extent, Kept};
use self::retention::Retention;
use self::serving::Serving;
use super::super::recording::Failure;
use super::super::recording::command::{Running, shell_status};
use super::super::recording::session::Session;
use super::super::recording::whom::Whom;
use super::super::status;

/// Time between two looks when nothing wakes us.
const LOOK: Duration = Duration::from_millis(100);

/// The options of a recorder in the background.
#[derive(Debug, Args)]
#[command(next_help_heading = "In the background")]
pub struct KeepArguments {
    /// Stays, shows nothing, and tells others which code made a socket: netstat --stack, ss --stack, ls --stack. It serves its
    /// own user and root at a local socket, until it is interrupted.
    #[arg(long, conflicts_with_all = ["strace_like", "stacks", "waterfall", "no_calls", "form", "json"])]
    keep: bool,
    /// Serves the members of this group, too: they see who made every socket that is recorded.
    #[arg(long, value_name = "NAME", requires = "keep")]
    group: Option<String>,
    /// Goes on without the terminal, once it records.
    #[arg(long, requires = "keep", conflicts_with = "command")]
    detach: bool,
    /// What --detach starts.
    #[arg(long, hide = true, requires = "keep")]
    detached: bool,
}

impl KeepArguments {
    /// Says whether this is asked for.
    pub fn is_wanted(&self) -> bool {
        self.keep
    }
}

/// Records and serves until the end; gives the exit status.
pub fn run(arguments: &KeepArguments, whom: &Whom, length: Option<Duration>) -> u8 {
    if arguments.detach {
        return detach::start();
    }
    match begin(arguments, whom, length) {
        Ok((session, serving)) => {
            say_begun(&serving, arguments);
            if arguments.detached {
                detach::let_go();
            }
            record(session, serving, whom)
        }
        Err(failure) => status::complain(super::VERB, &failure.text, failure.status),
    }
}

fn begin(
    arguments: &KeepArguments,
    whom: &Whom,
    length: Option<Duration>,
) -> Result<(Session, Serving), Failure> {
    let group = match &arguments.group {
        None => None,
        Some(name) => Some(system_names::group_named(name).ok_or_else(|| Failure {
            text: format!("there is no group {name}"),
            status: status::USAGE,
        })?),
    };
    let blind = |text: String| Failure {
        text,
        status: status::BLIND,
    };
    let scope = whom.scope()?;
    let place = serving_place().map_err(|error| blind(error.to_string()))?;
    // Before the programs are loaded: whoever is second has cost nothing.
    let server = Server::begin(&place, group).map_err(|error| blind(error.to_string()))?;
    let plan = Plan {
        scope,
        layers: vec![Layer::Opening, Layer::Reading, Layer::Datagrams],
        ..Plan::default()
    };
    let session = Session::begin(whom, &plan, length)?;
    let serving = Serving::new(server, group).map_err(|error| blind(error.to_string()))?;
    Ok((session, serving))
}

fn record(mut session: Session, mut serving: Serving, whom: &Whom) -> u8 {
    let scope = words(whom);
    let since_us = answers::now_us();
    let group = serving.group();
    let extent = Extent {
        host: !whom.has_filter() && whom.scope().is_ok_and(|scope| scope == Scope::Host),
        stateless: session.sees(Layer::Datagrams),
    };
    let mut kept = Kept::new(std::mem::take(&mut session.older), extent);
    let mut retention = Retention::default();
    loop {
        if session.is_over() {
            let ended = session.command.as_mut().and_then(Running::ended);
            return ended.map_or(status::FINE, shell_status);
        }
        // Questions are taken in first: whoever asks has seen the sockets, so what made them has been told by then.
        if serving.hear(Instant::now()) {
            session.rest(|event, _| kept.take(event));
        }
        let more_waits = session.look(|event, _| kept.take(event));
        kept.note_losses(session.losses().events);
        let recorder = || Recorder {
            pid: std::process::id(),
            since_us,
            scope: scope.clone(),
            group,
            sockets: u64::try_from(kept.count()).unwrap_or(u64::MAX),
            reasons: session
                .reasons()
                .into_iter()
                .chain(kept.reasons())
                .collect(),
        };
        serving.go_on(&kept, &session.code, &recorder, Instant::now());
        if !more_waits {
            retention.tidy(&mut session, &mut kept, &mut serving.names);
            session.wait_also(serving.wanted(), LOOK);
        }
    }
}

fn say_begun(serving: &Serving, arguments: &KeepArguments) {
    let group = match &arguments.group {
        Some(name) => format!(" and group {name}"),
        None => String::new(),
    };
    let text = format!(
        "recording; it serves this user, root{group} at {}",
        serving.path().display()
    );
    status::complain(super::VERB, &text, status::FINE);
}

/// Says whose sockets are recorded.
fn words(whom: &Whom) -> String {
    let whose = &whom.whose;
    let scope = if let Some(path) = &whose.cgroup {
        format!("cgroup {}", path.display())
    } else if let Some(name) = &whose.container {
        format!("container {}", name.display())
    } else if let Some(command) = whom.command.first() {
        format!("{} and its children", command.display())
    } else if whose.pids.is_empty() {
        String::from("the whole host")
    } else {
        let pids: Vec<String> = whose.pids.iter().map(u32::to_string).collect();
        format!("process {} and its children", pids.join(", "))
    };
    if !whom.has_filter() {
        return scope;
    }
    let words = whose.filter.iter().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.collect();
    format!("{scope}, where {}", words.join(" "))
}
