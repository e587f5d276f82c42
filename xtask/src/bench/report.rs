//! Turns measurements into a table for people or one JSON document.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Request;
use super::measure::Cost;
use crate::step::Failure;

/// One contender's runs, condensed.
struct Line {
    case: String,
    command: String,
    goal: Option<f64>,
    limit_ms: Option<f64>,
    limit_mib: Option<f64>,
    costs: Vec<Cost>,
}

impl Line {
    fn read(json: &Value) -> Option<Self> {
        let costs: Option<Vec<_>> = json["runs"]
            .as_array()?
            .iter()
            .map(Cost::from_json)
            .collect();
        Some(Self {
            case: json["case"].as_str()?.to_owned(),
            command: json["command"].as_str()?.to_owned(),
            goal: json["goal"].as_f64(),
            limit_ms: json["limit_ms"].as_f64(),
            limit_mib: json["limit_mib"].as_f64(),
            costs: costs.filter(|costs| !costs.is_empty())?,
        })
    }

    /// Gives the lower median of one quantity.
    fn median(&self, quantity: impl Fn(&Cost) -> u64) -> u64 {
        let mut values: Vec<u64> = self.costs.iter().map(quantity).collect();
        values.sort_unstable();
        values.get((values.len() - 1) / 2).copied().unwrap_or(0)
    }

    fn wall_ms(&self) -> f64 {
        milliseconds(self.median(|cost| cost.wall_us))
    }

    fn peak_mib(&self) -> f64 {
        milliseconds(self.median(|cost| cost.peak_kib * 1000 / 1024))
    }

    /// Says whether a run was killed at its deadline: then every time is a lower bound.
    fn is_bound(&self) -> bool {
        self.costs.iter().any(|cost| cost.killed)
    }

    /// Gives plumb's time as a multiple of this one's.
    fn ratio(&self, plumb: &Self) -> f64 {
        plumb.wall_ms() / self.wall_ms()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a time below 2^53 microseconds is exact"
)]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}

/// Writes everything as one JSON document: the raw runs, nothing condensed.
pub(crate) fn as_json(request: &Request, idle: &[Value], farm: &[Value]) -> Value {
    json!({
        "schema": "plumb.bench/1",
        "sockets": request.sockets,
        "processes": request.processes,
        "output": "read through a pipe and counted",
        "rows": idle.iter().chain(farm).collect::<Vec<_>>(),
    })
}

/// Writes the tables.
pub(crate) fn as_text(
    request: &Request,
    idle: &[Value],
    farm: &[Value],
) -> Result<String, Failure> {
    let mut text = String::from("\nAn idle network namespace\n");
    table(&mut text, idle)?;
    let _ = writeln!(
        text,
        "\n{} established sockets in {} processes",
        request.sockets, request.processes
    );
    table(&mut text, farm)?;
    text.push_str(
        "\nOutput is read through a pipe and counted. Contenders take turns. user, system and\n\
         peak are medians; peak cannot read as less than the measuring program's own, see `true`.\n",
    );
    Ok(text)
}

fn table(text: &mut String, rows: &[Value]) -> Result<(), Failure> {
    let lines: Option<Vec<Line>> = rows.iter().map(Line::read).collect();
    let lines = lines.ok_or_else(|| Failure::check("a measurement lacks a field"))?;
    let mut plumb: Option<&Line> = None;
    for line in &lines {
        if plumb.is_none_or(|plumb| plumb.case != line.case) {
            plumb = Some(line);
            let _ = writeln!(
                text,
                "\n  {:<34}{:>5}{:>11}{:>11}{:>11}{:>10}{:>10}{:>10}{:>13}  plumb/it   goal",
                line.case,
                "runs",
                "median ms",
                "min",
                "max",
                "user",
                "system",
                "peak MiB",
                "output bytes",
            );
        }
        row(text, line, plumb.unwrap_or(line));
    }
    Ok(())
}

