//! Good answers: what every one of them carries, and that it shows what a command has just led to.

mod events;
mod growth;
mod health;
mod simulated;
mod switched_off;
mod times;
mod top;
mod trends;

use crate::api_ground::{Ground, column, list};
use crate::histories::{connect, followers, metrics, minute, page, sync};
use anyhow::{Context, ensure};
use domain::observation::Cause;
use domain::{AccountId, Metric, Platform, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::ledger::{post, values};

/// Whether text is a moment as answers show it: UTC, to the microsecond.
fn is_moment(value: &Value) -> bool {
    let text = value.as_str().unwrap_or("");
    text.parse::<Timestamp>()
        .is_ok_and(|at| at.to_string() == text)
}

/// What every answer of a read model carries.
fn ensure_envelope(path: &str, body: &Value) -> anyhow::Result<()> {
    let fields = body.as_object().context("an object")?;
    for name in [
        "data",
        "as_of",
        "known_at",
        "position",
        "last_synced_at",
        "next_sync_at",
        "state",
        "simulated",
    ] {
        ensure!(fields.contains_key(name), "{path}: no {name}: {body}");
    }
    ensure!(is_moment(&body["as_of"]), "{path}: {body}");
    for name in ["known_at", "last_synced_at", "next_sync_at"] {
        let value = &body[name];
        ensure!(
            value.is_null() || is_moment(value),
            "{path}: {name}: {body}"
        );
    }
    let position = body["position"].as_str().context("a position")?;
    ensure!(
        position.parse::<domain::Position>().is_ok(),
        "{path}: {position}"
    );
    let state = body["state"]["state"].as_str().context("a state")?;
    let states = [
        "ready",
        "syncing",
        "no_data",
        "stale",
        "needs_reauthorization",
        "rate_limited",
        "disconnected",
    ];
    ensure!(states.contains(&state), "{path}: {state}");
    let cause = body["state"]["cause"].as_str().unwrap_or("");
    ensure!(!cause.is_empty(), "{path}: no cause: {body}");
    ensure!(body["simulated"].is_boolean(), "{path}: {body}");
    // Lists go on somewhere or say that they end; nothing else does.
    let is_list = body["data"].is_array();
    ensure!(
        fields.contains_key("next_cursor") == is_list,
        "{path}: {body}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_how_fresh_it_is() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let who = ("creator", Platform::Youtube, "one");
    let account = ground.import(who.0, who.1, who.2).await?;
    let seen = post("p", "a title", &[(Metric::Views, 7)]);
    let intents = vec![
        connect(who, 1, 0)?,
        sync(60, None),
        followers(60, 42),
        page(minute(60), vec![seen]),
    ];
    let outcome = ground.carry_out(account, intents).await?;
    let posts = format!("/v1/accounts/{account}/posts");
    ground.after(&outcome, &posts).await?;
    let post = format!("{posts}/{}", ground.post(account, "p").await?);
    let of_account = format!("/v1/accounts/{account}");
    let window = "from=2026-01-01&to=2026-01-03";
    let one = [
        of_account.clone(),
        format!("{of_account}/metrics/followers"),
        format!("{of_account}/trends/followers?{window}"),
        format!("{of_account}/growth?{window}"),
        format!("{of_account}/velocity"),
        format!("{of_account}/sync-health"),
        posts,
        post.clone(),
        format!("{post}/history"),
        format!("{post}/metrics/views"),
        format!("/v1/top-posts?account={account}"),
    ];
    for path in &one {
        let body = ground.server.ok(path).await?;
        ensure_envelope(path, &body)?;
        // The sync took a minute, and the next one is planned an hour after it began.
        ensure!(
            body["last_synced_at"] == minute(61).to_string(),
            "{path}: {body}"
        );
        ensure!(
            body["next_sync_at"] == minute(120).to_string(),
            "{path}: {body}"
        );
        ensure!(body["simulated"] == false, "{path}: {body}");
    }
    let many = [
        "/v1/creators/creator/accounts".to_owned(),
        format!("/v1/creators/creator/growth?{window}"),
        "/v1/top-posts?by=views".to_owned(),
        "/v1/top-posts?creator=creator&by=views".to_owned(),
        "/v1/sync-health".to_owned(),
    ];
    for path in &many {
        let body = ground.server.ok(path).await?;
        ensure_envelope(path, &body)?;
        ensure!(body["last_synced_at"].is_null(), "{path}: {body}");
        ensure!(body["state"]["state"] == "ready", "{path}: {body}");
    }
    // The moments that were asked for, in UTC.
    let axes = "as_of=2026-01-02T01:00:00%2B01:00&known_at=2099-01-01T00:00:00Z";
    for path in [
        format!("{of_account}/metrics/followers?{axes}"),
        format!("{of_account}/trends/followers?{window}&{axes}"),
        format!("{of_account}/velocity?{axes}"),
        format!("{post}/history?{axes}"),
        format!("{post}/metrics/views?{axes}"),
        format!("/v1/top-posts?account={account}&{axes}"),
    ] {
        let body = ground.server.ok(&path).await?;
        ensure_envelope(&path, &body)?;
        ensure!(
            body["as_of"] == "2026-01-02T00:00:00.000000Z",
            "{path}: {body}"
        );
        ensure!(
            body["known_at"] == "2099-01-01T00:00:00.000000Z",
            "{path}: {body}"
        );
    }
    Ok(())
}

/// A question with a command's position shows what the command led to, in every read model.
#[tokio::test(flavor = "multi_thread")]
async fn who_writes_reads_it_at_once() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let who = ("creator", Platform::Tiktok, "one");
    let account = ground.import(who.0, who.1, who.2).await?;
    let of_account = format!("/v1/accounts/{account}");
    let outcome = ground.carry_out(account, vec![connect(who, 1, 0)?]).await?;
    let shown = ground.after(&outcome, &of_account).await?;
    ensure!(shown["data"]["phase"] == "connected", "{shown}");
    for n in 1..20 {
        let outcome = ground
            .carry_out(account, vec![followers(n, 100 + n)])
            .await?;
        let path = format!("{of_account}/metrics/followers?as_of={}", minute(n));
        let shown = ground.after(&outcome, &path).await?;
        ensure!(shown["data"]["value"] == 100 + n, "{shown}");
        let outcome = ground.carry_out(account, vec![sync(n, None)]).await?;
        let shown = ground
            .after(&outcome, &format!("{of_account}/sync-health"))
            .await?;
        ensure!(shown["data"]["syncs"] == n, "{shown}");
        let seen = post(
            "p",
            "a title",
            &[(Metric::Views, 1_000 + n), (Metric::Likes, n)],
        );
        let outcome = ground
            .carry_out(account, vec![page(minute(n), vec![seen])])
            .await?;
        let path = format!("/v1/top-posts?account={account}&by=views");
        let shown = ground.after(&outcome, &path).await?;
        ensure!(shown["data"]["posts"][0]["value"] == 1_000 + n, "{shown}");
        // What was repeated has a position too.
        let seen = post(
            "p",
            "a title",
            &[(Metric::Views, 1_000 + n), (Metric::Likes, n)],
        );
        let again = ground
            .carry_out(account, vec![page(minute(n), vec![seen])])
            .await?;
        ensure!(
            again.events == 0 && again.position == outcome.position,
            "{again:?}"
        );
        ground.after(&again, &path).await?;
    }
    Ok(())
}

/// A position that is not there yet is waited for, and then said to be missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_never_comes() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let account = ground.import("creator", Platform::Tiktok, "one").await?;
    let outcome = ground.carry_out(account, vec![followers(1, 1)]).await?;
    let mut position = outcome.position.context("a position")?;
    position.commit += 1_000;
    position.prepare += 1_000;
    let path = format!("/v1/accounts/{account}?wait_for={position}");
    let reply = crate::api_ground::Reply::get(&ground.server, &path).await?;
    reply.ensure_problem("too early", (503, "not_yet_projected", Some("wait_for")))?;
    ensure!(reply.header("retry-after") == "1", "{:?}", reply.headers);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_where_they_end() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let mut accounts = BTreeSet::new();
    for n in 0..5 {
        accounts.insert(
            ground
                .import("creator", Platform::Tiktok, &format!("{n}"))
                .await?,
        );
    }
    let account = *accounts.first().context("an account")?;
    let posts = (0..7).map(|n| post(&format!("p{n}"), "a title", &[(Metric::Views, n)]));
    ground
        .carry_out(account, vec![page(minute(0), posts.collect())])
        .await?;
    // Seven looks at one post, the last of which change nothing.
    let mut outcome = None;
    for n in 1..8 {
        let seen = post("p0", "a title", &[(Metric::Views, n.min(4))]);
        outcome = Some(
            ground
                .carry_out(account, vec![page(minute(n), vec![seen])])
                .await?,
        );
    }
    let outcome = outcome.context("a page")?;
    let posts = format!("/v1/accounts/{account}/posts");
    ground.after(&outcome, &posts).await?;
    let history = format!("{posts}/{}/history", ground.post(account, "p0").await?);

    let of = |items: &[Value], name: &str| -> Vec<String> {
        items.iter().map(|item| item[name].to_string()).collect()
    };
    for (path, name, count) in [
        ("/v1/creators/creator/accounts", "account_id", 5),
        ("/v1/sync-health", "account_id", 5),
        (posts.as_str(), "post", 7),
        (history.as_str(), "observed_at", 8),
    ] {
        let whole = of(
            list(&ground.data(&format!("{path}?limit=100")).await?)?,
            name,
        );
        ensure!(whole.len() == count, "{path}: {whole:?}");
        let mut sorted = whole.clone();
        sorted.sort();
        if name == "observed_at" {
            sorted.reverse();
        }
        ensure!(whole == sorted, "{path}: {whole:?}");
        for limit in [1, 2, 3, count] {
            let (mut found, mut cursor) = (vec![], String::new());
            for pages in 1.. {
                let page = format!("{path}?limit={limit}{cursor}");
                let page = ground.server.ok(&page).await?;
                found.extend(of(list(&page["data"])?, name));
                let Some(next) = page["next_cursor"].as_str() else {
                    ensure!(
                        pages == count.div_ceil(limit),
                        "{path}: {pages} pages of {limit}"
                    );
                    break;
                };
                ensure!(list(&page["data"])?.len() == limit, "{path}: {page}");
                cursor = format!("&cursor={next}");
            }
            ensure!(found == whole, "{path} by {limit}: {found:?}");
        }
    }
    let found = ground.data(&history).await?;
    let unchanged = column(&found, "unchanged")?;
    ensure!(unchanged[..3] == [true, true, true], "{found}");
    ensure!(unchanged[3] == false, "{found}");
    Ok(())
}

