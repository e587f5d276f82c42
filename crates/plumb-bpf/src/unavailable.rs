//! Why something of BPF cannot be used, in words, and what would change that.

/// A program that cannot run here, for this user, now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unavailable {
    /// The reason: what was asked of the kernel, and its answer.
    pub why: String,
    /// What would allow it: a command, a kernel version, a setting. `None` when nothing is known.
    pub allow: Option<String>,
}

impl Unavailable {
    /// A reason without a remedy.
    pub fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            allow: None,
        }
    }

    /// Adds what would allow it.
    #[must_use]
    pub fn allowed_by(mut self, allow: impl Into<String>) -> Self {
        self.allow = Some(allow.into());
        self
    }
}
