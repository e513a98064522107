//! Accounts: a creator's list, and one of them.

use super::Services;
use super::auth::By;
use super::envelope::{Answer, Envelope, Freshness, Model, Reading, begin};
use super::open::{Opener, Profile};
use super::params::{Asked, Page, Params, Take, Wait, platform, platform_id};
use super::paths::{AccountPath, CreatorPath};
use super::problem::{Code, Problem, Problems};
use super::standing::{Action, Badge, DataState, Standing};
use super::time::{Moment, Times};
use crate::api_keys::Caller;
use axum::Json;
use axum::extract::State;
use domain::{AccountId, Platform, Timestamp};
use projections::accounts::{self, AccountRow};
use projections::standing;
use projections::sync_health::{self, HealthRow};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};
use utoipa::{IntoParams, ToSchema};

const MODELS: &[Model] = &[Model::Accounts, Model::SyncHealth];

/// An account of a creator on a platform.
#[derive(Serialize, ToSchema)]
pub(super) struct Account {
    /// The account, as this API names it.
    #[schema(format = "uuid")]
    account_id: String,
    /// Who owns it, by the id of the host system.
    creator: String,
    /// Where it lives: `instagram`, `tiktok`, `youtube` or `facebook`.
    platform: String,
    /// Where it stands: `imported`, `connected`, `needs_reauthorization`, `disconnected` or
    /// `erased`.
    phase: String,
    /// Since when.
    since: Moment,
    /// Why, where there is a reason, such as `auth_expired` or `requested`.
    reason: Option<String>,
    /// What people see of it.
    profile: Profile,
    /// When that was seen; null once the account is erased.
    profile_observed_at: Option<Moment>,
    /// When the ledger first heard of the account.
    first_recorded_at: Moment,
    /// The oldest moment that a number of it was observed at.
    first_observed_at: Option<Moment>,
    /// The newest such moment.
    last_observed_at: Option<Moment>,
    /// Whether any of its numbers is a simulation's.
    simulated: bool,
    /// How its syncs fare, in short.
    health: HealthSummary,
}

/// How an account's syncs fare, in short; `/v1/accounts/{account_id}/sync-health` says more.
#[derive(Serialize, ToSchema)]
pub(super) struct HealthSummary {
    /// The state of its data.
    state: DataState,
    /// A badge to show beside it.
    badge: Badge,
    /// When the last successful sync ended.
    last_success_at: Option<Moment>,
    /// When the next one is planned.
    next_sync_at: Option<Moment>,
    /// The one action that helps.
    action: Action,
    /// Until when to wait, where that is the action and the time is known.
    wait_until: Option<Moment>,
}

impl HealthSummary {
    pub(super) fn of(account: &AccountRow, health: Option<&HealthRow>, now: Timestamp) -> Self {
        let standing = Standing::of(account, health, now);
        let (action, wait_until) = standing.action();
        Self {
            state: standing.state(),
            badge: standing.badge(),
            last_success_at: health.and_then(|health| health.last_success_at).map(Moment),
            next_sync_at: health.and_then(|health| health.next_at).map(Moment),
            action,
            wait_until,
        }
    }
}

impl Account {
    async fn open(
        row: AccountRow,
        health: Option<&HealthRow>,
        now: Timestamp,
        opener: &mut Opener<'_>,
    ) -> Result<Self, Problem> {
        let health = HealthSummary::of(&row, health, now);
        let erased = row.is_erased();
        let profile = if erased {
            Profile::default()
        } else {
            opener.profile(row.account_id, &row.profile).await?
        };
        Ok(Self {
            account_id: row.account_id.to_string(),
            creator: row.creator,
            platform: row.platform,
            phase: row.phase,
            since: Moment(row.phase_since),
            reason: row.phase_reason,
            profile,
            profile_observed_at: (!erased).then_some(Moment(row.profile_observed_at)),
            first_recorded_at: Moment(row.first_recorded_at),
            first_observed_at: row.first_observed_at.map(Moment),
            last_observed_at: row.last_observed_at.map(Moment),
            simulated: row.simulated,
            health,
        })
    }
}

/// An account that the caller may see, with the health of its syncs.
pub(super) struct Found {
    pub(super) account: AccountRow,
    pub(super) health: Option<HealthRow>,
}

impl Found {
    /// Finds it, or answers that there is none that this caller may see.
    pub(super) async fn find(
        client: &Reading,
        caller: &Caller,
        account: AccountId,
    ) -> Result<Self, Problem> {
        let found = standing::find(client, &caller.scope, account).await?;
        let (account, health) = found.ok_or_else(|| Problem::not_found("account"))?;
        // Each read model follows the log by itself: of an erased account the accounts' counts.
        let health = health.filter(|_| !account.is_erased());
        Ok(Self { account, health })
    }