/// An account's metrics with some of them withheld.
fn withheld(
    observed_at: Timestamp,
    known: &[(Metric, i64)],
    hidden: &[Metric],
) -> anyhow::Result<commands::Intent> {
    let mut values = values(known);
    for metric in hidden {
        values.insert_hidden(*metric)?;
    }
    Ok(metrics(observed_at, values, Cause::Observed))
}

/// The path of an account's trend over a window.
fn trend(account: AccountId, query: &str) -> String {
    format!("/v1/accounts/{account}/trends/followers?{query}")
}

/// The names of the metrics and formulas in the registries, each with what it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_registries_say_what_each_number_means() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let metrics = ground.data("/v1/metrics").await?;
    ensure!(list(&metrics)?.len() == Metric::ALL.len(), "{metrics}");
    for (metric, said) in Metric::ALL.iter().zip(list(&metrics)?) {
        ensure!(said["name"] == metric.name(), "{said}");
        ensure!(
            ["stock", "flow", "lifetime"]
                .map(Value::from)
                .contains(&said["kind"]),
            "{said}"
        );
        ensure!(
            ["count", "milliseconds"]
                .map(Value::from)
                .contains(&said["unit"]),
            "{said}"
        );
        let subjects: Vec<_> = [
            (metric.is_of_account(), "account"),
            (metric.is_of_post(), "post"),
        ]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect();
        ensure!(said["subjects"] == json!(subjects), "{said}");
    }
    let formulas = ground.data("/v1/formulas").await?;
    let names = column(&formulas, "name")?;
    let expected = [
        "er_followers@1",
        "er_reach@1",
        "er_views@1",
        "growth@1",
        "velocity@1",
    ];
    ensure!(names == expected, "{formulas}");
    ensure!(
        column(&formulas, "off_for")?
            .iter()
            .all(|off| *off == json!([])),
        "{formulas}"
    );
    for said in list(&metrics)?.iter().chain(list(&formulas)?) {
        ensure!(
            said["definition"]
                .as_str()
                .is_some_and(|text| text.len() > 10),
            "{said}"
        );
    }
    Ok(())
}
