//! Indexes are read only as deep as the answer: what a question costs does not grow with the
//! numbers of others. (The benchmarks have a case of five million observations.)

use adapters::postgres::connect::Connected;
use anyhow::{Context, ensure};
use domain::formula::Formula;
use domain::{AccountId, CreatorId, Metric, time::DAY_MICROS};
use projections::engine::checkpoints;
use projections::follower_trends::{self, Interval, TrendQuery, trend_sql};
use projections::top_posts::{self, Measure, TopQuery, TopScope};
use projections::{Scope, Versions};
use serde_json::Value;
use tests::TestLedger;
use tests::ledger::{at, first_versions};
use tokio_postgres::{Client, SimpleQueryMessage};

/// The account that is asked about: 2,000 posts, and followers twice a day for more than a year.
const ACCOUNT: &str = "00000000-0000-7000-8000-000000000900";
/// The account's newest posts by rate that are asked for.
const TOP: i64 = 5;
/// The days of followers that are asked for.
const DAYS: i64 = 365;

/// Accounts `$LO` to `$HI`: each with `$POSTS` posts, looked at 25 times, and `$COUNTS` counts of
/// followers, twelve hours apart.
const FILL: &str = "
    insert into accounts_v1
    select ('00000000-0000-7000-8000-' || lpad(a::text, 12, '0'))::uuid, 'creator-' || a,
        'youtube', 'imported', now(), null, '', now(), now(), now(), now(), false, 0
    from generate_series($LO, $HI) a;

    insert into top_posts_v1 (post, account_id, observed_at, observations, views, likes, er_views,
        er_views_observed_at, revision)
    select ('00000001-0000-8000-8000-' || lpad((a * 10000 + p)::text, 12, '0'))::uuid,
        ('00000000-0000-7000-8000-' || lpad(a::text, 12, '0'))::uuid,
        '2026-01-25', 25, 1000 + (p * 7919) % 9973, 10, ((p * 104729) % 99991) * 1000,
        '2026-01-25', 25
    from generate_series($LO, $HI) a, generate_series(0, $POSTS - 1) p;

    insert into top_posts_v1_history (post, observed_at, revision, recorded_at, cause, unchanged,
        views, likes)
    select ('00000001-0000-8000-8000-' || lpad((a * 10000 + p)::text, 12, '0'))::uuid,
        '2026-01-01'::timestamptz + n * interval '1 day', n, now(), 'imported', false, 1000 + n, 10
    from generate_series($LO, $HI) a, generate_series(0, $POSTS - 1) p, generate_series(1, 25) n;

    insert into follower_trends_v1 (account_id, metric, observed_at, revision, recorded_at, value,
        cause)
    select ('00000000-0000-7000-8000-' || lpad(a::text, 12, '0'))::uuid, metric,
        '2025-01-01'::timestamptz + n * interval '12 hours', n, now(), n, 'imported'
    from generate_series($LO, $HI) a, unnest(array['followers', 'posts', 'views']) metric,
        generate_series(0, $COUNTS - 1) n;

    analyze;
";

async fn fill(
    client: &Client,
    (low, high): (u32, u32),
    (posts, counts): (u32, u32),
) -> anyhow::Result<()> {
    let sql = FILL
        .replace("$LO", &low.to_string())
        .replace("$HI", &high.to_string())
        .replace("$POSTS", &posts.to_string())
        .replace("$COUNTS", &counts.to_string());
    Ok(client.batch_execute(&sql).await?)
}

/// How many observations of posts and of accounts there are.
async fn observations(client: &Client) -> anyhow::Result<(i64, i64)> {
    let row = client
        .query_one(
            "select (select count(*) from top_posts_v1_history) as posts,
                 (select count(*) from follower_trends_v1) as accounts",
            &[],
        )
        .await?;
    Ok((row.get("posts"), row.get("accounts")))
}

