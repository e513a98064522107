//! How syncs fare: of one account, and of all that the caller may see.

use super::Services;
use super::accounts::Found;
use super::auth::By;
use super::envelope::{Answer, Envelope, Freshness, Model, begin};
use super::params::{Asked, Page, Params, Take, Wait};
use super::paths::AccountPath;
use super::problem::{Problem, Problems};
use super::standing::{Action, Badge, DataState, Standing};
use super::time::{Moment, Times};
use axum::Json;
use axum::extract::State;
use domain::{CreatorId, Timestamp};
use projections::accounts::{self, AccountRow};
use projections::sync_health::{self, HealthRow};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};
use utoipa::{IntoParams, ToSchema};

const MODELS: &[Model] = &[Model::Accounts, Model::SyncHealth];

/// How an account's syncs fare.
#[derive(Serialize, ToSchema)]
pub(super) struct SyncHealth {
    /// The account.
    #[schema(format = "uuid")]
    account_id: String,
    /// Who owns it.
    creator: String,
    /// Where it lives.
    platform: String,
    /// Where it stands: `imported`, `connected`, `needs_reauthorization`, `disconnected` or
    /// `erased`.
    phase: String,
    /// The state of its data.
    state: DataState,
    /// A badge to show beside it.
    badge: Badge,
    /// When the last successful sync ended.
    last_success_at: Option<Moment>,
    /// When the last sync began, successful or not.
    last_attempt_at: Option<Moment>,
    /// How the last one ended: `succeeded`, `partial` or `failed`.
    last_outcome: Option<String>,
    /// What kind of failure the last one met, such as `auth_expired` or `rate_limited`.
    error_class: Option<String>,
    /// The platform's own code for it.
    error_code: Option<String>,
    /// Since when no sync has succeeded, if the last one failed.
    failing_since: Option<Moment>,
    /// How many have failed one after the other.
    failures: i64,
    /// When a success last ended a row of failures.
    recovered_at: Option<Moment>,
    /// When the platform's rate limit starts anew, where it says.
    rate_limit_reset_at: Option<Moment>,
    /// When the next sync is planned.
    next_sync_at: Option<Moment>,
    /// How many syncs there were.
    syncs: i64,
    /// The one action that helps.
    action: Action,
    /// Until when to wait, where that is the action and the time is known.
    wait_until: Option<Moment>,
}

impl SyncHealth {
    fn of(account: &AccountRow, health: Option<&HealthRow>, now: Timestamp) -> Self {
        let standing = Standing::of(account, health, now);
        let (action, wait_until) = standing.action();
        let at = |of: fn(&HealthRow) -> Option<Timestamp>| health.and_then(of).map(Moment);
        let text = |of: fn(&HealthRow) -> &Option<String>| health.and_then(|h| of(h).clone());
        Self {
            account_id: account.account_id.to_string(),
            creator: account.creator.clone(),
            platform: account.platform.clone(),
            phase: account.phase.clone(),
            state: standing.state(),
            badge: standing.badge(),
            last_success_at: at(|health| health.last_success_at),
            last_attempt_at: at(|health| health.last_attempt_at),
            last_outcome: text(|health| &health.last_outcome),
            error_class: text(|health| &health.error_class),
            error_code: text(|health| &health.error_code),
            failing_since: at(|health| health.failing_since),
            failures: health.map_or(0, |health| health.failures),
            recovered_at: at(|health| health.recovered_at),
            rate_limit_reset_at: at(|health| health.rate_limit_reset_at),
            next_sync_at: at(|health| health.next_at),
            syncs: health.map_or(0, |health| health.syncs),
            action,
            wait_until,
        }
    }
}

/// Which accounts.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SyncHealthQuery {
    /// Only this creator's accounts.
    #[param(value_type = Option<String>)]
    creator: Option<CreatorId>,
}

impl Take for SyncHealthQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            creator: params.parsed("creator")?,
        })
    }
}

/// Lists how the syncs of all accounts fare that the key may see.
///
/// In the order of the accounts' ids.
#[utoipa::path(
    get,
    path = "/v1/sync-health",
    operation_id = "listSyncHealth",
    tag = "sync health",
    params(SyncHealthQuery, Page, Wait),
    responses(
        (status = 200, description = "A page of accounts.", body = Envelope<Vec<SyncHealth>>),
        Problems,
    )
)]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((asked, page, wait)): Asked<(SyncHealthQuery, Page, Wait)>,
) -> Answer<Vec<SyncHealth>> {
    let after = page.after()?;
    let creator = asked.creator.as_ref();
    if creator.is_some_and(|creator| !caller.scope.allows(creator)) {
        return Err(Problem::not_found("creator"));
    }
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let scope = &caller.scope;
    let mut rows = sync_health::list(&client, scope, creator, after, page.limit + 1).await?;
    let next = page.cut(&mut rows, |row| row.account_id.to_string());
    let ids: Vec<_> = rows.iter().map(|row| row.account_id).collect();
    let found = accounts::find_many(&client, scope, &ids).await?;
    let health: HashMap<_, _> = rows.iter().map(|row| (row.account_id, row)).collect();
    // An account that the other read model does not have yet is left out until it has.
    let of = |account: &AccountRow| {
        let health = health.get(&account.account_id).copied();
        let health = health.filter(|_| !account.is_erased());
        SyncHealth::of(account, health, read.now)
    };
    let data: Vec<_> = found.iter().map(of).collect();
    let simulated = found.iter().any(|account| account.simulated);
    let freshness = Freshness::of_many(data.is_empty(), simulated);
    Ok(Json(
        Envelope::new(data, &read, Times::default(), freshness).with_cursor(next),
    ))
}

/// Shows how an account's syncs fare.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/sync-health",
    operation_id = "getSyncHealth",
    tag = "sync health",
    params(AccountPath, Wait),
    responses((status = 200, description = "Its health.", body = Envelope<SyncHealth>), Problems)
)]
pub(super) async fn one(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, wait)): Asked<(AccountPath, Wait)>,
) -> Answer<SyncHealth> {
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let found = Found::find(&client, &caller, path.account_id).await?;
    let data = SyncHealth::of(&found.account, found.health.as_ref(), read.now);
    Ok(Json(Envelope::new(
        data,
        &read,
        Times::default(),
        found.freshness(read.now),
    )))
}
