//! Rows of the `findings` array: the vocabulary of diagnoses, a promise to scripts.

use plumb_model::finding::{Evidence, Finding, Subject};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A finding as JSON.
#[derive(Debug, Clone, Copy)]
pub struct FindingRow<'f>(pub &'f Finding);

impl Serialize for FindingRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let finding = self.0;
        let evidence: Vec<EvidenceRow<'_>> = finding.evidence.iter().map(EvidenceRow).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", finding.kind)?;
        map.serialize_entry("severity", finding.severity.word())?;
        map.serialize_entry("subject", &SubjectRow(&finding.subject))?;
        map.serialize_entry("summary", &finding.summary)?;
        map.serialize_entry("evidence", &evidence)?;
        map.serialize_entry("hints", &finding.hints)?;
        map.serialize_entry("confidence", finding.confidence.word())?;
        map.end()
    }
}

/// A subject: what is not known of it has no key.
struct SubjectRow<'f>(&'f Subject);

impl Serialize for SubjectRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let subject = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", subject.kind)?;
        let texts = [
            ("protocol", subject.protocol),
            ("local", subject.local.as_deref()),
            ("peer", subject.peer.as_deref()),
            ("process", subject.process.as_deref()),
            ("interface", subject.interface.as_deref()),
            ("netns", subject.netns.as_deref()),
            ("relation", subject.relation.as_deref()),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(key, text)?;
            }
        }
        if let Some(pid) = subject.pid {
            map.serialize_entry("pid", &pid.0)?;
        }
        map.end()
    }
}

/// Evidence: a counter has its values and the seconds between.
struct EvidenceRow<'f>(&'f Evidence);

impl Serialize for EvidenceRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("source", &self.0.source)?;
        map.serialize_entry("text", &self.0.text)?;
        if let Some(change) = self.0.change {
            map.serialize_entry("before", &change.before)?;
            map.serialize_entry("after", &change.after)?;
            map.serialize_entry("interval_s", &change.interval_s)?;
        }
        map.end()
    }
}
