//! Grants and connections in Postgres: sealed, versioned, renewed by one process at a time.

use super::{NOON, account_of, another, connection, grant, later, tokens};
use adapters::platforms::{Class, Failure, Secret};
use adapters::vault::credentials::{AfterEnding, Credentials, GrantState, RenewError, Unfinished};
use anyhow::{Context, ensure};
use domain::Platform;
use domain::account::DisconnectReason;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tests::TestLedger;
use tests::ledger::at;

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_renew_a_token_once() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let (one, two) = (
        Credentials::new(Arc::clone(&ledger.vault)),
        another(&ledger).await?,
    );
    let account = account_of(&ledger, Platform::Tiktok, "open-1").await?;
    let new = grant(Platform::Tiktok, "open-1", tokens("old", Some("refresh-1")));
    let id = one
        .store(&new, &[connection(account, "open-1", None)], at(NOON))
        .await?;
    let asked = AtomicUsize::new(0);
    let renew = |store: Credentials| {
        let asked = &asked;
        async move {
            let ask = async |grant: adapters::vault::credentials::Grant| {
                asked.fetch_add(1, Ordering::SeqCst);
                // Long enough for the others to come to the lock.
                tokio::time::sleep(Duration::from_millis(300)).await;
                ensure_refresh(&grant, "refresh-1");
                Ok(tokens("new", Some("refresh-2")))
            };
            store.renew(id, |it| it.version == 1, ask, at(NOON)).await
        }
    };
    let all = tokio::join!(
        renew(one.clone()),
        renew(two.clone()),
        renew(one.clone()),
        renew(two)
    );
    for found in [all.0, all.1, all.2, all.3] {
        let found = found?;
        ensure!(found.tokens.access.expose() == "new" && found.version == 2);
        ensure_refresh(&found, "refresh-2");
    }
    ensure!(asked.load(Ordering::SeqCst) == 1, "{asked:?}");
    Ok(())
}

