//! The figures, as a Markdown table for BENCHMARKS.md.

use std::fmt;

/// Rows of a benchmark run.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    what: String,
    ours: Vec<f64>,
    raw: Vec<f64>,
    unit: &'static str,
    goal: &'static str,
}

impl Table {
    /// Adds what we did and what Postgres alone did, one of each for every round.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        (ours, raw): (Vec<f64>, Vec<f64>),
        unit: &'static str,
        goal: &'static str,
    ) {
        self.0.push(Row {
            what: what.into(),
            ours,
            raw,
            unit,
            goal,
        });
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(figures: &[f64]) -> String {
    let low = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let high = figures.iter().copied().fold(0.0, f64::max);
    format!("{:.0} ({low:.0} to {high:.0})", median(figures))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | ours | raw limit | unit | ratio | goal |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for row in &self.0 {
            let raw = if row.raw.is_empty() {
                "-".to_owned()
            } else {
                spread(&row.raw)
            };
            let ratio = if row.raw.is_empty() {
                "-".to_owned()
            } else {
                format!("{:.2}", median(&row.ours) / median(&row.raw))
            };
            let Row {
                what, unit, goal, ..
            } = row;
            let ours = spread(&row.ours);
            writeln!(f, "| {what} | {ours} | {raw} | {unit} | {ratio} | {goal} |")?;
        }
        Ok(())
    }
}