/// The blocks that a prepared statement reads, from memory or not, and the rows that it gives.
async fn blocks(client: &Client, execute: &str) -> anyhow::Result<(u64, u64)> {
    let sql = format!("explain (analyze, buffers, format json) {execute}");
    let messages = client.simple_query(&sql).await?;
    let text = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: Value = serde_json::from_str(text.context("a plan")?)?;
    let plan = &plan[0]["Plan"];
    // Newer servers give rows with decimals.
    let number = |name: &str| -> anyhow::Result<u64> {
        let number = plan[name].as_f64();
        Ok(number.with_context(|| format!("{name}: {plan}"))? as u64)
    };
    let blocks = number("Shared Hit Blocks")? + number("Shared Read Blocks")?;
    Ok((blocks, number("Actual Rows")?))
}

/// What both statements read.
async fn costs(client: &Client) -> anyhow::Result<(u64, u64)> {
    let top = format!("execute top ('{ACCOUNT}', null, null, null, null, 'infinity', {TOP})");
    let (top, rows) = blocks(client, &top).await?;
    ensure!(rows == TOP.unsigned_abs(), "{rows} posts");
    let day = |n: i64| at("2025-01-01T00:00:00Z").saturating_add_micros(n * DAY_MICROS);
    let days = |from: i64| -> String {
        let days: Vec<_> = (from..from + DAYS).map(|n| day(n).to_string()).collect();
        days.join(",")
    };
    let trend = format!(
        "execute trend ('{ACCOUNT}', 'followers', '{{{}}}', '{{{}}}', 'infinity', 'infinity')",
        days(0),
        days(1)
    );
    let (trend, rows) = blocks(client, &trend).await?;
    ensure!(rows == DAYS.unsigned_abs(), "{rows} days");
    Ok((top, trend))
}

/// Rows of the large tables that were fetched so far in this transaction, in order and by index.
async fn fetched(client: &Client) -> anyhow::Result<(i64, i64)> {
    let row = client
        .query_one(
            "select coalesce(sum(seq_tup_read), 0)::bigint as in_order,
                 coalesce(sum(idx_tup_fetch), 0)::bigint as by_index
             from pg_stat_xact_user_tables
             where relname like 'top_posts_v1%' or relname = 'follower_trends_v1'",
            &[],
        )
        .await?;
    Ok((row.get("in_order"), row.get("by_index")))
}