fn ensure_refresh(grant: &adapters::vault::credentials::Grant, expected: &str) {
    let refresh = grant.tokens.refresh.as_ref().map(Secret::expose);
    assert_eq!(refresh, Some(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_failure_is_counted_once_a_day_and_ends_nothing() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let account = account_of(&ledger, Platform::Youtube, "UC1").await?;
    let new = grant(Platform::Youtube, "UC1", tokens("old", Some("good")));
    let id = store
        .store(&new, &[connection(account, "UC1", None)], at(NOON))
        .await?;
    let fail = async |class: Class, at| {
        let ask = async |_| Err(Failure::new(class, "a_code"));
        store.renew(id, |_| true, ask, at).await
    };
    let passing = Class::ALL
        .iter()
        .filter(|class| !class.is_answer() && **class != Class::AuthExpired);
    for class in passing {
        let found = fail(*class, later(1)).await;
        ensure!(matches!(found, Err(RenewError::Platform(_))), "{class}");
        let facts = &store.facts(&[account]).await?[0];
        ensure!(
            facts.state == GrantState::Active && facts.failed_days == 1,
            "{class} {facts:?}"
        );
    }
    let mut refresh_first = Failure::new(Class::AuthExpired, "authError");
    refresh_first.refresh_first = true;
    let ask = async |_| Err(refresh_first);
    ensure!(store.renew(id, |_| true, ask, later(86_400)).await.is_err());
    ensure!(
        store.facts(&[account]).await?[0].failed_days == 1,
        "not a day has passed"
    );
    ensure!(fail(Class::Transient, later(86_401)).await.is_err());
    ensure!(store.facts(&[account]).await?[0].failed_days == 2);

    let ask = async |_| Ok(tokens("new", None));
    let renewed = store.renew(id, |_| true, ask, later(86_402)).await?;
    ensure_refresh(&renewed, "good");
    ensure!(store.facts(&[account]).await?[0].failed_days == 0);

    ensure!(fail(Class::AuthExpired, later(90_000)).await.is_err());
    ensure!(store.facts(&[account]).await?[0].state == GrantState::NeedsPerson);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_token_put_back_does_not_open() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let account = account_of(&ledger, Platform::Youtube, "UC1").await?;
    let new = grant(Platform::Youtube, "UC1", tokens("old", Some("good")));
    let id = store
        .store(&new, &[connection(account, "UC1", None)], at(NOON))
        .await?;
    let client = ledger.database.connect().await?;
    let sealed = "select sealed from credentials.grants";
    let old: Vec<u8> = client.query_one(sealed, &[]).await?.get(0);
    let ask = async |_| Ok(tokens("new", None));
    store.renew(id, |_| true, ask, at(NOON)).await?;
    client
        .execute("update credentials.grants set sealed = $1", &[&old])
        .await?;
    let found = store.grant(id).await;
    ensure!(found.is_err(), "{found:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_and_no_name_stands_in_the_database() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let account = account_of(&ledger, Platform::Facebook, "canary-page-id").await?;
    let secrets = tokens("canary-access-token", Some("canary-refresh-token"));
    let new = grant(Platform::Facebook, "canary-person", secrets);
    let page = connection(account, "canary-page-id", Some("canary-page-token"));
    store.store(&new, &[page], at(NOON)).await?;
    let found = store.connection(account).await?.context("a connection")?;
    ensure!(found.grant.tokens.access.expose() == "canary-access-token");
    let page_token = found.access.access.as_ref().map(Secret::expose);
    ensure!(page_token == Some("canary-page-token"));
    ensure!(!format!("{found:?}").contains("canary"), "{found:?}");
    let canaries = [
        "access-token",
        "refresh-token",
        "page-token",
        "page-id",
        "person",
    ];
    let canaries = canaries.map(|name| format!("canary-{name}"));
    crate::canary::assert_absent(&ledger.database, &canaries).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_keeps_the_refresh_token_that_the_reply_leaves_out() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let account = account_of(&ledger, Platform::Youtube, "UC1").await?;
    let again = || [connection(account, "UC1", None)];
    let first = grant(Platform::Youtube, "UC1", tokens("one", Some("good")));
    let id = store.store(&first, &again(), at(NOON)).await?;
    let second = grant(Platform::Youtube, "UC1", tokens("two", None));
    ensure!(store.store(&second, &again(), later(60)).await? == id);
    let found = store.connection(account).await?.context("a connection")?;
    ensure!(found.grant.tokens.access.expose() == "two");
    ensure_refresh(&found.grant, "good");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_revoked_with_the_last_account_that_uses_it() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let one = account_of(&ledger, Platform::Facebook, "page-1").await?;
    let two = account_of(&ledger, Platform::Facebook, "page-2").await?;
    let new = grant(Platform::Facebook, "person", tokens("user", None));
    let pages = [
        connection(one, "page-1", Some("p1")),
        connection(two, "page-2", Some("p2")),
    ];
    let id = store.store(&new, &pages, at(NOON)).await?;
    ensure!(store.named(Platform::Facebook, "person").await?.len() == 2);
    ensure!(store.named(Platform::Facebook, "page-2").await? == [two]);
    ensure!(store.named(Platform::Instagram, "page-2").await?.is_empty());

    let ending = store
        .end(one, DisconnectReason::Requested, later(1))
        .await?;
    let ending = ending.context("an ending")?;
    let again = store
        .end(one, DisconnectReason::Deauthorized, later(2))
        .await?;
    ensure!(again == Some(ending), "the first ending counts: {again:?}");
    ensure!(
        store.connection(one).await?.is_none(),
        "nobody uses it any more"
    );
    ensure!(
        store
            .unfinished(10)
            .await?
            .contains(&Unfinished::End(one, ending))
    );
    let after = store.wipe(one, Some(ending.command_id), |_| true).await?;
    ensure!(after == AfterEnding::Nothing, "{after:?}");
    ensure!(
        store.connection(two).await?.is_some(),
        "the other account goes on"
    );

    let after = store.wipe(two, None, |_| true).await?;
    ensure!(after == AfterEnding::Revoke(id), "{after:?}");
    ensure!(store.unfinished(10).await? == [Unfinished::Revoke(id)]);
    store.forget_grant(id).await?;
    ensure!(store.grant(id).await?.is_none() && store.unfinished(10).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whom_another_creator_shares_is_not_revoked() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let store = Credentials::new(Arc::clone(&ledger.vault));
    let one = account_of(&ledger, Platform::Facebook, "page-1").await?;
    let two = account_of(&ledger, Platform::Facebook, "page-2").await?;
    let new = grant(Platform::Facebook, "person", tokens("user", None));
    let mut others = new.clone();
    others.creator = "another".parse()?;
    let id = store
        .store(&new, &[connection(one, "page-1", None)], at(NOON))
        .await?;
    store
        .store(&others, &[connection(two, "page-2", None)], at(NOON))
        .await?;
    let after = store.wipe(one, None, |_| true).await?;
    ensure!(after == AfterEnding::Nothing, "{after:?}");
    ensure!(store.grant(id).await?.is_none(), "and its tokens are wiped");
    ensure!(store.connection(two).await?.is_some());
    Ok(())
}
