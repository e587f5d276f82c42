//! What this kernel and this user allow: read by asking for it, wherever asking is harmless.
//!
//! Nothing is changed, nothing is loaded that stays, no socket is closed. What follows from the facts is
//! decided elsewhere (`plumb_analyze::abilities`).

mod places;
mod processes;
mod settings;
mod tables;
mod user;

use plumb_bpf::owners::Source;
use plumb_bpf::{ProgramStatus, Status, Unavailable};
use plumb_model::ability::{Background, Bpf, Facts, Owners, Program, Refusal};

use crate::creation::{Client, Failure};
use crate::owners::engine::{self, Engine, Purpose, Why};

/// Reads all facts.
pub fn read() -> Facts {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy().into_owned();
    Facts {
        user: user::read(),
        settings: settings::read(),
        places: places::read(),
        tables: tables::read(&release),
        destroy: tables::destroy(),
        processes: processes::read(),
        namespaces: processes::namespaces(),
        owners: owners(),
        programs: programs(),
        recorder: recorder(),
        release,
    }
}

fn owners() -> Owners {
    let bpf = match plumb_bpf::owners::can_run() {
        Ok(Source::Pinned(path)) => Ok(Bpf::Pinned(path.display().to_string())),
        Ok(Source::Own) => Ok(Bpf::Loaded),
        Err(unavailable) => Err(refusal(unavailable)),
    };
    let choice = engine::choose(Purpose::Everything);
    let engine = match choice.engine {
        Engine::Bpf => "bpf",
        Engine::Proc => "proc",
    };
    let why = match choice.why {
        Why::Forced => format!("{} says so", engine::VARIABLE),
        Why::Pinned => "an iterator that may be read is pinned".to_owned(),
        Why::ManyFiles => "so many files are open that loading a program pays".to_owned(),
        Why::FewFiles => {
            "so few files are open that loading a program would take longer".to_owned()
        }
        Why::Unavailable(unavailable) => unavailable.why,
        Why::OtherProc => "/proc is not of the pid namespace we are in".to_owned(),
        Why::Covered => "something is mounted over a process".to_owned(),
    };
    Owners { engine, why, bpf }
}

/// Loads every program, and lets go of it.
fn programs() -> Vec<Program> {
    let programs = plumb_bpf::programs().into_iter();
    let program = |program: ProgramStatus| Program {
        name: program.name,
        purpose: program.purpose,
        minimum_kernel: program.minimum_kernel,
        answer: match program.status {
            Status::Runs(hooks) => Ok(hooks),
            Status::CannotRun(unavailable) => Err(refusal(unavailable)),
        },
    };
    programs.map(program).collect()
}

fn recorder() -> Background {
    match Client::connect() {
        Ok(client) => Background::Serves(client.recorder),
        Err(failure @ (Failure::None | Failure::Stale(_))) => {
            Background::Nobody(failure.to_string())
        }
        Err(failure @ Failure::NotServed(_)) => Background::NotUs(failure.to_string()),
        Err(failure) => Background::Silent(failure.to_string()),
    }
}

fn refusal(unavailable: Unavailable) -> Refusal {
    Refusal {
        why: unavailable.why,
        allow: unavailable.allow,
    }
}

#[cfg(test)]
mod tests;
