//! The events of an account, as they are stored: a stranger can work out every hash, and the
//! chain holds.

use crate::api_ground::{Ground, Reply};
use crate::histories::{connect, followers, minute, page, sync};
use anyhow::{Context, ensure};
use domain::account::ErrorClass;
use domain::{AccountId, Metric, Platform};
use serde_json::Value;
use serde_json::value::RawValue;
use tests::ledger::post;
use uuid::Uuid;

/// The answer, with metadata and data as the very bytes that were sent.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Events {
    stream: String,
    data: Vec<Stored>,
    next_after_revision: Option<i64>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    revision: i64,
    position: String,
    event_id: Uuid,
    r#type: String,
    metadata: Box<RawValue>,
    data: Box<RawValue>,
    hash: String,
}

/// The documented hash, worked out by Postgres: SHA-256 over seven fields, each preceded by its
/// length as a 64-bit big-endian number.
const HASH_SQL: &str = "
    select encode(sha256(string_agg(int8send(octet_length(field)::bigint) || field, ''::bytea
        order by place)), 'hex') as hash
    from unnest(array[
        convert_to('social-ledger/chain/1', 'UTF8'), convert_to($1::text, 'UTF8'),
        int8send($2::bigint), uuid_send($3::uuid), convert_to($4::text, 'UTF8'),
        $5::bytea, $6::bytea
    ]) with ordinality as fields (field, place)";

/// A history with an event of nearly every type; seven in all.
async fn history(ground: &Ground) -> anyhow::Result<(AccountId, commands::Outcome)> {
    let who = ("creator", Platform::Instagram, "platform-id-one");
    let account = ground.import(who.0, who.1, who.2).await?;
    let intents = vec![
        connect(who, 1, 0)?,
        followers(1, 100),
        followers(2, 90),
        page(
            minute(3),
            vec![post(
                "p1",
                "a title with ü and \"quotes\"",
                &[(Metric::Views, 7)],
            )],
        ),
        // This one leads to two.
        sync(4, Some(ErrorClass::AuthExpired)),
    ];
    let outcome = ground.carry_out(account, intents).await?;
    ensure!(outcome.events == 6, "{outcome:?}");
    Ok((account, outcome))
}

