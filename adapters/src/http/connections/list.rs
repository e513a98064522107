//! A creator's connections with their state.

use super::super::Services;
use super::super::accounts::HealthSummary;
use super::super::auth::By;
use super::super::envelope::{Answer, Envelope, Freshness, Model, begin};
use super::super::open::Opener;
use super::super::params::{Asked, Page, Wait};
use super::super::paths::CreatorPath;
use super::super::problem::{Problem, Problems};
use super::super::time::{Moment, Times};
use crate::vault::credentials::{ConnectionFacts, GrantState};
use axum::Json;
use axum::extract::State;
use domain::Metric;
use projections::follower_trends::newest_of_many;
use projections::{accounts, sync_health};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use utoipa::ToSchema;

const MODELS: &[Model] = &[Model::Accounts, Model::SyncHealth, Model::FollowerTrends];

/// An account of a creator, as far as its connection is concerned.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ConnectionEntry {
    /// The account, as this API names it.
    #[schema(format = "uuid")]
    account_id: String,
    /// Where it lives.
    platform: String,
    /// Where it stands: `imported`, `connected`, `needs_reauthorization`, `disconnected` or
    /// `erased`.
    phase: String,
    /// Since when.
    since: Moment,
    /// Why, where there is a reason.
    reason: Option<String>,
    /// The name in links, without `@`.
    handle: Option<String>,
    /// The name that is shown.
    name: Option<String>,
    /// The newest known number of followers; null where none is known.
    followers: Option<i64>,
    /// When that was read.
    followers_observed_at: Option<Moment>,
    /// Its credentials; null where the vault has none.
    credentials: Option<CredentialFacts>,
    /// How its syncs fare, in short: also the last sync and the one action that helps.
    health: HealthSummary,
}

/// What may be told of credentials.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct CredentialFacts {
    /// When the account was connected last.
    connected_at: Moment,
    /// What was granted.
    scopes: BTreeSet<String>,
    /// When the access token ends, where that is known. One that is renewed by itself ends soon and
    /// often.
    access_expires_at: Option<Moment>,
    /// When renewing ends, where that is known: the person must come back before.
    refresh_expires_at: Option<Moment>,
    /// Whether only the person can restore access.
    needs_person: bool,
    /// On how many days in a row the tokens could not be renewed, for reasons that may pass.
    failed_days: i32,
}

impl CredentialFacts {
    fn of(facts: &ConnectionFacts) -> Self {
        Self {
            connected_at: Moment(facts.connected_at),
            scopes: facts.scopes.clone(),
            access_expires_at: facts.access_expires_at.map(Moment),
            refresh_expires_at: facts.refresh_expires_at.map(Moment),
            needs_person: facts.state == GrantState::NeedsPerson,
            failed_days: facts.failed_days,
        }
    }
}

/// Lists a creator's connections with their state.
///
/// All accounts of the creator, also those that are not connected (any more): `phase` tells. In the
/// order of their ids.
#[utoipa::path(
    get,
    path = "/v1/creators/{creator}/connections",
    operation_id = "listConnections",
    tag = "connections",
    params(CreatorPath, Page, Wait),
    responses(
        (
            status = 200,
            description = "A page of connections.",
            body = Envelope<Vec<ConnectionEntry>>,
        ),
        Problems,
    )
)]
pub(in super::super) async fn list(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, page, wait)): Asked<(CreatorPath, Page, Wait)>,
) -> Answer<Vec<ConnectionEntry>> {
    let after = page.after()?;
    if !caller.scope.allows(&path.creator) {
        return Err(Problem::not_found("creator"));
    }
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let scope = &caller.scope;
    let limit = page.limit + 1;
    let mut rows = accounts::list(&client, scope, &path.creator, None, after, limit).await?;
    let next = page.cut(&mut rows, |row| row.account_id.to_string());
    let ids: Vec<_> = rows.iter().map(|row| row.account_id).collect();
    let health = sync_health::find_many(&client, scope, &ids).await?;
    let followers = newest_of_many(&client, &ids, Metric::Followers).await?;
    drop(client);
    let facts = services.connections.credentials().facts(&ids).await?;
    let health: HashMap<_, _> = health.iter().map(|row| (row.account_id, row)).collect();
    let followers: HashMap<_, _> = followers.into_iter().collect();
    let facts: HashMap<_, _> = facts.iter().map(|it| (it.account, it)).collect();
    let freshness = Freshness::of_many(rows.is_empty(), rows.iter().any(|row| row.simulated));
    let mut opener = Opener::new(&*services.vault);
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.account_id;
        let erased = row.is_erased();
        let health = health.get(&id).copied().filter(|_| !erased);
        let profile = match erased {
            true => Default::default(),
            false => opener.profile(id, &row.profile).await?,
        };
        let followers = followers.get(&id).filter(|_| !erased);
        data.push(ConnectionEntry {
            account_id: id.to_string(),
            health: HealthSummary::of(&row, health, read.now),
            platform: row.platform,
            phase: row.phase,
            since: Moment(row.phase_since),
            reason: row.phase_reason,
            handle: profile.handle,
            name: profile.name,
            followers: followers.map(|point| point.value),
            followers_observed_at: followers.map(|point| Moment(point.observed_at)),
            credentials: facts.get(&id).copied().map(CredentialFacts::of),
        });
    }
    Ok(Json(
        Envelope::new(data, &read, Times::default(), freshness).with_cursor(next),
    ))
}
