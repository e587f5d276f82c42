//! `--netns`: a verb that looks at another network namespace enters it first.

use plumb_collect::netns;

use super::status;

/// Enters the namespace asked for, for the rest of this process; `Err` is the exit status.
pub fn enter(verb: &str, netns: Option<&str>) -> Result<(), u8> {
    let Some(text) = netns else {
        return Ok(());
    };
    let Some(netns) = netns::find(text) else {
        let text = format!("no network namespace {text}: a name, a pid, net:[INODE] or a path");
        return Err(status::complain(verb, &text, status::USAGE));
    };
    netns::enter(&netns).map_err(|errno| {
        let text = format!("cannot enter network namespace {text}: {errno}");
        status::complain(verb, &text, status::BLIND)
    })
}
