//! Connecting accounts: credentials in the vault, consents on their way, and what becomes of them.

mod abuse;
mod endings;
mod fake;
mod flows;
mod messages;
mod pages;
mod renewal;
mod rotation;
mod scene;
mod simulated;
mod states;
mod unfinished;
mod vault;

use adapters::platforms::Secret;
use adapters::vault::PostgresVault;
use adapters::vault::credentials::{
    AccountAccess, Announcement, Credentials, NewConnection, NewGrant, Tokens,
};
use commands::text::ProfileText;
use domain::account::Consent;
use domain::{AccountId, CommandId, Platform, Timestamp};
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{MASTER_KEY, at};
use uuid::Uuid;

const NOON: &str = "2026-06-01T12:00:00Z";

fn consent() -> Consent {
    Consent {
        text_version: "2026-05".to_owned(),
        given_at: at(NOON),
    }
}

fn tokens(access: &str, refresh: Option<&str>) -> Tokens {
    Tokens {
        access: Secret::new(access),
        refresh: refresh.map(Secret::new),
        obtained_at: at(NOON),
        access_expires_at: Some(at("2026-06-01T13:00:00Z")),
        refresh_expires_at: None,
    }
}

fn grant(platform: Platform, person: &str, tokens: Tokens) -> NewGrant {
    NewGrant {
        creator: "cafe".parse().expect("a creator"),
        platform,
        person: person.to_owned(),
        tokens,
        scopes: ["read".to_owned()].into(),
    }
}

fn connection(account: AccountId, id: &str, page_token: Option<&str>) -> NewConnection {
    NewConnection {
        account,
        access: AccountAccess {
            platform_account_id: id.to_owned(),
            other_id: None,
            access: page_token.map(Secret::new),
        },
        announcement: Announcement {
            command_id: CommandId::from_uuid(Uuid::now_v7()),
            actor: "test".to_owned(),
            scopes: ["read".to_owned()].into(),
            consent: consent(),
            observed_at: at(NOON),
            profile: ProfileText {
                platform_account_id: id.to_owned(),
                ..ProfileText::default()
            },
        },
    }
}

/// Another process's store over the same database.
async fn another(ledger: &TestLedger) -> anyhow::Result<Credentials> {
    let master = adapters::vault::MasterKey::parse(MASTER_KEY, "a test")?;
    let clock = Arc::new(adapters::clock::SystemClock);
    let pool = ledger.database.pool(8)?;
    let vault = PostgresVault::open(pool, clock, &master).await?;
    Ok(Credentials::new(Arc::new(vault)))
}

async fn account_of(
    ledger: &TestLedger,
    platform: Platform,
    id: &str,
) -> anyhow::Result<AccountId> {
    let vault: &dyn commands::ports::Vault = &*ledger.vault;
    Ok(vault.find_or_create(&"cafe".parse()?, platform, id).await?)
}

fn later(seconds: i64) -> Timestamp {
    at(NOON).saturating_add_micros(seconds * 1_000_000)
}
