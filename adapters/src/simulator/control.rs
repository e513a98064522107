//! The control API, under `/_simulator`: what a platform would never let anybody do.
//!
//! It asks nobody for a key: whoever reaches the simulator may use it. `docs/simulator.md` has it.

mod told;

use super::faults::Plan;
use super::grants::End;
use super::limits::Allowances;
use super::messages::{self, Order};
use super::play::{Core, fault_names};
use super::world::{AccountKey, PostKey, TooManyEdits, World};
use super::{Fault, names};
use axum::Router;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Json, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post, put};
use domain::Platform;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A body, or why it is none.
type Body<T> = Result<Json<T>, JsonRejection>;
/// Parameters, or why they are none.
type Params<T> = Result<Query<T>, QueryRejection>;

/// All routes.
pub(super) fn routes(core: Arc<Core>) -> Router {
    let routes = Router::new()
        .route("/state", get(told::state))
        .route("/clock", post(clock))
        .route(
            "/faults",
            get(faults).post(order_fault).delete(clear_faults),
        )
        .route("/faults/{number}", delete(remove_fault))
        .route("/plan", put(follow_plan).delete(drop_plan))
        .route("/limits", put(limits))
        .route("/grants/end", post(end_grants))
        .route("/posts/delete", post(delete_post))
        .route("/accounts/rename", post(rename))
        .route("/creators", get(told::creators))
        .route("/truth", get(told::tell))
        .route("/counts", get(told::counts).delete(told::clear_counts))
        .route("/messages", post(send))
        .route("/elsewhere", any(elsewhere))
        .fallback(unknown);
    Router::new().nest("/_simulator", routes).with_state(core)
}

/// An answer that says what was wrong.
struct Problem(StatusCode, String);

impl Problem {
    fn bad(why: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }

