//! Trend and top posts over HTTP against the bare SQL, on a database with millions of rows.

use crate::api::Api;
use crate::table::Table;
use anyhow::Context;
use domain::formula::Formula;
use domain::{AccountId, Platform};
use projections::follower_trends::trend_sql;
use projections::sql::At;
use projections::top_posts::{Measure, TopQuery, TopScope, ranked_sql};
use projections::{Scope, Versions};
use std::time::Instant;
use tests::ledger::at;
use tests::{Cluster, TestDatabase, TestLedger};
use tokio_postgres::Client;

const ACCOUNTS: i64 = 1_000;
const REQUESTS: usize = 1_000;

/// Fills the read models directly: this measures reading alone.
const FILL: &str = "
    insert into follower_trends_v1
        (account_id, metric, observed_at, revision, recorded_at, value, cause)
    select account_id, 'followers', timestamptz '2026-01-01' + d * interval '1 day', 1000 + d, now(),
        1000 + d, 'imported'
    from accounts_v1, generate_series(0, 364) d;
    insert into top_posts_v1
        (post, account_id, observed_at, observations, views, likes, comments, er_views,
         er_views_observed_at, revision)
    select md5(account_id::text || p)::uuid, account_id, timestamptz '2026-03-01', 10,
        100 + (p * 7919) % 100000, p, p / 10, (p * 104729) % 900000000, timestamptz '2026-03-01', 1
    from accounts_v1, generate_series(1, $POSTS) p;
    insert into top_posts_v1_history
        (post, observed_at, revision, recorded_at, cause, unchanged, views, likes, comments)
    select post, observed_at - o * interval '1 day', 10 - o, now(), 'imported', false,
        views - o, likes, comments
    from top_posts_v1, generate_series(0, 9) o;
    analyze";

pub(crate) async fn run(cluster: &Cluster, size: usize, table: &mut Table) -> anyhow::Result<()> {
    let database = TestDatabase::create_in(cluster).await?;
    adapters::postgres::migrate::migrate(&mut database.connect().await?).await?;
    let ledger = TestLedger::over(database).await?;
    let mut accounts = vec![];
    for n in 0..ACCOUNTS {
        accounts.push(
            ledger
                .import("bench", Platform::Tiktok, &format!("q-{n}"))
                .await?,
        );
    }
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let posts = size as i64 / ACCOUNTS / 10;
    client
        .batch_execute(&FILL.replace("$POSTS", &posts.to_string()))
        .await?;
    client.batch_execute("vacuum analyze").await?;

    let api = Api::start(&ledger).await?;
    let trend = |account: AccountId| {
        format!("/accounts/{account}/trends/followers?from=2026-01-01&to=2027-01-01")
    };
    let top = |account: AccountId| format!("/top-posts?account={account}&by=er_views@1&limit=5");
    let (mut ours, mut raw) = (vec![], vec![]);
    for _ in 0..crate::ROUNDS {
        ours.push(http(&api, &accounts, trend).await?);
        raw.push(bare_trend(&client, &accounts).await?);
    }
    table.add("trend of 365 points, p99", (ours, raw), "us", "at most 3");
    let (mut ours, mut raw, mut least) = (vec![], vec![], vec![]);
    for _ in 0..crate::ROUNDS {
        ours.push(http(&api, &accounts, top).await?);
        raw.push(bare_top(&client, &accounts).await?);
        least.push(least_top(&client, &accounts).await?);
    }
    let what = "top 5 posts of an account, p99";
    table.add(what, (ours.clone(), raw), "us", "at most 3");
    let what = "the same against the least that could be asked";
    table.add(what, (ours, least), "us", "-");
    api.stop().await
}

/// The versions that a new database has.
fn first() -> Versions {
    let names = ["accounts", "follower_trends", "top_posts"].iter();
    names.fold(Versions::default(), |all, name| all.with(name, 1, 1))
}

