//! The composition root: configuration, telemetry, wiring and subcommands, nothing else.

pub mod app;
mod audit;
mod backup;
mod classify;
pub mod cli;
pub mod config;
mod demo;
mod erase;
mod import;
mod keys;
mod log_copy;
mod output;
mod progress;
mod projections;
mod projector;
mod serve;
mod simulate;
mod telemetry;
mod vault;

use clap::Parser;
use cli::{Cli, Command, LogCommand, VaultCommand};
use config::Config;
use std::process::ExitCode;

/// Reads the command line and the environment, and carries the command out.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    telemetry::init(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(dispatch(cli, config));
    // Tasks that follow the log hold connections that nobody needs any more.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result
}

async fn dispatch(cli: Cli, config: Config) -> anyhow::Result<()> {
    match cli.command {
        Command::Demo => demo::run(config).await,
        Command::Serve(arguments) => serve::run(&config, &arguments).await,
        Command::Import(arguments) => import::run(&config, &arguments).await,
        Command::Migrate => app::migrate(&config).await,
        Command::Projector(arguments) => Box::pin(projector::run(&config, &arguments)).await,
        Command::Projections(arguments) => projections::run(&config, &arguments).await,
        Command::Keys(arguments) => keys::run(&config, &arguments).await,
        Command::Audit(arguments) => audit::run(&config, &arguments).await,
        Command::Log(arguments) => {
            let LogCommand::Copy(arguments) = arguments.command;
            log_copy::run(&config, &arguments).await
        }
        Command::Vault(arguments) => {
            let VaultCommand::Rotate(arguments) = arguments.command;
            vault::rotate(&config, &arguments).await
        }
        Command::Erase(arguments) => erase::run(&config, &arguments).await,
        Command::Backup(arguments) => backup::backup(&config, &arguments).await,
        Command::Classify(arguments) => classify::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments).await,
        Command::Restore(arguments) => backup::restore(&config, &arguments).await,
    }
}
