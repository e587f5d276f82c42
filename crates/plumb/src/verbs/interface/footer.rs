//! What stands below the table: what was lost and why, and the processors' queues.

use plumb_model::counters::{Growth, Reading as Counter};
use plumb_model::traffic::Traffic;
use plumb_present::report::wrap;
use plumb_present::sanitize;
use serde_json::Value;

use super::read::Reading;
use super::row::Row;
use super::{Arguments, traffic};
use crate::verbs::screen;

/// Most causes that are told; the rest are counted.
const MOST: usize = 12;

/// Gives the lines.
pub fn lines(
    arguments: &Arguments,
    rows: &[Row],
    gone: &[Value],
    (before, after): (Option<&Reading>, &Reading),
) -> Vec<String> {
    let style = screen::style(arguments.form.form(), arguments.form.color);
    let sampled = before.is_some();
    let mut told: Vec<String> = rows.iter().flat_map(|row| row.losses(sampled)).collect();
    let more = told.len().saturating_sub(MOST);
    told.truncate(MOST);
    if more > 0 {
        told.push(format!("... and {more} more; -o json has them all"));
    }
    told.extend(queues(before, after));
    told.extend(rows.iter().filter_map(Row::renamed));
    let names = gone.iter().filter_map(|link| link.get("name")?.as_str());
    told.extend(names.take(MOST).map(|name| format!("{name} is gone")));
    let more = gone.len().saturating_sub(MOST);
    told.extend((more > 0).then(|| format!("... and {more} more are gone")));
    let fit = |line: &String| {
        let line = sanitize::for_terminal(line.as_bytes());
        let line = String::from_utf8_lossy(&line).into_owned();
        wrap::lines(&line, style.width.unwrap_or(usize::MAX))
    };
    told.iter().flat_map(fit).collect()
}

/// What processors dropped before any interface's protocol saw it, between the readings or in all.
fn queues(before: Option<&Reading>, after: &Reading) -> Vec<String> {
    let first = |reading: &'_ Reading| reading.namespaces.first().map(traffic).cloned();
    let before = before.and_then(first);
    let Some(after) = first(after) else {
        return Vec::new();
    };
    let line = |counter: &Counter| {
        let what = match counter.name.as_str() {
            "dropped" => "packets dropped because its queue was full (net.core.netdev_max_backlog)",
            "flow_limit_count" => {
                "packets of one large flow dropped (net.core.flow_limit_cpu_bitmap)"
            }
            _ => return None,
        };
        let count = match &before {
            None => counter.value,
            Some(before) => softnet_delta(Some(before), counter)?,
        };
        let cpu = counter.instance.as_deref().unwrap_or("?");
        (count > 0).then(|| format!("{cpu}: {count} {what}"))
    };
    after.softnet.iter().filter_map(line).collect()
}

/// By how much a counter of a processor grew.
pub fn softnet_delta(before: Option<&Traffic>, counter: &Counter) -> Option<u64> {
    let mut earlier = before?.softnet.iter();
    let earlier = earlier.find(|earlier| earlier.is_same(counter))?;
    Growth::between(earlier.value, counter.value).known()
}