fn p99(mut micros: Vec<f64>) -> f64 {
    micros.sort_by(f64::total_cmp);
    micros[micros.len() * 99 / 100]
}

async fn http(
    api: &Api,
    accounts: &[AccountId],
    path: impl Fn(AccountId) -> String,
) -> anyhow::Result<f64> {
    let mut client = api.plain()?;
    let paths: Vec<_> = (0..REQUESTS)
        .map(|n| path(accounts[n * 7 % accounts.len()]))
        .collect();
    let asking = tokio::task::spawn_blocking(move || {
        let mut micros = vec![];
        for path in paths {
            let start = Instant::now();
            client.ask(&format!("/v1{path}"))?;
            micros.push(start.elapsed().as_secs_f64() * 1e6);
        }
        anyhow::Ok(micros)
    });
    Ok(p99(asking.await??))
}

async fn bare_trend(client: &Client, accounts: &[AccountId]) -> anyhow::Result<f64> {
    let statement = client.prepare(&first().render(&trend_sql())).await?;
    let start = at("2026-01-01T00:00:00Z");
    let day = |n: i64| At(start.saturating_add_micros(n * domain::time::DAY_MICROS));
    let since: Vec<At> = (0..365).map(day).collect();
    let until: Vec<At> = (1..366).map(day).collect();
    let end = At(domain::Timestamp::MAX);
    let mut micros = vec![];
    for n in 0..REQUESTS {
        let account = accounts[n * 7 % accounts.len()].uuid();
        let start = Instant::now();
        client
            .query(
                &statement,
                &[&account, &"followers", &since, &until, &end, &end],
            )
            .await?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(p99(micros))
}

/// The API's own statement, planned as on its connections.
async fn bare_top(client: &Client, accounts: &[AccountId]) -> anyhow::Result<f64> {
    client
        .batch_execute("set plan_cache_mode = force_generic_plan; set enable_bitmapscan = off")
        .await?;
    let mut micros = vec![];
    let query = |account| TopQuery {
        of: TopScope::Account(account),
        measure: Measure::Formula(Formula::ErViews1),
        min_views: None,
        platform: None,
        limit: 5,
    };
    let scope = Scope::AllCreators;
    let sql = ranked_sql(&scope, &query(accounts[0])).context("a measure with an index")?;
    let versions = ["accounts", "top_posts"]
        .into_iter()
        .fold(Versions::default(), |versions, name| {
            versions.with(name, 1, 1)
        });
    let statement = client.prepare(&versions.render(&sql)).await?;
    let (nothing, end) = (None::<&str>, At(domain::Timestamp::MAX));
    for n in 0..REQUESTS {
        let account = accounts[n * 7 % accounts.len()].uuid();
        let start = Instant::now();
        client
            .query(
                &statement,
                &[
                    &Some(account),
                    &nothing,
                    &None::<Vec<String>>,
                    &nothing,
                    &None::<i64>,
                    &end,
                    &5_i64,
                ],
            )
            .await?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(p99(micros))
}

/// Five posts without account, text, corrections or provenance.
const LEAST_TOP: &str = "
    select p.post, p.views, p.likes, p.comments, p.er_views, h.observed_at, h.recorded_at
    from top_posts_v1 p
    cross join lateral (
        select h.observed_at, h.recorded_at
        from top_posts_v1_history h
        where h.post = p.post and h.views > 0
        order by h.observed_at desc, h.revision desc
        limit 1
    ) h
    where p.account_id = $1 and p.er_views is not null
    order by p.er_views desc, p.post
    limit 5";

async fn least_top(client: &Client, accounts: &[AccountId]) -> anyhow::Result<f64> {
    let statement = client.prepare(LEAST_TOP).await?;
    let mut micros = vec![];
    for n in 0..REQUESTS {
        let account = accounts[n * 7 % accounts.len()].uuid();
        let start = Instant::now();
        client.query(&statement, &[&account]).await?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(p99(micros))
}
