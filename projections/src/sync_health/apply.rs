//! How events change sync health: rows are read, folded in memory and written back at once.

use crate::projection::{Applied, ProjectionError};
use crate::sql::At;
use crate::tables::Tables;
use domain::account::{Event, SyncKind, SyncOutcome, SyncRecorded};
use domain::{AccountId, Timestamp};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// A row as it is folded.
struct Health {
    creator: String,
    platform: String,
    phase: String,
    last_attempt_at: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    last_outcome: Option<String>,
    error_class: Option<String>,
    error_code: Option<String>,
    failing_since: Option<Timestamp>,
    failures: i64,
    recovered_at: Option<Timestamp>,
    rate_limit_reset_at: Option<Timestamp>,
    next_at: Option<Timestamp>,
    syncs: i64,
    revision: i64,
}

pub(super) async fn apply(tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
    let relevant: Vec<_> = events
        .iter()
        .filter(|applied| is_relevant(&applied.event))
        .collect();
    if relevant.is_empty() {
        return Ok(());
    }
    let mut rows = load(tables, &relevant).await?;
    for applied in &relevant {
        fold(&mut rows, applied);
    }
    store(tables, &rows).await?;
    store_syncs(tables, &relevant).await
}

fn is_relevant(event: &Event) -> bool {
    match event {
        Event::AccountImported(_)
        | Event::AccountConnected(_)
        | Event::AccountReconnected(_)
        | Event::ReauthorizationRequired(_)
        | Event::AccountDisconnected(_)
        | Event::SyncRecorded(_) => true,
        Event::ProfileChanged(_)
        | Event::MetricsObserved(_)
        | Event::PostsObserved(_)
        | Event::AccountErased(_) => false,
    }
}

fn fold(rows: &mut HashMap<AccountId, Health>, applied: &Applied) {
    if rows
        .get(&applied.account)
        .is_some_and(|row| row.revision >= applied.revision)
    {
        return;
    }
    let opened = match &applied.event {
        Event::AccountImported(e) => Some((&e.creator, e.platform, "imported")),
        Event::AccountConnected(e) => Some((&e.creator, e.platform, "connected")),
        _ => None,
    };
    if let Some((creator, platform, phase)) = opened {
        let row = rows.entry(applied.account).or_insert_with(|| Health {
            creator: creator.to_string(),
            platform: platform.to_string(),
            phase: String::new(),
            last_attempt_at: None,
            last_success_at: None,
            last_outcome: None,
            error_class: None,
            error_code: None,
            failing_since: None,
            failures: 0,
            recovered_at: None,
            rate_limit_reset_at: None,
            next_at: None,
            syncs: 0,
            revision: applied.revision,
        });
        phase.clone_into(&mut row.phase);
    }
    let Some(row) = rows.get_mut(&applied.account) else {
        return;
    };
    row.revision = applied.revision;
    match &applied.event {
        Event::AccountReconnected(_) => {
            "connected".clone_into(&mut row.phase);
            // The failures were the old grant's.
            row.error_class = None;
            row.error_code = None;
            row.failing_since = None;
            row.failures = 0;
        }
        Event::ReauthorizationRequired(_) => {
            "needs_reauthorization".clone_into(&mut row.phase);
            row.next_at = None;
        }
        Event::AccountDisconnected(_) => {
            "disconnected".clone_into(&mut row.phase);
            row.next_at = None;
        }
        Event::SyncRecorded(sync) => row.record(sync),
        Event::AccountImported(_)
        | Event::AccountConnected(_)
        | Event::ProfileChanged(_)
        | Event::MetricsObserved(_)
        | Event::PostsObserved(_)
        | Event::AccountErased(_) => {}
    }
}

impl Health {
    fn record(&mut self, sync: &SyncRecorded) {
        self.syncs += 1;
        if self
            .last_attempt_at
            .is_some_and(|last| sync.started_at < last)
        {
            return;
        }
        self.last_attempt_at = Some(sync.started_at);
        self.last_outcome = Some(outcome_name(sync.outcome).to_owned());
        self.error_class = sync
            .error
            .as_ref()
            .map(|error| error.class.name().to_owned());
        self.error_code = sync.error.as_ref().map(|error| error.code.clone());
        self.rate_limit_reset_at = sync.rate_limit.as_ref().and_then(|limit| limit.reset_at);
        self.next_at = sync.next_at;
        if sync.outcome == SyncOutcome::Failed {
            self.failures += 1;
            self.failing_since.get_or_insert(sync.started_at);
        } else {
            if self.failing_since.take().is_some() {
                self.recovered_at = Some(sync.finished_at);
            }
            self.failures = 0;
            self.last_success_at = Some(sync.finished_at);
        }
    }

    fn read(row: &Row) -> Self {
        let maybe_at = |column: &str| row.get::<_, Option<At>>(column).map(|at| at.0);
        Self {
            creator: row.get("creator_id"),
            platform: row.get("platform"),
            phase: row.get("phase"),
            last_attempt_at: maybe_at("last_attempt_at"),
            last_success_at: maybe_at("last_success_at"),
            last_outcome: row.get("last_outcome"),
            error_class: row.get("error_class"),
            error_code: row.get("error_code"),
            failing_since: maybe_at("failing_since"),
            failures: row.get("failures"),
            recovered_at: maybe_at("recovered_at"),
            rate_limit_reset_at: maybe_at("rate_limit_reset_at"),
            next_at: maybe_at("next_at"),
            syncs: row.get("syncs"),
            revision: row.get("revision"),
        }
    }
}

