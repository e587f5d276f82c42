//! What a diagnosis tells: findings, which causes were looked for, what was not seen.

use std::collections::BTreeMap;

use plumb_analyze::diagnose::{self, Lacks};
use plumb_model::Reason;
use plumb_model::finding::Finding;
use plumb_present::json::findings::FindingRow;
use plumb_present::report::findings;

use super::{Arguments, SCHEMA, VERB};
use crate::output::Output;
use crate::verbs::form::{Form, FormArguments};
use crate::verbs::report::envelope;
use crate::verbs::{screen, status};

/// Says what was not looked for, a line for each reason.
pub(super) fn not_looked_for(unchecked: &[(&str, Lacks)]) -> Vec<String> {
    let mut whys: BTreeMap<Lacks, Vec<&str>> = BTreeMap::new();
    for (id, lacks) in unchecked {
        whys.entry(*lacks).or_default().push(id);
    }
    let line = |(lacks, ids): (Lacks, Vec<&str>)| {
        format!("not looked for: {}: {}", ids.join(", "), lacks.words())
    };
    whys.into_iter().map(line).collect()
}

/// Says that nothing has the end that was asked about, and what would try it.
pub(super) fn nothing_to_see(arguments: &Arguments) -> Option<String> {
    let asked = arguments.target.as_deref()?;
    let more = if arguments.probe || arguments.all_netns {
        ""
    } else {
        "; --probe tries it"
    };
    Some(format!(
        "nothing to look at: no socket and no packet has {asked}{more}"
    ))
}

/// What there is to tell.
pub(super) struct Told<'t> {
    /// The findings, most important first.
    pub found: &'t [Finding],
    /// The ids of what was not looked for.
    pub unchecked: &'t [(&'static str, Lacks)],
    /// What was not seen, a line each.
    pub gaps: Vec<String>,
}

impl Told<'_> {
    fn checked(&self) -> Vec<&'static str> {
        let is_unchecked = |id: &str| self.unchecked.iter().any(|(known, _)| *known == id);
        diagnose::ids().filter(|id| !is_unchecked(id)).collect()
    }

    /// Says that nothing was found, of how much.
    fn nothing(&self) -> String {
        let (checked, all) = (self.checked().len(), diagnose::ids().count());
        let of_all = match all - checked {
            0 => String::new(),
            _ => format!(" of {all}"),
        };
        format!("nothing found; looked for {checked}{of_all} causes\n")
    }

    /// Writes it in the form that was asked for; gives the exit status.
    pub fn write(self, arguments: &FormArguments, out: &mut Output) -> u8 {
        let form = arguments.form();
        if matches!(form, Form::Json | Form::Ndjson) {
            let mut document = envelope(SCHEMA, form, out);
            out.raw(|out| document.declare(out, "findings"));
            for finding in self.found {
                out.raw(|out| document.push(out, "findings", &FindingRow(finding)));
            }
            document.member("checked", &self.checked());
            for gap in self.gaps {
                document.incomplete(gap);
            }
            out.raw(|out| document.finish(out));
            return status::told(VERB, out);
        }
        let style = screen::style(form, arguments.color);
        out.raw(|out| findings::write(out, self.found, style));
        if self.found.is_empty() {
            out.raw(|out| out.extend_from_slice(self.nothing().as_bytes()));
        }
        out.flush();
        let denied = format!("({})", Reason::PermissionDenied.word());
        let may_see_more = self.gaps.iter().any(|gap| gap.ends_with(&denied));
        for gap in self.gaps {
            out.complain(format!("plumb {VERB}: {gap}\n").as_bytes());
        }
        if may_see_more && !rustix::process::geteuid().is_root() {
            let what = "root sees that; plumb doctor says what lets others";
            out.complain(format!("plumb {VERB}: {what}\n").as_bytes());
        }
        status::told(VERB, out)
    }
}
