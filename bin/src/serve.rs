//! The subcommand `serve`.

use crate::cli::Serve;
use crate::config::Config;
use tokio_util::sync::CancellationToken;

pub(crate) fn stop_signal() -> CancellationToken {
    CancellationToken::new()
}

pub(crate) async fn run(_: &Config, _: &Serve) -> anyhow::Result<()> {
    anyhow::bail!("stub")
}
