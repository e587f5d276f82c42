//! How a program comes by capabilities.

use plumb_model::ability::{Capabilities, User};

/// What could be done about missing capabilities.
pub(super) struct Remedy {
    /// What is missing, in words.
    pub why: String,
    /// The command, where one helps.
    pub allow: Option<String>,
    /// What it gives the file of this program.
    pub gives: Capabilities,
}

impl Remedy {
    fn new(why: String, allow: Option<String>) -> Self {
        Self {
            why,
            allow,
            gives: Capabilities::default(),
        }
    }
}

/// Says what is missing of `needed` and how to get it; `None` when nothing is.
pub(super) fn capabilities(user: &User, needed: Capabilities) -> Option<Remedy> {
    let missing = needed.without(user.effective);
    if missing.is_empty() {
        return None;
    }
    let names: Vec<String> = missing
        .names()
        .iter()
        .map(|name| name.to_uppercase())
        .collect();
    let lacks = format!("this process lacks {}", names.join(" and "));
    let unbounded = needed.without(user.bounding);
    Some(if !unbounded.is_empty() {
        let why = "and may never have it: the container or service was started without";
        Remedy::new(format!("{lacks}, {why}"), Some(container(unbounded)))
    } else if user.uid.0 == 0 {
        Remedy::new(format!("{lacks}, which root of this process gave up"), None)
    } else if user.no_new_privs {
        Remedy::new(
            format!("{lacks}, and no_new_privs keeps it from gaining any"),
            None,
        )
    } else if !user.program_may_have_capabilities {
        let why = "its file system is mounted nosuid, where files give none";
        Remedy::new(format!("{lacks}; {why}"), Some(sudo(user)))
    } else {
        Remedy {
            why: lacks,
            allow: Some(setcap(user, needed)),
            gives: needed,
        }
    })
}

/// What a file has is replaced, not added to: what is in force already is named again.
pub(super) fn setcap(user: &User, needed: Capabilities) -> String {
    let names = user.effective.and(needed).names();
    format!(
        "sudo setcap {}+ep {}",
        names.join(","),
        quoted(&user.program)
    )
}

fn sudo(user: &User) -> String {
    format!("sudo {}", quoted(&user.program))
}

/// As docker, podman and nerdctl spell it.
fn container(missing: Capabilities) -> String {
    let names = missing.names().into_iter();
    let options = names.map(|name| {
        let name = name.strip_prefix("cap_").unwrap_or(name).to_uppercase();
        format!("--cap-add={name}")
    });
    let options: Vec<String> = options.collect();
    format!("docker run {}", options.join(" "))
}

/// Quotes a path for a shell where it needs to be.
pub(super) fn quoted(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:".contains(c);
    if path.chars().all(is_plain) {
        return path.into_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
