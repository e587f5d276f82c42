//! The few options of the development commands: `--name value`, `--name=value` and `--name`.

use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;

use crate::step::Failure;

/// What is left of a command line while its options are taken out one after the other.
pub(crate) struct Arguments {
    rest: Vec<OsString>,
    /// What stood behind `--`, untouched.
    pub behind_dashes: Vec<OsString>,
}

impl Arguments {
    /// Splits a command line at `--`.
    pub(crate) fn new(mut all: Vec<OsString>) -> Self {
        let mut behind_dashes = Vec::new();
        if let Some(at) = all.iter().position(|argument| argument == "--") {
            behind_dashes = all.split_off(at + 1);
            all.pop();
        }
        Self {
            rest: all,
            behind_dashes,
        }
    }

    /// Takes the switch `--name` and says whether it was there.
    pub(crate) fn switch(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|argument| argument != name);
        self.rest.len() != before
    }

    /// Takes the value of `--name`, or gives `default`.
    pub(crate) fn value<T: FromStr<Err: Display>>(
        &mut self,
        name: &str,
        default: T,
    ) -> Result<T, Failure> {
        Ok(self.take(name)?.unwrap_or(default))
    }

    /// Takes the values of `--name`, which may be there any number of times.
    pub(crate) fn values<T: FromStr<Err: Display>>(
        &mut self,
        name: &str,
    ) -> Result<Vec<T>, Failure> {
        let mut values = Vec::new();
        while let Some(value) = self.take(name)? {
            values.push(value);
        }
        Ok(values)
    }

    fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let Some(at) = self.rest.iter().position(|argument| names(argument, name)) else {
            return Ok(None);
        };
        let argument = self.rest.remove(at);
        let text = match argument.to_str().and_then(|text| text.split_once('=')) {
            Some((_, value)) => value.to_owned(),
            None if at < self.rest.len() => self.rest.remove(at).to_string_lossy().into_owned(),
            None => return Err(Failure::usage(format!("{name} wants a value"))),
        };
        let value = text.parse();
        value
            .map(Some)
            .map_err(|error| Failure::usage(format!("{name} {text}: {error}")))
    }

    /// Takes the first argument that is left.
    pub(crate) fn word(&mut self) -> Option<OsString> {
        (!self.rest.is_empty()).then(|| self.rest.remove(0))
    }

    /// Refuses what nobody took.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.rest.first() {
            None => Ok(()),
            Some(argument) => Err(Failure::usage(format!(
                "unexpected argument {}",
                argument.display()
            ))),
        }
    }
}

/// Says whether `argument` is `name` or `name=…`.
fn names(argument: &OsString, name: &str) -> bool {
    argument
        .to_str()
        .and_then(|text| text.strip_prefix(name))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::new(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn values_come_in_both_forms_and_the_rest_is_refused() {
        let mut given = arguments(&[
            "--cases", "7", "--with", "a", "--seed=9", "--json", "what", "--with=b", "--",
            "--cases",
        ]);
        assert_eq!(given.value("--cases", 1).ok(), Some(7));
        assert_eq!(given.value("--seed", 1).ok(), Some(9));
        assert_eq!(given.value("--runs", 5).ok(), Some(5));
        assert_eq!(
            given.values::<String>("--with").ok(),
            Some(vec!["a".into(), "b".into()])
        );
        assert!(given.switch("--json"));
        assert!(!given.switch("--full"));
        assert_eq!(given.behind_dashes, ["--cases"]);
        assert!(given.end().is_err());
    }

    #[test]
    fn a_value_that_is_missing_or_no_number_is_an_error() {
        assert!(arguments(&["--cases"]).value("--cases", 1).is_err());
        assert!(arguments(&["--cases", "many"]).value("--cases", 1).is_err());
    }
}
