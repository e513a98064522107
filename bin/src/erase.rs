//! The subcommand `erase`: destroys an account's key and prints a receipt.

use crate::app::App;
use crate::cli::Erase;
use crate::config::Config;
use crate::output;
use crate::projector::catch_up;
use adapters::erasure::Receipt;
use anyhow::{Context, bail};
use domain::AccountId;
use domain::account::ErasureReason;
use std::io::{IsTerminal, Write};

pub(crate) async fn run(config: &Config, arguments: &Erase) -> anyhow::Result<()> {
    // Before a database is touched.
    let account: AccountId = arguments.account.parse()?;
    let reason: ErasureReason = arguments.reason.parse().context("--reason")?;
    if !arguments.yes {
        confirm(account)?;
    }
    let cancel = crate::serve::stop_signal();
    let app = App::build(config).await?;
    let context = commands::Context {
        actor: "command line".to_owned(),
        correlation_id: uuid::Uuid::now_v7(),
        causation_id: None,
    };
    let now = app.clock.now();
    // In the log that the read models belong to, or not at all.
    let erased = match app.ensure_log().await {
        Ok(()) => {
            let erased = app.erasures.erase(account, reason, now, &context);
            erased.await.map_err(anyhow::Error::from)
        }
        Err(error) => Err(error),
    };
    let projected = match &erased {
        Ok(_) => catch_up(&app, &cancel).await.map(|_| ()),
        Err(_) => Ok(()),
    };
    app.close().await?;
    let receipt = Receipt::of(&erased?, config.backup_retention_days);
    if arguments.json {
        output::json(&receipt)?;
    } else {
        show(&receipt);
    }
    // The erasure holds all the same: a projector removes the rows as soon as it runs.
    projected
}

fn confirm(account: AccountId) -> anyhow::Result<()> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("this cannot be undone: add --yes to erase account {account}");
    }
    let mut terminal = std::io::stderr();
    write!(
        terminal,
        "This destroys the key of account {account} and cannot be undone. Type the account's id: "
    )?;
    terminal.flush()?;
    let mut typed = String::new();
    input.read_line(&mut typed)?;
    if typed.trim() != account.to_string() {
        bail!("nothing was erased: that is not the account's id");
    }
    Ok(())
}

fn show(receipt: &Receipt) {
    let key = receipt.key_fingerprint.as_deref().unwrap_or("(none held)");
    let fields = [
        ("account", receipt.account_id.as_str()),
        ("erased at", &receipt.erased_at),
        ("reason", receipt.reason),
        ("requested by", &receipt.requested_by),
        ("event", &receipt.event.event_id),
        ("position", &receipt.position),
        ("key", key),
        ("backups until", &receipt.backups_until),
    ];
    for (name, value) in fields {
        output::line(format!("{name:14} {value}"));
    }
    output::line("\nDestroyed:");
    for what in receipt.destroyed {
        output::line(format!("- {what}"));
    }
    output::line("\nWhat remains, and why:");
    for remains in receipt.remains {
        output::line(format!("- {}: {}", remains.what, remains.why));
    }
}
