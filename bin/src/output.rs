//! What the commands print: answers to standard output, errors to standard error.

#![expect(clippy::print_stdout, reason = "this is the one place for it")]

use serde::Serialize;
use std::io::Write;

/// Prints a line of an answer.
pub(crate) fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Prints an answer for machines.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Prints a piece of an answer exactly as it is.
pub(crate) fn text(text: &str) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())
}

/// Prints why a command failed, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Transparent errors repeat their source.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    eprintln!("{text}");
}
