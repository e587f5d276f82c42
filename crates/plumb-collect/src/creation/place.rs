//! Where recorders serve.

use std::path::PathBuf;

/// Names another place, for the recorder and for who asks.
pub const VARIABLE: &str = "PLUMB_RECORDER";
/// Root's place.
const ROOT: &str = "/run/plumb/recorder.sock";
/// A user's place, below what `XDG_RUNTIME_DIR` names.
const BELOW: &str = "plumb/recorder.sock";

/// There is no place for a socket of this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "XDG_RUNTIME_DIR is not set, so there is no place for the socket (set PLUMB_RECORDER to its path)"
)]
pub struct NoPlace;

/// Gives the place where a recorder of this user serves.
pub fn serving_place() -> Result<PathBuf, NoPlace> {
    let own = if is_root() {
        Some(PathBuf::from(ROOT))
    } else {
        own()
    };
    given().or(own).ok_or(NoPlace)
}

/// Gives the places where a recorder may serve this user, the first to be asked first.
pub fn places() -> Vec<PathBuf> {
    if let Some(given) = given() {
        return vec![given];
    }
    // What a variable of another user names is nothing to root.
    let own = own().filter(|_| !is_root());
    own.into_iter().chain([PathBuf::from(ROOT)]).collect()
}

fn given() -> Option<PathBuf> {
    let given = std::env::var_os(VARIABLE).filter(|path| !path.is_empty())?;
    Some(PathBuf::from(given))
}

fn own() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    folder.is_absolute().then(|| folder.join(BELOW))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
