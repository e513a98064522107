//! Log lines: structured, to standard error, so that standard output is the command's answer.

use crate::config::{Config, LogFormat};
use anyhow::Context;
use tracing_subscriber::EnvFilter;

pub(crate) fn init(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log_filter).with_context(|| {
        format!(
            "LOG is '{}': expected info or target=debug",
            config.log_filter
        )
    })?;
    // The event store's client shouts about each failed attempt, which our own lines tell already.
    let filter = match config.log_filter.contains("kurrentdb") {
        true => filter,
        false => filter.add_directive("kurrentdb=off".parse()?),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let result = match config.log_format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    result.map_err(|error| anyhow::anyhow!("log lines cannot be set up: {error}"))
}