fn row(text: &mut String, line: &Line, plumb: &Line) {
    let least = line.costs.iter().map(|cost| cost.wall_us).min();
    let most = line.costs.iter().map(|cost| cost.wall_us).max();
    let _ = write!(
        text,
        "  {:<34}{:>5}{:>11.2}{:>11.2}{:>11.2}{:>10.2}{:>10.2}{:>10.1}{:>13}",
        line.command,
        line.costs.len(),
        line.wall_ms(),
        milliseconds(least.unwrap_or(0)),
        milliseconds(most.unwrap_or(0)),
        milliseconds(line.median(|cost| cost.user_us)),
        milliseconds(line.median(|cost| cost.system_us)),
        line.peak_mib(),
        line.median(|cost| cost.output_bytes),
    );
    if line.command != plumb.command {
        let ratio = line.ratio(plumb);
        let _ = write!(
            text,
            "{:>10}",
            format!("{}{ratio:.3}", if line.is_bound() { "<" } else { "" })
        );
        if let Some(goal) = line.goal {
            let verdict = if ratio <= goal { "reached" } else { "MISSED" };
            let _ = write!(text, "   <= {goal} {verdict}");
        }
    }
    let limits = [
        ("ms", line.limit_ms, line.wall_ms()),
        ("MiB", line.limit_mib, line.peak_mib()),
    ];
    for (unit, limit, value) in limits {
        if let Some(limit) = limit {
            let verdict = if value <= limit { "reached" } else { "MISSED" };
            let _ = write!(text, "   <= {limit} {unit} {verdict}");
        }
    }
    if line.is_bound() {
        text.push_str("   (killed: it takes longer)");
    }
    text.push('\n');
}

/// Gives the median time of the one contender there is.
pub(crate) fn median_wall_ms(rows: &[Value]) -> Result<f64, Failure> {
    let line = rows.first().and_then(Line::read);
    line.map(|line| line.wall_ms())
        .ok_or_else(|| Failure::check("a measurement lacks a field"))
}

/// Writes times by size, and the exponents by which they grow: of the whole range, and of its upper
/// half, where what any start costs no longer counts.
pub(crate) fn growth(points: &[(usize, f64)], processes: usize) -> String {
    let mut text = format!("\nplumb ss -tanp, sockets in {processes} processes\n");
    for (sockets, wall_ms) in points {
        let _ = writeln!(text, "{sockets:>10}{wall_ms:>12.2} ms");
    }
    let upper = points.get(points.len() / 2..).unwrap_or(&[]);
    let (whole, upper) = (exponent(points), exponent(upper));
    let _ = writeln!(
        text,
        "time grows as sockets^{whole:.2}, in the upper half ^{upper:.2}"
    );
    text
}

/// The slope of the line of least squares through the logarithms.
#[expect(clippy::cast_precision_loss, reason = "numbers of sockets are small")]
fn exponent(points: &[(usize, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points
        .iter()
        .map(|&(sockets, wall_ms)| ((sockets as f64).ln(), wall_ms.ln()))
        .collect();
    let count = logs.len() as f64;
    let mean = |part: fn(&(f64, f64)) -> f64| logs.iter().map(part).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let rise: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let run: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    rise / run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(command: &str, goal: Option<f64>, walls_us: &[u64]) -> Value {
        let runs: Vec<_> = walls_us
            .iter()
            .map(|wall_us| {
                json!({"wall_us": wall_us, "user_us": 1, "system_us": 1, "peak_kib": 2048,
                       "output_bytes": 77, "killed": false})
            })
            .collect();
        json!({"case": "all", "command": command, "goal": goal, "runs": runs})
    }

    #[test]
    fn a_goal_is_judged_by_the_medians() {
        let rows = [
            measured("plumb", None, &[30_000, 10_000, 20_000]),
            measured("fast", Some(0.6), &[20_000, 21_000, 900_000]),
            measured("slow", Some(0.35), &[100_000, 100_000, 1]),
        ];
        let mut text = String::new();
        assert!(table(&mut text, &rows).is_ok());
        let verdicts: Vec<_> = text.lines().filter(|line| line.contains("<=")).collect();
        assert!(verdicts[0].contains("0.952   <= 0.6 MISSED"), "{text}");
        assert!(verdicts[1].contains("0.200   <= 0.35 reached"), "{text}");
    }

    #[test]
    fn time_that_doubles_with_the_size_grows_linearly() {
        let linear = [(1_000, 2.0), (10_000, 20.0), (100_000, 200.0)];
        assert!((exponent(&linear) - 1.0).abs() < 1e-9);
        let square = [(1_000, 1.0), (10_000, 100.0)];
        assert!((exponent(&square) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_measurement_without_runs_is_an_error_and_not_a_zero() {
        assert!(table(&mut String::new(), &[measured("plumb", None, &[])]).is_err());
    }
}