/// The questions as the API asks them: how many rows each fetches to give its answer.
async fn rows_fetched(client: &Client) -> anyhow::Result<[i64; 4]> {
    let account: AccountId = ACCOUNT.parse()?;
    let creator: CreatorId = "creator-900".parse()?;
    let mut fetched_rows = [0; 4];
    let scopes = [
        TopScope::Account(account),
        TopScope::Creator(creator),
        TopScope::All,
    ];
    for (of, rows) in scopes.into_iter().zip(&mut fetched_rows) {
        let query = TopQuery {
            of,
            measure: Measure::Formula(Formula::ErViews1),
            min_views: None,
            platform: None,
            limit: TOP,
        };
        client.batch_execute("begin").await?;
        let before = fetched(client).await?;
        let found = top_posts::top(&first_versions(client), &Scope::AllCreators, &query).await?;
        let after = fetched(client).await?;
        client.batch_execute("commit").await?;
        ensure!(found.len() == TOP as usize, "{} posts", found.len());
        ensure!(after.0 == before.0, "{:?} reads a whole table", query.of);
        *rows = after.1 - before.1;
    }
    let from = at("2025-01-01T00:00:00Z");
    let query = TrendQuery {
        account,
        metric: Metric::Followers,
        from,
        to: from.saturating_add_micros(DAYS * DAY_MICROS),
        as_of: at("2027-01-01T00:00:00Z"),
        known_at: at("9999-01-01T00:00:00Z"),
    };
    client.batch_execute("begin").await?;
    let before = fetched(client).await?;
    let zone = "UTC".parse()?;
    let found =
        follower_trends::trend(&first_versions(client), &query, Interval::Day, zone, 2_000).await?;
    let after = fetched(client).await?;
    client.batch_execute("commit").await?;
    ensure!(
        found.is_some_and(|days| days.len() == DAYS as usize),
        "the days"
    );
    ensure!(after.0 == before.0, "a trend reads a whole table");
    fetched_rows[3] = after.1 - before.1;
    Ok(fetched_rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_costs_what_it_shows() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    // At the head of the empty log, the read models have all their indexes.
    ledger.catch_up().await?;
    let TestLedger { database, .. } = ledger;
    // A connection as the API has it: statements are planned once, whatever they are asked.
    let pool = database.pool(2)?;
    let client = pool.get().await?;
    // The very statement that the API runs.
    let top = top_posts::ranked_sql(
        &Scope::AllCreators,
        &TopQuery {
            of: TopScope::Account(ACCOUNT.parse()?),
            measure: Measure::Formula(Formula::ErViews1),
            min_views: None,
            platform: None,
            limit: TOP,
        },
    )
    .context("a measure with an index")?;
    let live = Versions::live(&checkpoints(&Connected::from_pool(&pool).await?).await?);
    client
        .batch_execute(&live.render(&format!(
            "set time zone 'UTC';
             prepare top (uuid, text, text[], text, bigint, timestamptz, bigint) as {top};
             prepare trend (uuid, text, timestamptz[], timestamptz[], timestamptz, timestamptz)
             as {};",
            trend_sql()
        )))
        .await?;
    fill(&client, (900, 900), (2_000, 800)).await?;

    fill(&client, (1, 14), (300, 2_500)).await?;
    let some = observations(&client).await?;
    ensure!(some.0 > 100_000 && some.1 > 100_000, "{some:?}");
    let (top, trend) = costs(&client).await?;
    let rows = rows_fetched(&client).await?;

    fill(&client, (15, 40), (300, 2_500)).await?;
    let many = observations(&client).await?;
    ensure!(many.0 > 300_000 && many.1 > 300_000, "{many:?}");
    let (top_of_many, trend_of_many) = costs(&client).await?;
    let rows_of_many = rows_fetched(&client).await?;
    eprintln!(
        "query_plans: top {top} and {top_of_many} blocks, trend {trend} and {trend_of_many}, \
         rows {rows:?} and {rows_of_many:?}"
    );

    // A descent of the index and a row for each answer.
    ensure!(
        top < 60 && top_of_many < 60,
        "{top} and {top_of_many} blocks"
    );
    let most = DAYS.unsigned_abs() * 8;
    ensure!(
        trend < most && trend_of_many < most,
        "{trend} and {trend_of_many} blocks"
    );
    // Three times as much of others: at most another level of the index for each descent.
    ensure!(top_of_many <= top + 2, "{top} and {top_of_many} blocks");
    let level = DAYS.unsigned_abs() + 10;
    ensure!(
        trend_of_many <= trend + level,
        "{trend} and {trend_of_many} blocks"
    );

    // As the API asks: of one account and of one creator the same rows however many others there
    // are, and of all as many for each account as are shown.
    for scope in [0, 1] {
        ensure!(rows_of_many[scope] <= TOP * 8, "{rows_of_many:?}");
        ensure!(
            rows_of_many[scope] <= rows[scope] + TOP,
            "{rows:?} {rows_of_many:?}"
        );
    }
    let accounts = 41;
    ensure!(
        rows_of_many[2] <= accounts * TOP * 2 + TOP * 8,
        "{rows_of_many:?}"
    );
    ensure!(rows_of_many[3] <= DAYS * 2, "{rows_of_many:?}");
    ensure!(rows_of_many[3] <= rows[3] + 10, "{rows:?} {rows_of_many:?}");
    Ok(())
}
