//! The read models worked out anew from the log's JSON, with no code of the `projections` crate:
//! what an auditor with a script would do.

use anyhow::{Context, ensure};
use domain::RecordedEvent;
use projections::Versions;
use projections::engine::checkpoints;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// One line for each row, so that two sets of rows compare as text.
type Rows = BTreeMap<String, String>;

const POST_METRICS: [&str; 7] = [
    "views",
    "likes",
    "comments",
    "shares",
    "saves",
    "reach",
    "watch_time",
];

#[derive(Default)]
struct Post {
    account: String,
    /// Observations by moment and revision: what was known, and what was withheld.
    seen: BTreeMap<(String, u64), (Value, Value)>,
}

impl Post {
    /// The last known value of a metric. Of one moment the last event that speaks of it decides.
    fn last_known(&self, metric: &str) -> Option<&Value> {
        let mut withheld = None;
        for ((at, _), (values, hidden)) in self.seen.iter().rev() {
            if withheld == Some(at) {
                continue;
            }
            if let Some(value) = values.get(metric) {
                return Some(value);
            }
            let hidden = hidden.as_array().into_iter().flatten();
            if hidden.into_iter().any(|name| name == metric) {
                withheld = Some(at);
            }
        }
        None
    }
}

#[derive(Default)]
struct Fold {
    accounts: Rows,
    trends: Rows,
    history: Rows,
    posts: BTreeMap<String, Post>,
    syncs: BTreeMap<String, u64>,
}

impl Fold {
    /// Of events in the log's order: stream, revision, type, data.
    fn of<'a>(
        events: impl Iterator<Item = (&'a str, u64, &'a str, &'a [u8])>,
    ) -> anyhow::Result<Self> {
        let mut fold = Self::default();
        for (stream, revision, event_type, data) in events {
            let account = stream.strip_prefix("account-");
            let account = account.context("an account's stream")?;
            fold.take(
                account,
                revision,
                event_type,
                &serde_json::from_slice(data)?,
            );
        }
        Ok(fold)
    }

    /// Of the log that is in this database.
    async fn of_postgres(client: &Client) -> anyhow::Result<Self> {
        let sql = "select stream, revision, event_type, data from log_events order by position";
        let events = client.query(sql, &[]).await?;
        Self::of(events.iter().map(|event| {
            let revision: i64 = event.get("revision");
            let (stream, event_type) = (event.get("stream"), event.get("event_type"));
            (
                stream,
                revision.cast_unsigned(),
                event_type,
                event.get("data"),
            )
        }))
    }

    fn take(&mut self, account: &str, revision: u64, event_type: &str, data: &Value) {
        match event_type {
            "AccountImported" | "AccountConnected" => {
                let phase = if event_type == "AccountImported" {
                    "imported"
                } else {
                    "connected"
                };
                let row = format!(
                    "{} {} {phase}",
                    text(&data["creator"]),
                    text(&data["platform"])
                );
                self.accounts.insert(account.to_owned(), row);
            }
            "AccountReconnected" => self.enter(account, "connected"),
            "ReauthorizationRequired" => self.enter(account, "needs_reauthorization"),
            "AccountDisconnected" => self.enter(account, "disconnected"),
            "SyncRecorded" => *self.syncs.entry(account.to_owned()).or_default() += 1,
            "MetricsObserved" => {
                let at = text(&data["observed_at"]);
                let known = data["values"].as_object().into_iter().flatten();
                for (metric, value) in known {
                    let key = format!("{account} {metric} {at} {revision}");
                    self.trends.insert(key, value.to_string());
                }
                for metric in data["hidden"].as_array().into_iter().flatten() {
                    let key = format!("{account} {} {at} {revision}", text(metric));
                    self.trends.insert(key, "null".to_owned());
                }
            }
            "PostsObserved" => self.posts(account, revision, data),
            _ => {}
        }
    }

    fn enter(&mut self, account: &str, phase: &str) {
        if let Some(row) = self.accounts.get_mut(account)
            && let Some((rest, _)) = row.rsplit_once(' ')
        {
            *row = format!("{rest} {phase}");
        }
    }

    fn posts(&mut self, account: &str, revision: u64, data: &Value) {
        let at = text(&data["observed_at"]);
        for changed in data["changed"].as_array().into_iter().flatten() {
            let id = text(&changed["post"]);
            let post = self.posts.entry(id.to_owned()).or_default();
            account.clone_into(&mut post.account);
            let said = (changed["values"].clone(), changed["hidden"].clone());
            post.seen.insert((at.to_owned(), revision), said);
            self.history
                .insert(format!("{id} {at} {revision}"), numbers(&changed["values"]));
        }
        for id in data["unchanged"].as_array().into_iter().flatten() {
            let id = text(id);
            let Some(post) = self.posts.get_mut(id) else {
                continue;
            };
            // Unchanged against the newest observation so far.
            let Some(((newest, _), said)) = post.seen.last_key_value() else {
                continue;
            };
            if newest.as_str() < at {
                let said = said.clone();
                self.history
                    .insert(format!("{id} {at} {revision}"), numbers(&said.0));
                post.seen.insert((at.to_owned(), revision), said);
            }
        }
    }

