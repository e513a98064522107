//! The subcommand `demo`: a seeded year of history, served, with requests ready to be copied.

use crate::app::App;
use crate::config::{Config, DatabaseChoice};
use crate::output::line;
use crate::progress::Progress;
use crate::projector::catch_up;
use crate::serve::{bind, everything, stop_signal, with_metrics};
use adapters::api_keys::{ApiKeys, Role};
use adapters::demo::{ACCOUNTS, seed};
use anyhow::bail;
use domain::AccountId;
use std::net::SocketAddr;

/// What the demonstration's key is known by.
const LABEL: &str = "demo";

pub(crate) async fn run(mut config: Config) -> anyhow::Result<()> {
    if matches!(config.database, DatabaseChoice::Url(_)) {
        bail!("DATABASE_URL is set: the demonstration keeps to a database of its own; unset it");
    }
    // Invented history stays apart from a user's own.
    config.data_dir = config.data_dir.join("demo");
    let cancel = stop_signal();
    let listener = bind("LISTEN", config.listen).await?;
    line("Starting the database...");
    let app = App::build(&config).await?;
    let result = async {
        let mut progress = Progress::new("seeding", ACCOUNTS.len() as u64, 0);
        let (mut events, mut first) = (0, None);
        for (done, demo) in (1..).zip(&ACCOUNTS) {
            let seeded = seed(&app.ledger, &*app.log, demo, app.clock.now()).await?;
            events += seeded.events;
            first.get_or_insert(seeded.account);
            progress.show(done, events as u64, "events");
        }
        progress.finish();
        match events {
            0 => line("The demonstration's history was there already."),
            events => line(format!("Appended {events} events of invented history.")),
        }
        catch_up(&app, &cancel).await?;
        let secret = new_key(&app).await?;
        if let Some(account) = first {
            show(listener.local_addr()?, &secret, account);
        }
        let serving = Box::pin(everything(&app, &config, listener, &cancel));
        with_metrics(&app, &config, &cancel, serving).await
    }
    .await;
    line("Stopping.");
    app.close().await?;
    result
}

/// A new key each time, since secrets are not kept; the earlier ones are revoked.
async fn new_key(app: &App) -> anyhow::Result<String> {
    let keys = ApiKeys::new(app.pool.clone());
    for key in keys.list().await? {
        if key.label == LABEL && key.revoked_at.is_none() {
            keys.revoke(key.key_id).await?;
        }
    }
    let (_, secret) = keys.create(LABEL, Role::Admin, None).await?;
    Ok(secret.expose().to_owned())
}

fn show(address: SocketAddr, secret: &str, account: AccountId) {
    let base = format!("http://{address}/v1");
    let request = |what: &str, path: &str| {
        line(format!(
            "\n# {what}\ncurl -s -H 'Authorization: Bearer {secret}' '{base}{path}'"
        ));
    };
    line("\nEverything below is invented: its cause is `simulated` in every answer.");
    request("The accounts of a creator", "/creators/demo-nina/accounts");
    request(
        "Followers by week, in the creator's time zone",
        &format!(
            "/accounts/{account}/trends/followers?interval=week&zone=Europe/Berlin&from=2026-01-01"
        ),
    );
    request(
        "Followers as of a moment",
        &format!("/accounts/{account}/metrics/followers?as_of=2026-03-01T00:00:00Z"),
    );
    request("Growth velocity", &format!("/accounts/{account}/velocity"));
    request(
        "Top posts of the creator by engagement rate, on all platforms",
        "/top-posts?creator=demo-nina&by=er_views@1&min_views=10000&limit=5",
    );
    request("How the syncs fare", "/sync-health?creator=demo-nina");
    request(
        "The events of an account",
        &format!("/accounts/{account}/events?limit=3"),
    );
    request("The OpenAPI document", "/openapi.json");
    line("\nCtrl-C stops everything; the next start finds its data.\n");
}
