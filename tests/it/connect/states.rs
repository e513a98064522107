//! Consents on their way: single use, ten minutes, their own platform.

use super::{NOON, consent, later};
use adapters::platforms::Secret;
use adapters::vault::credentials::{Credentials, MAX_OPEN_STATES, OpenState, StateError};
use anyhow::ensure;
use domain::Platform;
use futures_util::future::join_all;
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::at;

fn state(creator: &str) -> OpenState {
    OpenState {
        creator: creator.parse().expect("a creator"),
        platform: Platform::Youtube,
        actor: "test".to_owned(),
        consent: consent(),
        scopes: ["read".to_owned()].into(),
        verifier: Some(Secret::new("canary-verifier-of-pkce")),
        account: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_used_once_by_its_own_platform_and_in_time() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let (text, expires_at) = store.open_state(&state("cafe"), at(NOON)).await?;
    ensure!(expires_at == later(600), "{expires_at}");

    let forged = Secret::new("x".repeat(43));
    let found = store.use_state(&forged, Platform::Youtube, later(1)).await;
    ensure!(matches!(found, Err(StateError::Unknown)), "{found:?}");
    let found = store.use_state(&text, Platform::Tiktok, later(1)).await;
    ensure!(matches!(found, Err(StateError::Foreign)), "{found:?}");
    let found = store.use_state(&text, Platform::Youtube, later(600)).await;
    ensure!(matches!(found, Err(StateError::Expired)), "{found:?}");

    let tries = (0..8).map(|_| store.use_state(&text, Platform::Youtube, later(599)));
    let found = join_all(tries).await;
    let used: Vec<_> = found.iter().flatten().collect();
    ensure!(used.len() == 1, "{found:?}");
    let verifier = used[0].verifier.as_ref().map(Secret::expose);
    ensure!(verifier == Some("canary-verifier-of-pkce"), "{used:?}");
    ensure!(used[0].creator.as_str() == "cafe", "{used:?}");
    let refused = found.iter().filter_map(|it| it.as_ref().err());
    ensure!(refused.into_iter().all(|it| matches!(it, StateError::Used)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_state_nor_verifier_stands_in_the_database() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let (text, _) = store.open_state(&state("cafe"), at(NOON)).await?;
    let canaries = [
        text.expose(),
        "canary-verifier-of-pkce",
        "2026-05",
        "verifier",
    ];
    let canaries = canaries.map(str::to_owned);
    crate::canary::assert_absent(&ledger.database, &canaries).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creator_has_a_bounded_number_of_open_states() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let (others, _) = store.open_state(&state("another"), at(NOON)).await?;
    let mut texts = vec![];
    for second in 0..=MAX_OPEN_STATES {
        texts.push(store.open_state(&state("cafe"), later(second)).await?.0);
    }
    let found = store
        .use_state(&texts[0], Platform::Youtube, later(60))
        .await;
    ensure!(matches!(found, Err(StateError::Unknown)), "{found:?}");
    for text in texts[1..].iter().chain([&others]) {
        store.use_state(text, Platform::Youtube, later(60)).await?;
    }
    Ok(())
}