    fn latest(&self) -> Rows {
        let mut rows = Rows::new();
        for (id, post) in &self.posts {
            let last = |metric| {
                post.last_known(metric)
                    .map_or("null".into(), Value::to_string)
            };
            let numbers = POST_METRICS.map(last);
            let row = format!("{} {} {}", post.account, post.seen.len(), numbers.join(" "));
            rows.insert(id.clone(), row);
        }
        rows
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn numbers(values: &Value) -> String {
    let number = |metric: &str| {
        values[metric]
            .as_i64()
            .map_or("null".into(), |n| n.to_string())
    };
    POST_METRICS
        .iter()
        .map(|metric| number(metric))
        .collect::<Vec<_>>()
        .join(" ")
}

async fn rows(client: &Client, sql: &str) -> anyhow::Result<Rows> {
    let rows = client.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn equal(what: &str, expected: &Rows, found: &Rows) -> anyhow::Result<()> {
    for (key, row) in expected {
        let held = found.get(key);
        ensure!(
            held == Some(row),
            "{what}: {key} is {held:?}, the log says {row}"
        );
    }
    ensure!(
        expected.len() == found.len(),
        "{what}: rows that the log does not lead to"
    );
    Ok(())
}

const TIME: &str = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";

/// Compares all four read models, as they are live, with a fold of the whole log.
pub(crate) async fn assert_read_models_equal_the_log(client: &Client) -> anyhow::Result<()> {
    let live = Versions::live(&checkpoints(client).await?);
    assert_versions_equal_the_log(client, &live).await
}

/// Compares these versions of the four read models with a fold of the whole log.
pub(crate) async fn assert_versions_equal_the_log(
    client: &Client,
    versions: &Versions,
) -> anyhow::Result<()> {
    compare(client, versions, &Fold::of_postgres(client).await?).await
}

/// Every version that was filled and kept is a fold of the log, whichever is live. How many.
pub(crate) async fn assert_all_versions_equal_the_log(client: &Client) -> anyhow::Result<usize> {
    compare_all(client, &Fold::of_postgres(client).await?).await
}

/// The same for a log that is elsewhere, of which these are all events.
pub(crate) async fn assert_all_versions_equal(
    client: &Client,
    events: &[RecordedEvent],
) -> anyhow::Result<usize> {
    let of = |event: &RecordedEvent| {
        (
            event.stream.as_str().to_owned(),
            event.event_type.to_string(),
        )
    };
    let names: Vec<_> = events.iter().map(of).collect();
    let parts = events
        .iter()
        .zip(&names)
        .map(|(event, (stream, event_type))| {
            (
                stream.as_str(),
                event.revision,
                event_type.as_str(),
                &event.data[..],
            )
        });
    compare_all(client, &Fold::of(parts)?).await
}

async fn compare_all(client: &Client, fold: &Fold) -> anyhow::Result<usize> {
    let rows = client
        .query(
            "select name, version
             from projection_versions
             where filled_at is not null and dropped_at is null
             order by name, version",
            &[],
        )
        .await?;
    for row in &rows {
        let mut versions = Versions::default().with(row.get("name"), row.get("version"), 1);
        for live in checkpoints(client).await? {
            versions = versions.with(&live.name, live.version, live.contract);
        }
        let (name, version): (&str, i32) = (row.get("name"), row.get("version"));
        let compared = compare(client, &versions, fold).await;
        compared.with_context(|| format!("{name}@{version}"))?;
    }
    Ok(rows.len())
}

async fn compare(client: &Client, versions: &Versions, fold: &Fold) -> anyhow::Result<()> {
    let rows = async |client: &Client, sql: &str| rows(client, &versions.render(sql)).await;
    client.batch_execute("set time zone 'UTC'").await?;
    let accounts = "select account_id::text, concat_ws(' ', creator_id, platform, phase)
        from accounts_vN";
    equal("accounts", &fold.accounts, &rows(client, accounts).await?)?;
    let trends = format!(
        "select concat_ws(' ', account_id, metric, to_char(observed_at, {TIME}), revision),
             coalesce(value::text, 'null')
         from follower_trends_vN"
    );
    equal(
        "follower_trends",
        &fold.trends,
        &rows(client, &trends).await?,
    )?;
    let numbers = POST_METRICS
        .map(|metric| format!("coalesce({metric}::text, 'null')"))
        .join(", ");
    let history = format!(
        "select concat_ws(' ', post, to_char(observed_at, {TIME}), revision),
             concat_ws(' ', {numbers})
         from top_posts_vN_history"
    );
    equal(
        "top_posts history",
        &fold.history,
        &rows(client, &history).await?,
    )?;
    let latest = format!(
        "select post::text, concat_ws(' ', account_id, observations, {numbers}) from top_posts_vN"
    );
    equal("top_posts", &fold.latest(), &rows(client, &latest).await?)?;
    let health = "select account_id::text, syncs::text from sync_health_vN";
    let expected = fold.accounts.keys().map(|account| {
        (
            account.clone(),
            fold.syncs.get(account).copied().unwrap_or(0).to_string(),
        )
    });
    equal(
        "sync_health",
        &expected.collect(),
        &rows(client, health).await?,
    )
}