const fn outcome_name(outcome: SyncOutcome) -> &'static str {
    match outcome {
        SyncOutcome::Succeeded => "succeeded",
        SyncOutcome::Partial => "partial",
        SyncOutcome::Failed => "failed",
    }
}

const fn kind_name(kind: SyncKind) -> &'static str {
    match kind {
        SyncKind::Full => "full",
        SyncKind::Profile => "profile",
        SyncKind::Posts => "posts",
        SyncKind::Insights => "insights",
    }
}

async fn load(
    tables: &Tables<'_>,
    events: &[&Applied],
) -> Result<HashMap<AccountId, Health>, ProjectionError> {
    let mut ids: Vec<Uuid> = events
        .iter()
        .map(|applied| applied.account.uuid())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = tables
        .query(
            "select account_id, creator_id, platform, phase, last_attempt_at, last_success_at,
                 last_outcome, error_class, error_code, failing_since, failures, recovered_at,
                 rate_limit_reset_at, next_at, syncs, revision
             from sync_health_vN
             where account_id = any($1)",
            &[&ids],
        )
        .await?;
    let rows = rows.iter();
    Ok(rows
        .map(|row| {
            (
                AccountId::from_uuid(row.get("account_id")),
                Health::read(row),
            )
        })
        .collect())
}

async fn store(
    tables: &Tables<'_>,
    rows: &HashMap<AccountId, Health>,
) -> Result<(), ProjectionError> {
    let all: Vec<_> = rows.iter().collect();
    macro_rules! column {
        ($field:expr) => {
            all.iter().map(|(_, row)| $field(row)).collect::<Vec<_>>()
        };
    }
    let ids: Vec<Uuid> = all.iter().map(|(id, _)| id.uuid()).collect();
    tables
        .execute(
            "insert into sync_health_vN (
                 account_id, creator_id, platform, phase, last_attempt_at, last_success_at,
                 last_outcome, error_class, error_code, failing_since, failures, recovered_at,
                 rate_limit_reset_at, next_at, syncs, revision
             )
             select given.*
             from unnest(
                 $1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                 $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::timestamptz[],
                 $11::bigint[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
                 $15::bigint[], $16::bigint[]
             ) as given
             on conflict (account_id) do update set
                 phase = excluded.phase,
                 last_attempt_at = excluded.last_attempt_at,
                 last_success_at = excluded.last_success_at,
                 last_outcome = excluded.last_outcome,
                 error_class = excluded.error_class,
                 error_code = excluded.error_code,
                 failing_since = excluded.failing_since,
                 failures = excluded.failures,
                 recovered_at = excluded.recovered_at,
                 rate_limit_reset_at = excluded.rate_limit_reset_at,
                 next_at = excluded.next_at,
                 syncs = excluded.syncs,
                 revision = excluded.revision
             where sync_health_vN.revision < excluded.revision",
            &[
                &ids,
                &column!(|row: &&Health| row.creator.clone()),
                &column!(|row: &&Health| row.platform.clone()),
                &column!(|row: &&Health| row.phase.clone()),
                &column!(|row: &&Health| row.last_attempt_at.map(At)),
                &column!(|row: &&Health| row.last_success_at.map(At)),
                &column!(|row: &&Health| row.last_outcome.clone()),
                &column!(|row: &&Health| row.error_class.clone()),
                &column!(|row: &&Health| row.error_code.clone()),
                &column!(|row: &&Health| row.failing_since.map(At)),
                &column!(|row: &&Health| row.failures),
                &column!(|row: &&Health| row.recovered_at.map(At)),
                &column!(|row: &&Health| row.rate_limit_reset_at.map(At)),
                &column!(|row: &&Health| row.next_at.map(At)),
                &column!(|row: &&Health| row.syncs),
                &column!(|row: &&Health| row.revision),
            ],
        )
        .await?;
    Ok(())
}

async fn store_syncs(tables: &Tables<'_>, events: &[&Applied]) -> Result<(), ProjectionError> {
    let syncs: Vec<_> = events
        .iter()
        .filter_map(|applied| match &applied.event {
            Event::SyncRecorded(sync) => Some((applied.account.uuid(), applied.revision, sync)),
            _ => None,
        })
        .collect();
    if syncs.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($field:expr) => {
            syncs
                .iter()
                .map(|(_, _, sync)| $field(sync))
                .collect::<Vec<_>>()
        };
    }
    let error = |sync: &&SyncRecorded| sync.error.as_ref().map(|error| error.class.name());
    tables
        .execute(
            "insert into sync_health_vN_syncs (
                 account_id, revision, started_at, finished_at, sync_id, kind, outcome,
                 error_class, error_code
             )
             select given.*
             from unnest(
                 $1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[],
                 $6::text[], $7::text[], $8::text[], $9::text[]
             ) as given
             on conflict do nothing",
            &[
                &syncs
                    .iter()
                    .map(|(account, _, _)| *account)
                    .collect::<Vec<_>>(),
                &syncs
                    .iter()
                    .map(|(_, revision, _)| *revision)
                    .collect::<Vec<_>>(),
                &column!(|sync: &&SyncRecorded| At(sync.started_at)),
                &column!(|sync: &&SyncRecorded| At(sync.finished_at)),
                &column!(|sync: &&SyncRecorded| sync.sync_id.to_string()),
                &column!(|sync: &&SyncRecorded| kind_name(sync.kind)),
                &column!(|sync: &&SyncRecorded| outcome_name(sync.outcome)),
                &column!(error),
                &column!(|sync: &&SyncRecorded| {
                    sync.error.as_ref().map(|error| error.code.clone())
                }),
            ],
        )
        .await?;
    Ok(())
}
