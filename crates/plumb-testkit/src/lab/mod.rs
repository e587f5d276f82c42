//! The fault lab: real faults in private namespaces, each with a healthy control that looks alike.
//!
//! A [`Scenario`] makes its situation on a [`Stage`] and says what `plumb diagnose` must find first, or
//! that it must find nothing of weight. Each runs as the first process of namespaces of its own (network,
//! mounts, processes), so that nothing is left behind and scenarios may run side by side. One file for
//! each finding below `faults/`, all of the same shape: `pub const SCENARIOS: &[Scenario]`.
//! Situations that need settings of the whole machine ([`Place::Machine`]) have its network instead and
//! run where the machine is there for them: in a guest.
//! How the kernel works decides how an analysis works; the lab only shows that it does.

pub mod actors;
mod faults;
mod judge;
mod stage;

pub use self::faults::{all, place_of};
pub use self::judge::{Outcome, Verdict, judge};
pub use self::stage::{Peer, Stage};

use std::io;

/// One situation.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// `FINDING/VARIANT`, a control's variant begins with `healthy`.
    pub name: &'static str,
    /// How it is made, in a sentence.
    pub about: &'static str,
    /// Makes it; what it starts goes on until the stage is dropped.
    pub make: fn(&mut Stage) -> io::Result<Expected>,
}

impl Scenario {
    /// Says whether it is a healthy control.
    pub fn is_control(&self) -> bool {
        self.name
            .split_once('/')
            .is_some_and(|(_, variant)| variant.starts_with("healthy"))
    }

    /// Gives the finding it is about.
    pub fn finding(&self) -> &'static str {
        self.name.split_once('/').map_or(self.name, |(id, _)| id)
    }
}

/// What a situation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Namespaces of its own.
    Namespaces,
    /// A machine of its own: a guest.
    Machine,
}

impl Place {
    /// Gives its word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Machine => "machine",
        }
    }
}

/// What must be found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Members of the finding's subject that must be so, as `("local", "10.9.0.1:80")`. A control
    /// expects none.
    pub subject: Vec<(&'static str, String)>,
    /// Words for the command line of `plumb diagnose`, beside those that all get.
    pub arguments: Vec<String>,
    /// Seconds between the two samples; 0 for the usual two.
    pub seconds: u32,
    /// What it explains: findings that must not be told beside it.
    pub untold: &'static [&'static str],
}

impl Expected {
    /// Expects a subject with this member.
    pub fn subject(member: &'static str, value: impl std::fmt::Display) -> Self {
        Self {
            subject: vec![(member, value.to_string())],
            ..Self::default()
        }
    }

    /// Expects nothing of weight.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// The same, with one more member of the subject.
    #[must_use]
    pub fn and(mut self, member: &'static str, value: impl std::fmt::Display) -> Self {
        self.subject.push((member, value.to_string()));
        self
    }

    /// The same, which explains these findings.
    #[must_use]
    pub fn explains(self, untold: &'static [&'static str]) -> Self {
        Self { untold, ..self }
    }

    /// The same, asked with these words.
    #[must_use]
    pub fn asked<'w>(mut self, words: impl IntoIterator<Item = &'w str>) -> Self {
        self.arguments.extend(words.into_iter().map(str::to_owned));
        self
    }
}
