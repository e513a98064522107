//! The subcommand `classify`: what class the replies of a manifest have.

use crate::cli::Classify;
use crate::output;
use adapters::platforms::manifest::{Outcome, classify};
use anyhow::bail;
use serde::Serialize;

/// What `classify --json` prints for an entry, a line each.
#[derive(Serialize)]
struct Printed<'a> {
    file: &'a str,
    expected: &'a str,
    found: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

pub(crate) fn run(arguments: &Classify) -> anyhow::Result<()> {
    let outcomes = classify(&arguments.manifest)?;
    for outcome in &outcomes {
        if arguments.json {
            output::json(&printed(outcome))?;
        } else {
            let mark = if is_right(outcome) { "ok" } else { "WRONG" };
            output::line(format!(
                "{mark:5}  {}  expected {}  found {}",
                outcome.file, outcome.expected, outcome.found
            ));
        }
    }
    let wrong = outcomes.iter().filter(|it| !is_right(it)).count();
    if wrong > 0 {
        bail!("{wrong} of {} entries have another class", outcomes.len());
    }
    if !arguments.json {
        output::line(format!(
            "All {} entries have the expected class.",
            outcomes.len()
        ));
    }
    Ok(())
}

fn is_right(outcome: &Outcome) -> bool {
    outcome.expected == outcome.found
}

fn printed(outcome: &Outcome) -> Printed<'_> {
    Printed {
        file: &outcome.file,
        expected: outcome.expected.name(),
        found: outcome.found.name(),
        code: outcome.code.as_deref(),
    }
}