async fn events(ground: &Ground, account: AccountId, query: &str) -> anyhow::Result<Events> {
    let path = format!("/v1/accounts/{account}/events?{query}");
    let reply = Reply::get(&ground.server, &path).await?;
    ensure!(reply.status == 200, "{path}: {}", reply.text);
    Ok(serde_json::from_str(&reply.text)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_can_check_the_chain() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let (account, outcome) = history(&ground).await?;
    let wait = format!("wait_for={}", outcome.position.context("a position")?);
    let found = events(&ground, account, &wait).await?;
    ensure!(
        found.stream == format!("account-{account}"),
        "{}",
        found.stream
    );
    ensure!(found.next_after_revision.is_none(), "there are no more");
    let types: Vec<_> = found
        .data
        .iter()
        .map(|event| event.r#type.as_str())
        .collect();
    let expected = [
        "AccountImported",
        "AccountConnected",
        "MetricsObserved",
        "MetricsObserved",
        "PostsObserved",
        "SyncRecorded",
        "ReauthorizationRequired",
    ];
    ensure!(types == expected, "{types:?}");

    let client = ground.ledger.database.connect().await?;
    let hash = client.prepare(HASH_SQL).await?;
    let stored = client
        .prepare("select metadata, data from log_events where stream = $1 and revision = $2")
        .await?;
    let mut prev = "0".repeat(64);
    for (event, revision) in found.data.iter().zip(0_i64..) {
        let Stored {
            event_id, r#type, ..
        } = event;
        ensure!(event.revision == revision, "revision {}", event.revision);
        let (metadata, data) = (event.metadata.get(), event.data.get());
        let row = client
            .query_one(&stored, &[&found.stream, &revision])
            .await?;
        let bytes: (&[u8], &[u8]) = (row.get("metadata"), row.get("data"));
        let sent = (metadata.as_bytes(), data.as_bytes());
        ensure!(bytes == sent, "{revision}: other bytes are stored");
        let row = client
            .query_one(
                &hash,
                &[
                    &found.stream,
                    &revision,
                    event_id,
                    r#type,
                    &metadata.as_bytes(),
                    &data.as_bytes(),
                ],
            )
            .await?;
        let worked_out: &str = row.get("hash");
        ensure!(
            worked_out == event.hash,
            "{revision}: {} {worked_out}",
            event.hash
        );
        let metadata: Value = serde_json::from_str(metadata)?;
        ensure!(
            metadata["prev"] == prev,
            "{revision}: the chain is broken: {metadata}"
        );
        ensure!(
            event.position.parse::<domain::Position>().is_ok(),
            "{}",
            event.position
        );
        prev.clone_from(&event.hash);
    }
    // A changed byte makes another hash.
    let last = found.data.last().context("an event")?;
    let changed = last.data.get().replace("190", "191");
    let row = client
        .query_one(
            &hash,
            &[
                &found.stream,
                &last.revision,
                &last.event_id,
                &last.r#type,
                &last.metadata.get().as_bytes(),
                &changed.as_bytes(),
            ],
        )
        .await?;
    let worked_out: &str = row.get("hash");
    ensure!(
        changed != last.data.get() && worked_out != last.hash,
        "{worked_out}"
    );
    Ok(())
}

/// Falls are kept as they came, and what people see is sealed.
#[tokio::test(flavor = "multi_thread")]
async fn events_say_what_was_observed_and_nothing_personal() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let (account, outcome) = history(&ground).await?;
    let wait = format!("wait_for={}", outcome.position.context("a position")?);
    let found = events(&ground, account, &wait).await?;
    let data = |index: usize| -> anyhow::Result<Value> {
        let event = found.data.get(index).context("an event")?;
        Ok(serde_json::from_str(event.data.get())?)
    };
    for (index, count) in [(2, 100), (3, 90)] {
        ensure!(
            data(index)?["values"]["followers"] == count,
            "{}",
            data(index)?
        );
    }
    let posts = data(4)?;
    ensure!(posts["changed"][0]["values"]["views"] == 7, "{posts}");
    ensure!(posts["changed"][0]["text"].is_object(), "{posts}");
    for event in &found.data {
        let whole = format!("{}{}", event.metadata.get(), event.data.get());
        for personal in ["platform-id-one", "a title", "quotes"] {
            ensure!(
                !whole.contains(personal),
                "'{personal}' is in the clear: {whole}"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_after_a_revision() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    let (account, outcome) = history(&ground).await?;
    ground
        .after(&outcome, &format!("/v1/accounts/{account}"))
        .await?;
    let whole = events(&ground, account, "limit=500").await?;
    ensure!(whole.data.len() == 7, "{} events", whole.data.len());
    for limit in [1, 2, 3, 6, 7] {
        let (mut hashes, mut after) = (vec![], String::new());
        loop {
            let part = events(&ground, account, &format!("limit={limit}{after}")).await?;
            ensure!(part.data.len() <= limit, "{} of {limit}", part.data.len());
            let last = part.data.last().map(|event| event.revision);
            hashes.extend(part.data.into_iter().map(|event| event.hash));
            let Some(next) = part.next_after_revision else {
                break;
            };
            ensure!(Some(next) == last, "{next} {last:?}");
            after = format!("&after_revision={next}");
        }
        let expected: Vec<_> = whole.data.iter().map(|event| event.hash.clone()).collect();
        ensure!(hashes == expected, "limit {limit}: {hashes:?}");
    }
    for (after, count) in [(5, 1), (6, 0), (7, 0), (1_000_000, 0)] {
        let part = events(&ground, account, &format!("after_revision={after}")).await?;
        ensure!(
            part.data.len() == count,
            "after {after}: {}",
            part.data.len()
        );
        ensure!(part.next_after_revision.is_none(), "after {after}");
    }
    Ok(())
}
