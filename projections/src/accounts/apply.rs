//! How events change the accounts: rows are read, folded in memory and written back at once.

use crate::projection::{Applied, ProjectionError};
use crate::sql::At;
use crate::tables::Tables;
use domain::account::{AccountErased, Event};
use domain::observation::Cause;
use domain::{AccountId, Timestamp};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// A row as it is folded.
struct Account {
    creator: String,
    platform: String,
    phase: &'static str,
    phase_since: Timestamp,
    phase_reason: Option<String>,
    profile: Vec<u8>,
    profile_observed_at: Timestamp,
    first_recorded_at: Timestamp,
    first_observed_at: Option<Timestamp>,
    last_observed_at: Option<Timestamp>,
    simulated: bool,
    revision: i64,
}

pub(super) async fn apply(tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
    let mut rows = load(tables, events).await?;
    for applied in events {
        fold(&mut rows, applied);
    }
    store(tables, &rows).await
}

fn fold(rows: &mut HashMap<AccountId, Account>, applied: &Applied) {
    if rows
        .get(&applied.account)
        .is_some_and(|row| row.revision >= applied.revision)
    {
        return;
    }
    let recorded_at = applied.metadata.recorded_at;
    let opened = match &applied.event {
        Event::AccountImported(e) => Some((
            &e.creator,
            e.platform,
            &e.profile,
            e.observed_at,
            "imported",
        )),
        Event::AccountConnected(e) => Some((
            &e.creator,
            e.platform,
            &e.profile,
            e.observed_at,
            "connected",
        )),
        _ => None,
    };
    if let Some((creator, platform, profile, observed_at, phase)) = opened {
        let row = rows.entry(applied.account).or_insert_with(|| Account {
            creator: creator.to_string(),
            platform: platform.to_string(),
            phase,
            phase_since: recorded_at,
            phase_reason: None,
            profile: profile.bytes.clone(),
            profile_observed_at: observed_at,
            first_recorded_at: recorded_at,
            first_observed_at: None,
            last_observed_at: None,
            simulated: false,
            revision: applied.revision,
        });
        row.enter(phase, recorded_at, None);
        row.see_profile(observed_at, &profile.bytes);
    }
    let Some(row) = rows.get_mut(&applied.account) else {
        return;
    };
    row.revision = applied.revision;
    if row.phase == "erased" {
        return;
    }
    match &applied.event {
        Event::AccountImported(_) | Event::AccountConnected(_) => {}
        Event::AccountReconnected(_) => row.enter("connected", recorded_at, None),
        Event::ReauthorizationRequired(e) => {
            row.enter("needs_reauthorization", e.since, Some(e.error.class.name()));
        }
        Event::AccountDisconnected(e) => {
            row.enter("disconnected", e.at, Some(e.reason.name()));
        }
        Event::ProfileChanged(e) => row.see_profile(e.observed_at, &e.profile.bytes),
        Event::SyncRecorded(e) => row.simulated |= e.simulated,
        Event::MetricsObserved(e) => row.see(e.observed_at, e.provenance.cause),
        Event::PostsObserved(e) => row.see(e.observed_at, e.provenance.cause),
        Event::AccountErased(e) => row.erase(e),
    }
}

impl Account {
    /// Keeps whose the account was, so that its creator is told; of everything else nothing.
    fn erase(&mut self, erased: &AccountErased) {
        self.enter("erased", erased.at, Some(erased.reason.name()));
        self.profile = vec![];
        self.profile_observed_at = erased.at;
        self.first_observed_at = None;
        self.last_observed_at = None;
        self.simulated = false;
    }

    fn enter(&mut self, phase: &'static str, since: Timestamp, reason: Option<&str>) {
        self.phase = phase;
        self.phase_since = since;
        self.phase_reason = reason.map(str::to_owned);
    }

    fn see_profile(&mut self, observed_at: Timestamp, profile: &[u8]) {
        if observed_at >= self.profile_observed_at {
            self.profile_observed_at = observed_at;
            profile.clone_into(&mut self.profile);
        }
    }

