//! Findings for people: the cause in a line, below it what it rests on and what to do.

use plumb_model::finding::{Confidence, Finding, Severity};

use super::Tone;
use super::table::{Style, write_toned};
use crate::sanitize;

/// Writes findings, the first first, with an empty line between.
pub fn write(out: &mut Vec<u8>, findings: &[Finding], style: Style) {
    for (place, finding) in findings.iter().enumerate() {
        if place > 0 {
            out.push(b'\n');
        }
        write_one(out, finding, style);
    }
}

fn write_one(out: &mut Vec<u8>, finding: &Finding, style: Style) {
    let tone = match finding.severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning => Tone::Warning,
        Severity::Info => Tone::Plain,
    };
    write_toned(out, finding.severity.word(), tone, style);
    out.push(b' ');
    write_toned(out, finding.kind, Tone::Strong, style);
    match finding.confidence {
        Confidence::Certain => {}
        other => write_toned(out, &format!(" ({})", other.word()), Tone::Dim, style),
    }
    if let Some(netns) = &finding.subject.netns {
        text(out, &format!(" in network namespace {netns}"), style);
    }
    out.extend_from_slice(b": ");
    text(out, &finding.summary, style);
    out.push(b'\n');
    if let Some(relation) = &finding.subject.relation {
        out.extend_from_slice(b"  ");
        text(out, relation, style);
        out.push(b'\n');
    }
    for evidence in &finding.evidence {
        out.extend_from_slice(b"  ");
        text(out, &evidence.text, style);
        write_toned(out, &format!("  [{}]", evidence.source), Tone::Dim, style);
        out.push(b'\n');
    }
    for hint in &finding.hints {
        out.extend_from_slice(b"  -> ");
        text(out, hint, style);
        out.push(b'\n');
    }
}

/// Names of processes and interfaces are outside text.
fn text(out: &mut Vec<u8>, text: &str, style: Style) {
    if style.terminal {
        out.extend_from_slice(&sanitize::for_terminal(text.as_bytes()));
    } else {
        out.extend_from_slice(text.replace('\n', " ").as_bytes());
    }
}
