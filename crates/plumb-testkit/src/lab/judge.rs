//! Judges what `plumb diagnose --json` said of a scenario.

use serde_json::Value;

use super::{Expected, Scenario};

/// How a scenario went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A fault, found first with the right subject; or a control without findings of weight.
    Right,
    /// Found, but something else stood before it, or beside it although it explains that.
    Lower,
    /// Not found, or with another subject.
    Missed,
    /// A control in which something of weight was found.
    FalseAlarm,
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What was found, one line each, most important first.
    pub found: Vec<String>,
}

/// Compares the document with what was expected.
pub fn judge(scenario: &Scenario, expected: &Expected, document: &Value) -> Outcome {
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let found = findings.iter().map(line).collect();
    let weighty: Vec<&Value> = findings
        .iter()
        .filter(|finding| finding["severity"] != "info")
        .collect();
    let verdict = if scenario.is_control() {
        if weighty.is_empty() {
            Verdict::Right
        } else {
            Verdict::FalseAlarm
        }
    } else {
        let is_explained = |finding: &Value| {
            let kind = finding["kind"].as_str().unwrap_or_default();
            expected.untold.contains(&kind)
        };
        let place = findings.iter().position(|finding| {
            finding["kind"] == scenario.finding() && has_subject(finding, expected)
        });
        match place {
            Some(0) if !findings.iter().any(is_explained) => Verdict::Right,
            Some(_) => Verdict::Lower,
            None => Verdict::Missed,
        }
    };
    Outcome { verdict, found }
}

fn has_subject(finding: &Value, expected: &Expected) -> bool {
    expected
        .subject
        .iter()
        .all(|(member, value)| match &finding["subject"][member] {
            Value::String(text) => text == value,
            Value::Number(number) => number.to_string() == *value,
            _ => false,
        })
}

fn line(finding: &Value) -> String {
    format!(
        "{} {} {} {}",
        finding["severity"].as_str().unwrap_or("?"),
        finding["kind"].as_str().unwrap_or("?"),
        finding["subject"],
        finding["summary"].as_str().unwrap_or("?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &'static str) -> Scenario {
        Scenario {
            name,
            about: "",
            make: |_| Ok(Expected::nothing()),
        }
    }

    fn finding(kind: &str, severity: &str, local: &str) -> Value {
        serde_json::json!({"kind": kind, "severity": severity, "subject": {"local": local}})
    }

    #[test]
    fn the_first_finding_counts_with_its_subject() {
        let fault = scenario("fd-limit/full");
        let expected = Expected::subject("local", "a:1");
        let judged = |findings: Value| {
            judge(
                &fault,
                &expected,
                &serde_json::json!({"findings": findings}),
            )
            .verdict
        };
        let right = finding("fd-limit", "critical", "a:1");
        let other = finding("no-route", "warning", "a:1");
        assert_eq!(judged(serde_json::json!([right])), Verdict::Right);
        assert_eq!(judged(serde_json::json!([other, right])), Verdict::Lower);
        assert_eq!(judged(serde_json::json!([other])), Verdict::Missed);
        let elsewhere = finding("fd-limit", "critical", "b:1");
        assert_eq!(judged(serde_json::json!([elsewhere])), Verdict::Missed);
        assert_eq!(judged(serde_json::json!([])), Verdict::Missed);
    }

    #[test]
    fn what_explains_another_finding_stands_without_it() {
        let fault = scenario("conntrack-full/x");
        let judged = |findings: Value, expected: &Expected| {
            judge(&fault, expected, &serde_json::json!({"findings": findings})).verdict
        };
        let expected = Expected::subject("local", "a:1");
        let full = finding("conntrack-full", "critical", "a:1");
        let silence = finding("connect-timeout", "critical", "a:2");
        let churn = finding("connection-churn", "warning", "a:2");
        let both = serde_json::json!([full, silence]);
        assert_eq!(judged(both.clone(), &expected), Verdict::Right);
        let explains = expected.explains(&["connect-timeout", "firewall-drop"]);
        assert_eq!(judged(both, &explains), Verdict::Lower);
        let other = serde_json::json!([full, churn]);
        assert_eq!(judged(other, &explains), Verdict::Right);
    }

    #[test]
    fn a_control_may_have_nothing_but_information() {
        let control = scenario("fd-limit/healthy");
        let judged = |findings: Value| {
            let document = serde_json::json!({"findings": findings});
            judge(&control, &Expected::nothing(), &document).verdict
        };
        assert_eq!(judged(serde_json::json!([])), Verdict::Right);
        let info = finding("connection-churn", "info", "a:1");
        assert_eq!(judged(serde_json::json!([info])), Verdict::Right);
        let warning = finding("connection-churn", "warning", "a:1");
        assert_eq!(judged(serde_json::json!([warning])), Verdict::FalseAlarm);
    }
}
