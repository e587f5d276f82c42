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
use plumb_model::ability::{Bpf, Facts, Owners, Refusal};

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
        release,
    }
}

fn owners() -> Owners {
    let bpf = match plumb_bpf::owners::can_run() {
        Ok(Source::Pinned(path)) => Ok(Bpf::Pinned(path.display().to_string())),
        Ok(Source::Own) => Ok(Bpf::Loaded),
        Err(unavailable) => Err(Refusal {
            why: unavailable.why,
            allow: unavailable.allow,
        }),
    };
    let (engine, why) = ("proc", "the only one there is");
    Owners {
        engine,
        why: why.to_owned(),
        bpf,
    }
}

#[cfg(test)]
mod tests;
