//! The subcommand `keys`.

use crate::cli::Keys;
use crate::config::Config;

pub(crate) async fn run(_: &Config, _: &Keys) -> anyhow::Result<()> {
    anyhow::bail!("stub")
}