    fn missing(why: impl ToString) -> Self {
        Self(StatusCode::NOT_FOUND, why.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::bad(rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad(rejection.body_text())
    }
}

impl From<TooManyEdits> for Problem {
    fn from(error: TooManyEdits) -> Self {
        Self::bad(error)
    }
}

type Answer = Result<Json<Value>, Problem>;

async fn unknown() -> Problem {
    Problem::missing("there is no such route: docs/simulator.md lists them")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOrder {
    speed: Option<f64>,
    advance_seconds: Option<u64>,
}

async fn clock(State(core): State<Arc<Core>>, body: Body<ClockOrder>) -> Answer {
    let Json(order) = body?;
    if let Some(speed) = order.speed {
        core.clock.set_speed(speed).map_err(Problem::bad)?;
    }
    if let Some(seconds) = order.advance_seconds {
        core.clock.advance(seconds).map_err(Problem::bad)?;
    }
    Ok(Json(
        json!({"now": core.clock.now(), "speed": core.clock.speed()}),
    ))
}

async fn faults(State(core): State<Arc<Core>>) -> Json<Value> {
    let waiting = core.faults.list().into_iter().map(|(number, fault)| {
        let mut fault = json!(fault);
        fault["number"] = json!(number);
        fault
    });
    let names = Platform::ALL.map(|it| (it.name().to_owned(), json!(fault_names(Some(it)))));
    let names: serde_json::Map<_, _> = names.into_iter().collect();
    Json(json!({"waiting": waiting.collect::<Vec<_>>(), "names": names}))
}

async fn order_fault(State(core): State<Arc<Core>>, body: Body<Fault>) -> Answer {
    let Json(fault) = body?;
    let number = core.order(fault).map_err(Problem::bad)?;
    Ok(Json(json!({ "number": number })))
}

async fn remove_fault(State(core): State<Arc<Core>>, Path(number): Path<u64>) -> Answer {
    match core.faults.remove(number) {
        true => Ok(Json(json!({ "removed": number }))),
        false => Err(Problem::missing(format!("no fault {number} waits"))),
    }
}

async fn clear_faults(State(core): State<Arc<Core>>) -> Json<Value> {
    core.faults.clear();
    Json(json!({"waiting": []}))
}

async fn follow_plan(State(core): State<Arc<Core>>, body: Body<Plan>) -> Answer {
    let Json(plan) = body?;
    core.faults.follow(Some(plan));
    Ok(Json(json!({ "plan": plan })))
}

async fn drop_plan(State(core): State<Arc<Core>>) -> Json<Value> {
    core.faults.follow(None);
    Json(json!({ "plan": null }))
}

async fn limits(State(core): State<Arc<Core>>, body: Body<Allowances>) -> Answer {
    let Json(allowances) = body?;
    core.limits.allow(allowances);
    Ok(Json(json!({ "allowances": allowances })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndOrder {
    platform: Platform,
    creator: u32,
    #[serde(default = "EndOrder::revoked")]
    how: End,
}

impl EndOrder {
    fn revoked() -> End {
        End::Revoked
    }
}

async fn end_grants(State(core): State<Arc<Core>>, body: Body<EndOrder>) -> Answer {
    let Json(order) = body?;
    known_creator(&core.world, order.creator)?;
    core.grants
        .end_all(order.platform, order.creator, order.how);
    Ok(Json(json!({"ended": order.how})))
}

fn known_creator(world: &World, creator: u32) -> Result<(), Problem> {
    let creators = world.creators();
    (creator < creators)
        .then_some(())
        .ok_or_else(|| Problem::missing(format!("there are {creators} creators, from 0 on")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostOrder {
    platform: Platform,
    id: String,
}

async fn delete_post(State(core): State<Arc<Core>>, body: Body<PostOrder>) -> Answer {
    let Json(order) = body?;
    let at = core.clock.now();
    let is_there = |key: &PostKey| {
        let account = core.world.account(key.account);
        account.is_some_and(|account| account.post(key.slot, at).is_some())
    };
    let key = names::post_of(order.platform, &order.id).filter(is_there);
    let key = key.ok_or_else(|| Problem::missing("there is no post of this id yet"))?;
    core.world.edit(|edits| edits.delete(key, at))?;
    Ok(Json(json!({"deleted": order.id, "at": at})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenameOrder {
    platform: Platform,
    creator: u32,
    #[serde(default)]
    ordinal: u8,
    handle: String,
}

/// The longest handle, in bytes.
const MAX_HANDLE: usize = 60;

async fn rename(State(core): State<Arc<Core>>, body: Body<RenameOrder>) -> Answer {
    let Json(order) = body?;
    let is_sign = |it: char| it.is_alphanumeric() || "._-".contains(it);
    if order.handle.is_empty()
        || order.handle.len() > MAX_HANDLE
        || !order.handle.chars().all(is_sign)
    {
        let why =
            format!("a handle has letters, digits, '.', '_', '-', and 1 to {MAX_HANDLE} bytes");
        return Err(Problem::bad(why));
    }
    let key = known_account(&core.world, order.platform, order.creator, order.ordinal)?;
    let at = core.clock.now();
    core.world
        .edit(|edits| edits.rename(key, order.handle.clone(), at))?;
    Ok(Json(json!({"handle": order.handle, "at": at})))
}

fn known_account(
    world: &World,
    platform: Platform,
    creator: u32,
    ordinal: u8,
) -> Result<AccountKey, Problem> {
    known_creator(world, creator)?;
    let key = AccountKey {
        creator,
        platform,
        ordinal,
    };
    let found = world.account(key).map(|it| it.key);
    found.ok_or_else(|| Problem::missing(format!("creator {creator} has no such account there")))
}

async fn send(State(core): State<Arc<Core>>, body: Body<Order>) -> Answer {
    let Json(order) = body?;
    match messages::send(&core, &order).await {
        Ok(received) => Ok(Json(json!(received))),
        Err(error @ messages::MessageError::NotDelivered(_)) => {
            Err(Problem(StatusCode::BAD_GATEWAY, error.to_string()))
        }
        Err(error) => Err(Problem::bad(error)),
    }
}

/// Where redirects lead that nobody should follow.
async fn elsewhere(State(core): State<Arc<Core>>) -> Json<Value> {
    core.counts.mark("elsewhere");
    Json(json!({"elsewhere": true}))
}
