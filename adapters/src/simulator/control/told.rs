//! What the control API tells: the state of things, creators, the truth, counts.

use super::{Answer, Params, known_account};
use crate::simulator::counts::Counted;
use crate::simulator::limits::Bucket;
use crate::simulator::play::{Core, ENDPOINTS};
use crate::simulator::{names, truth};
use axum::extract::{Json, Query, State};
use domain::{Platform, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The most creators, counts or posts of one answer.
const MOST_LISTED: usize = 1_000;

pub(super) async fn state(State(core): State<Arc<Core>>) -> Json<Value> {
    let now = core.clock.now();
    let app = |platform| {
        let app = core.apps.of(platform);
        json!({"platform": platform, "client_id": app.client_id, "redirect_uris": app.redirect_uris})
    };
    let units = |bucket| core.limits.youtube_used(bucket, now);
    Json(json!({
        "base": core.base,
        "now": now,
        "speed": core.clock.speed(),
        "creators": core.world.creators(),
        "apps": Platform::ALL.map(app),
        "endpoints": ENDPOINTS,
        "plan": core.faults.plan(),
        "faults_waiting": core.faults.list().len(),
        "allowances": core.limits.allowances(),
        "youtube_units_taken": {
            "general": units(Bucket::General),
            "search": units(Bucket::Search),
            "batch": units(Bucket::Batch),
        },
        "elsewhere": core.counts.marked("elsewhere"),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreatorsAsked {
    #[serde(default)]
    from: u32,
    limit: Option<usize>,
}

pub(super) async fn creators(
    State(core): State<Arc<Core>>,
    params: Params<CreatorsAsked>,
) -> Answer {
    let Query(params) = params?;
    let most = params.limit.unwrap_or(100).min(MOST_LISTED);
    let listed = (params.from..core.world.creators())
        .take(most)
        .map(|creator| {
            let of = |platform| core.world.accounts(creator, platform);
            let accounts = Platform::ALL.into_iter().flat_map(of).map(|account| {
                json!({
                    "platform": account.key.platform,
                    "ordinal": account.key.ordinal,
                    "id": names::account(account.key),
                    "handle": account.handle(core.clock.now()),
                })
            });
            json!({
                "creator": creator,
                "name": core.world.name(creator),
                "accounts": accounts.collect::<Vec<_>>(),
            })
        });
    Ok(Json(json!({"creators": listed.collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TruthAsked {
    platform: Platform,
    creator: u32,
    #[serde(default)]
    ordinal: u8,
    at: Option<Timestamp>,
    #[serde(default)]
    posts: usize,
}

pub(super) async fn tell(State(core): State<Arc<Core>>, params: Params<TruthAsked>) -> Answer {
    let Query(asked) = params?;
    let key = known_account(&core.world, asked.platform, asked.creator, asked.ordinal)?;
    let at = asked.at.unwrap_or_else(|| core.clock.now());
    let account = core.world.account(key);
    let told = account.map(|it| truth::of(&it, at, asked.posts.min(MOST_LISTED)));
    Ok(Json(json!(told)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountsAsked {
    platform: Option<Platform>,
    endpoint: Option<String>,
    creator: Option<u32>,
}

pub(super) async fn counts(State(core): State<Arc<Core>>, params: Params<CountsAsked>) -> Answer {
    let Query(asked) = params?;
    let fits = |it: &Counted| {
        asked
            .platform
            .is_none_or(|platform| it.platform == platform)
            && asked
                .endpoint
                .as_deref()
                .is_none_or(|name| it.endpoint == name)
            && asked
                .creator
                .is_none_or(|creator| it.account.map(|it| it.creator) == Some(creator))
    };
    let listed = core
        .counts
        .list(fits, MOST_LISTED)
        .into_iter()
        .map(|(it, calls)| {
            json!({
                "platform": it.platform,
                "endpoint": it.endpoint,
                "creator": it.account.map(|it| it.creator),
                "ordinal": it.account.map(|it| it.ordinal),
                "grant": it.grant.map(|it| format!("{it:016x}")),
                "calls": calls,
            })
        });
    let listed: Vec<_> = listed.collect();
    Ok(Json(
        json!({"calls": core.counts.calls(fits), "counts": listed}),
    ))
}

pub(super) async fn clear_counts(State(core): State<Arc<Core>>) -> Json<Value> {
    core.counts.clear();
    Json(json!({"calls": 0}))
}
