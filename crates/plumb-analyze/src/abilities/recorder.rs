//! Whether listings can say which code made a socket: a recorder in the background serves us.

use plumb_model::ability::{Ability, Background, Facts, Verdict};
use plumb_model::creation::Recorder;

use super::{ability, remedy, with_allow};

pub(super) fn check(facts: &Facts, abilities: &mut Vec<Ability>) {
    let what = "which code made each socket, with --stack of netstat, ss and ls";
    let new = |verdict, why: &str| ability("tracing", "recorder", what, verdict, why);
    let program = remedy::quoted(&facts.user.program);
    let sudo = if facts.user.uid.0 == 0 { "" } else { "sudo " };
    let start = |more: &str| Some(format!("{sudo}{program} trace --keep --detach{more}"));
    abilities.push(match &facts.recorder {
        Background::Serves(recorder) if recorder.reasons.is_empty() => {
            new(Verdict::Yes, &words(recorder))
        }
        Background::Serves(recorder) => {
            let reasons = recorder.reasons.join("; ");
            new(Verdict::Partly, &format!("{}; {reasons}", words(recorder)))
        }
        Background::Nobody(why) => with_allow(
            new(Verdict::No, why),
            start(" --group GROUP").filter(|_| facts.places.kernel_types),
        ),
        Background::NotUs(why) => {
            let why = format!("{why}; --group NAME, when it is started, serves a group");
            new(Verdict::No, &why)
        }
        Background::Silent(why) => new(Verdict::No, why),
    });
}

fn words(recorder: &Recorder) -> String {
    let group = match recorder.group {
        Some(group) => format!(", root and group {group}"),
        None => String::from(" and root"),
    };
    format!(
        "process {} records {} for its user{group}, and knows {} sockets",
        recorder.pid, recorder.scope, recorder.sockets
    )
}