    fn see(&mut self, observed_at: Timestamp, cause: Cause) {
        let first = self.first_observed_at.get_or_insert(observed_at);
        *first = observed_at.min(*first);
        self.last_observed_at = self.last_observed_at.max(Some(observed_at));
        self.simulated |= cause == Cause::Simulated;
    }

    fn read(row: &Row) -> Result<Self, ProjectionError> {
        let phase = match row.get("phase") {
            "imported" => "imported",
            "connected" => "connected",
            "needs_reauthorization" => "needs_reauthorization",
            "disconnected" => "disconnected",
            "erased" => "erased",
            other => return Err(ProjectionError::Corrupt(format!("phase {other}"))),
        };
        let at = |column: &str| row.get::<_, At>(column).0;
        let maybe_at = |column: &str| row.get::<_, Option<At>>(column).map(|at| at.0);
        Ok(Self {
            creator: row.get("creator_id"),
            platform: row.get("platform"),
            phase,
            phase_since: at("phase_since"),
            phase_reason: row.get("phase_reason"),
            profile: row.get("profile"),
            profile_observed_at: at("profile_observed_at"),
            first_recorded_at: at("first_recorded_at"),
            first_observed_at: maybe_at("first_observed_at"),
            last_observed_at: maybe_at("last_observed_at"),
            simulated: row.get("simulated"),
            revision: row.get("revision"),
        })
    }
}

async fn load(
    tables: &Tables<'_>,
    events: &[Applied],
) -> Result<HashMap<AccountId, Account>, ProjectionError> {
    let mut ids: Vec<Uuid> = events
        .iter()
        .map(|applied| applied.account.uuid())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = tables
        .query(
            "select account_id, creator_id, platform, phase, phase_since, phase_reason, profile,
                 profile_observed_at, first_recorded_at, first_observed_at, last_observed_at,
                 simulated, revision
             from accounts_vN
             where account_id = any($1)",
            &[&ids],
        )
        .await?;
    let accounts = rows.iter();
    accounts
        .map(|row| {
            Ok((
                AccountId::from_uuid(row.get("account_id")),
                Account::read(row)?,
            ))
        })
        .collect()
}

async fn store(
    tables: &Tables<'_>,
    rows: &HashMap<AccountId, Account>,
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
            "insert into accounts_vN (
                 account_id, creator_id, platform, phase, phase_since, phase_reason, profile,
                 profile_observed_at, first_recorded_at, first_observed_at, last_observed_at,
                 simulated, revision
             )
             select given.*
             from unnest(
                 $1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
                 $7::bytea[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
                 $11::timestamptz[], $12::boolean[], $13::bigint[]
             ) as given
             on conflict (account_id) do update set
                 phase = excluded.phase,
                 phase_since = excluded.phase_since,
                 phase_reason = excluded.phase_reason,
                 profile = excluded.profile,
                 profile_observed_at = excluded.profile_observed_at,
                 first_observed_at = excluded.first_observed_at,
                 last_observed_at = excluded.last_observed_at,
                 simulated = excluded.simulated,
                 revision = excluded.revision
             where accounts_vN.revision < excluded.revision",
            &[
                &ids,
                &column!(|row: &&Account| row.creator.clone()),
                &column!(|row: &&Account| row.platform.clone()),
                &column!(|row: &&Account| row.phase),
                &column!(|row: &&Account| At(row.phase_since)),
                &column!(|row: &&Account| row.phase_reason.clone()),
                &column!(|row: &&Account| row.profile.clone()),
                &column!(|row: &&Account| At(row.profile_observed_at)),
                &column!(|row: &&Account| At(row.first_recorded_at)),
                &column!(|row: &&Account| row.first_observed_at.map(At)),
                &column!(|row: &&Account| row.last_observed_at.map(At)),
                &column!(|row: &&Account| row.simulated),
                &column!(|row: &&Account| row.revision),
            ],
        )
        .await?;
    Ok(())
}
