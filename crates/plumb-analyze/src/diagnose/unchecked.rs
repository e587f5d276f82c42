//! Which causes could not be looked for at all, because what tells of them was not seen or heard.
//!
//! A cause stands here only if nothing else tells of it: one that is seen less well is still looked for, and what is
//! missing is a gap of the sample.

use plumb_model::notice::Notices;

use super::{Case, connecting, firewall_drop, multicast, names, no_listener, port_in_use, routers};

/// What is told by packets alone.
const BY_WIRE: &[&str] = &[
    no_listener::ID,
    no_listener::LOOPBACK,
    no_listener::FAMILY,
    connecting::REFUSED,
    routers::ID,
    names::SLOW,
    names::FAILING,
    multicast::ID,
];

/// Why causes were not looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lacks {
    /// The wire could not be watched.
    Wire,
    /// Calls that fail could not be heard.
    Calls,
    /// Neither could the rules of the firewall be read nor what they throw away be heard.
    Rules,
}

impl Lacks {
    /// Says so in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Wire => "the wire is not watched",
            Self::Calls => "calls that fail are not heard",
            Self::Rules => "the firewall's rules are not known",
        }
    }
}

/// Gives the ids of what could not be looked for, with the reasons.
pub fn unchecked(case: &Case<'_>) -> Vec<(&'static str, Lacks)> {
    let Notices {
        is_blind,
        hears_no_calls,
        hears_no_drops,
        ..
    } = *case.notices;
    let probed = &case.notices.probed;
    let is_told = |id: &str| {
        !probed.binds.is_empty() && [no_listener::ID, port_in_use::ID].contains(&id)
            || !probed.connects.is_empty() && id == connecting::REFUSED
    };
    let wire = BY_WIRE.iter().map(|id| (*id, Lacks::Wire));
    let wire = wire.filter(|_| is_blind);
    let calls = hears_no_calls.then_some((port_in_use::ID, Lacks::Calls));
    let hides_rules = hears_no_drops && case.span.after.has_hidden_rules;
    let rules = hides_rules.then_some((firewall_drop::ID, Lacks::Rules));
    let all = wire.chain(calls).chain(rules);
    all.filter(|(id, _)| !is_told(id)).collect()
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::{Probed, ProbedBind};
    use plumb_model::sample::{Sample, Span};

    use super::super::{Focus, ids};
    use super::*;

    #[test]
    fn what_nothing_else_tells_of_is_not_looked_for_without_it() {
        let missing = |notices: &Notices| -> Vec<&str> {
            let sample = Sample {
                has_hidden_rules: true,
                ..Sample::default()
            };
            let span = Span {
                before: &sample,
                after: &sample,
            };
            let focus = &Focus::default();
            let case = Case {
                span,
                notices,
                focus,
            };
            unchecked(&case).into_iter().map(|(id, _)| id).collect()
        };
        let sees_all = Notices::default();
        assert_eq!(missing(&sees_all), [""; 0]);
        let sees_nothing = Notices {
            is_blind: true,
            hears_no_calls: true,
            hears_no_drops: true,
            ..sees_all.clone()
        };
        assert_eq!(missing(&sees_nothing).len(), BY_WIRE.len() + 2);
        assert!(
            missing(&sees_nothing)
                .iter()
                .all(|id| ids().any(|known| known == *id))
        );
        let tried = Notices {
            probed: Probed {
                binds: vec![ProbedBind {
                    address: ([0, 0, 0, 0], 80).into(),
                    errno: None,
                }],
                ..Probed::default()
            },
            ..sees_nothing
        };
        assert!(!missing(&tried).contains(&port_in_use::ID));
        let hears_alone = Notices {
            is_blind: true,
            ..sees_all
        };
        assert_eq!(missing(&hears_alone), BY_WIRE);
    }
}