    /// Refuses what names a part of an account that was erased: there are no parts any more.
    pub(super) fn not_erased(self) -> Result<Self, Problem> {
        if !self.account.is_erased() {
            return Ok(self);
        }
        let at = self.account.phase_since;
        let detail = format!("the account was erased at {at}: none of its posts can be shown");
        Err(Problem::new(Code::Erased, detail))
    }

    /// How fresh its data is.
    pub(super) fn freshness(&self, now: Timestamp) -> Freshness {
        Freshness::of(&self.account, self.health.as_ref(), now)
    }
}

/// Which of a creator's accounts.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AccountsQuery {
    /// Only accounts on this platform.
    #[param(value_type = Option<String>)]
    platform: Option<Platform>,
    /// Only the account with this id of the platform's own: an Instagram user id, a TikTok open
    /// id, a YouTube channel id, a Facebook Page id. Needs `platform`.
    platform_account_id: Option<String>,
}

impl Take for AccountsQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let platform = platform(params)?;
        let platform_account_id = platform_id(params, "platform_account_id")?;
        if platform_account_id.is_some() && platform.is_none() {
            let detail = "platform_account_id is looked up on one platform: name it";
            return Err(Problem::invalid("platform", detail));
        }
        Ok(Self {
            platform,
            platform_account_id,
        })
    }
}

/// Lists a creator's accounts.
///
/// In the order of their ids. With `platform_account_id` at most one: a reconnect or an import
/// of the same account meets the same `account_id`.
#[utoipa::path(
    get,
    path = "/v1/creators/{creator}/accounts",
    operation_id = "listAccounts",
    tag = "accounts",
    params(CreatorPath, AccountsQuery, Page, Wait),
    responses(
        (status = 200, description = "A page of accounts.", body = Envelope<Vec<Account>>),
        Problems,
    )
)]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, page, wait)): Asked<(CreatorPath, AccountsQuery, Page, Wait)>,
) -> Answer<Vec<Account>> {
    let after = page.after()?;
    // Before the registry is asked: it knows of accounts that this caller must not hear of.
    if !caller.scope.allows(&path.creator) {
        return Err(Problem::not_found("creator"));
    }
    // Before a connection is taken: the registry may need one of its own.
    let looked_up = match (asked.platform, &asked.platform_account_id) {
        (Some(platform), Some(id)) => Some(services.vault.find(&path.creator, platform, id).await?),
        _ => None,
    };
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let mut rows = match looked_up {
        Some(None) => vec![],
        Some(Some(id)) => accounts::find(&client, &caller.scope, id)
            .await?
            .into_iter()
            .collect(),
        None => {
            let limit = page.limit + 1;
            let scope = &caller.scope;
            accounts::list(&client, scope, &path.creator, asked.platform, after, limit).await?
        }
    };
    let next = page.cut(&mut rows, |row| row.account_id.to_string());
    let ids: Vec<_> = rows.iter().map(|row| row.account_id).collect();
    let health = sync_health::find_many(&client, &caller.scope, &ids).await?;
    drop(client);
    let health: HashMap<_, _> = health
        .into_iter()
        .map(|row| (row.account_id, row))
        .collect();
    let freshness = Freshness::of_many(rows.is_empty(), rows.iter().any(|row| row.simulated));
    let mut opener = Opener::new(&*services.vault);
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        let health = health.get(&row.account_id).filter(|_| !row.is_erased());
        data.push(Account::open(row, health, read.now, &mut opener).await?);
    }
    Ok(Json(
        Envelope::new(data, &read, Times::default(), freshness).with_cursor(next),
    ))
}

/// Shows one account.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}",
    operation_id = "getAccount",
    tag = "accounts",
    params(AccountPath, Wait),
    responses((status = 200, description = "The account.", body = Envelope<Account>), Problems)
)]
pub(super) async fn one(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, wait)): Asked<(AccountPath, Wait)>,
) -> Answer<Account> {
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let found = Found::find(&client, &caller, path.account_id).await?;
    drop(client);
    let freshness = found.freshness(read.now);
    let mut opener = Opener::new(&*services.vault);
    let Found { account, health } = found;
    let data = Account::open(account, health.as_ref(), read.now, &mut opener).await?;
    Ok(Json(Envelope::new(
        data,
        &read,
        Times::default(),
        freshness,
    )))
}
