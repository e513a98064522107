//! An account's posts: a list, one, its history and one of its metrics.

mod place;

use self::place::Place;
use super::Services;
use super::accounts::Found;
use super::auth::By;
use super::envelope::{Answer, Envelope, Model, Reading, begin};
use super::flight::together;
use super::metrics::{EventRef, MetricValue};
use super::open::{Opener, PostText};
use super::params::{Asked, Page, Params, Take, Wait, platform_id};
use super::paths::{AccountPath, MetricPath, PostPath};
use super::problem::{Problem, Problems};
use super::time::{Moment, Times};
use crate::api_keys::Caller;
use axum::Json;
use axum::extract::State;
use domain::{AccountId, Metric, Platform};
use futures_util::future::join;
use projections::Versions;
use projections::top_posts::{self, METRICS, Numbers, Observation, PostRow};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::{IntoParams, ToSchema};

const MODELS: &[Model] = &[Model::Accounts, Model::TopPosts, Model::SyncHealth];

/// A post with its last known numbers.
#[derive(Serialize, ToSchema)]
pub(super) struct Post {
    /// The post, as this API names it.
    #[schema(format = "uuid")]
    post: String,
    /// Its account.
    #[schema(format = "uuid")]
    account_id: String,
    /// What people see of it.
    text: PostText,
    /// When it was published, where known.
    published_at: Option<Moment>,
    /// Its newest observation.
    observed_at: Moment,
    /// How often it was looked at.
    observations: i64,
    /// The last known value of each metric; a metric that was never known is absent.
    numbers: BTreeMap<String, i64>,
    /// Its engagements, from those numbers.
    engagements: Engagements,
}

/// The interactions with a post.
#[derive(Serialize, ToSchema)]
pub(super) struct Engagements {
    /// likes + comments + shares + saves, of those known; null where all are unknown.
    total: Option<i64>,
    /// Those that the platform offers and that are hidden or were not read.
    #[schema(value_type = Vec<String>)]
    missing: Vec<&'static str>,
}

impl Engagements {
    pub(super) fn of(numbers: &Numbers, platform: Option<Platform>) -> Self {
        // Of a platform that this program does not know it cannot say what is missing.
        let found = numbers.engagements(platform.unwrap_or(Platform::Youtube));
        let missing = found.missing.into_iter().filter(|_| platform.is_some());
        Self {
            total: found.total,
            missing: missing.map(Metric::name).collect(),
        }
    }
}

/// The known numbers by their metrics' names.
pub(super) fn known(numbers: &Numbers) -> BTreeMap<String, i64> {
    METRICS
        .iter()
        .filter_map(|metric| Some((metric.name().to_owned(), numbers.get(*metric)?)))
        .collect()
}

/// An observation of a post.
#[derive(Serialize, ToSchema)]
pub(super) struct PostObservation {
    /// When it was read.
    observed_at: Moment,
    /// When the ledger learned of it.
    recorded_at: Moment,
    /// The event that says so.
    event: EventRef,
    /// Why it is in the ledger: `observed`, `imported`, `restated`, `re-parsed`, `simulated`.
    #[schema(value_type = String)]
    cause: &'static str,
    /// Whether it was found as the observation before it.
    unchanged: bool,
    /// Whether it restates an older observation of the same moment, which follows it here.
    restates: bool,
    /// The known numbers; a metric that was not known is absent.
    values: BTreeMap<String, i64>,
    /// The metrics that the source withheld.
    hidden: Vec<String>,
}

/// Which of an account's posts.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PostsQuery {
    /// Only the post with this id of the platform's own.
    platform_post_id: Option<String>,
}

impl Take for PostsQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            platform_post_id: platform_id(params, "platform_post_id")?,
        })
    }
}

async fn open(row: PostRow, opener: &mut Opener<'_>) -> Result<Post, Problem> {
    let text = opener
        .post(row.account_id, row.post, row.text.as_deref())
        .await?;
    Ok(Post {
        post: row.post.to_string(),
        account_id: row.account_id.to_string(),
        text,
        published_at: row.published_at.map(Moment),
        observed_at: Moment(row.observed_at),
        observations: row.observations,
        numbers: known(&row.numbers),
        engagements: Engagements::of(&row.numbers, row.platform),
    })
}

/// The post, if it is one of the account in the path.
async fn find(client: &Reading, caller: &Caller, path: PostPath) -> Result<PostRow, Problem> {
    top_posts::find(client, &caller.scope, path.post)
        .await?
        .filter(|row| row.account_id == path.account_id)
        .ok_or_else(|| Problem::not_found("post"))
}

/// Lists an account's posts with their last known numbers.
///
/// In the order of their ids. With `platform_post_id` at most one.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/posts",
    operation_id = "listPosts",
    tag = "posts",
    params(AccountPath, PostsQuery, Page, Wait),
    responses(
        (status = 200, description = "A page of posts.", body = Envelope<Vec<Post>>),
        Problems,
    )
)]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, page, wait)): Asked<(AccountPath, PostsQuery, Page, Wait)>,
) -> Answer<Vec<Post>> {
    let after = page.after()?;
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let account = path.account_id;
    let find_account = Found::find(&client, &caller, account);
    let mut opener = Opener::new(&*services.vault);
    let (found, mut rows) = match asked.platform_post_id {
        None => {
            let rows = top_posts::list(&client, &caller.scope, account, after, page.limit + 1);
            let both = together(find_account, rows).await?;
            drop(client);
            both
        }
        Some(id) => {
            let found = find_account.await?;
            // The key comes first, and may need the connection that is given back here.
            let versions = client.versions().clone();
            drop(client);
            let of = (&caller, account);
            let rows = by_platform_id(&services, versions, of, &id, &mut opener).await?;
            (found, rows)
        }
    };
    // What the other read model may not have removed yet.
    if found.account.is_erased() {
        rows.clear();
    }
    let next = page.cut(&mut rows, |row| row.post.to_string());
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        data.push(open(row, &mut opener).await?);
    }
    let freshness = found.freshness(read.now);
    Ok(Json(
        Envelope::new(data, &read, Times::default(), freshness).with_cursor(next),
    ))
}

/// An account and a post of it, asked for together. An erased account has no post to show.
async fn account_and_post(
    client: &Reading,
    caller: &Caller,
    path: PostPath,
) -> Result<(Found, PostRow), Problem> {
    let account = Found::find(client, caller, path.account_id);
    let (found, post) = join(account, find(client, caller, path)).await;
    // The account first: that it was erased says more than that the post is not there.
    Ok((found?.not_erased()?, post?))
}

/// The account's post with the platform's own id, which only the account's key can name.
async fn by_platform_id(
    services: &Services,
    versions: Versions,
    (caller, account): (&Caller, AccountId),
    platform_post_id: &str,
    opener: &mut Opener<'_>,
) -> Result<Vec<PostRow>, Problem> {
    let Some(key) = opener.key(account).await? else {
        return Ok(vec![]);
    };
    let client = Reading::new(services.client().await?, versions);
    let found = top_posts::find(&client, &caller.scope, key.post_key(platform_post_id)).await?;
    Ok(found
        .filter(|row| row.account_id == account)
        .into_iter()
        .collect())
}

/// Shows one post with its last known numbers.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/posts/{post}",
    operation_id = "getPost",
    tag = "posts",
    params(PostPath, Wait),
    responses((status = 200, description = "The post.", body = Envelope<Post>), Problems)
)]
pub(super) async fn one(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, wait)): Asked<(PostPath, Wait)>,
) -> Answer<Post> {
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let (found, row) = account_and_post(&client, &caller, path).await?;
    drop(client);
    let data = open(row, &mut Opener::new(&*services.vault)).await?;
    Ok(Json(Envelope::new(
        data,
        &read,
        Times::default(),
        found.freshness(read.now),
    )))
}

/// Lists the observations of a post, newest first.
///
/// Corrections stand beside what they correct. With `as_of` and `known_at`: those that had been
/// observed, and recorded, by then.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/posts/{post}/history",
    operation_id = "listPostObservations",
    tag = "posts",
    params(PostPath, Times, Page, Wait),
    responses(
        (
            status = 200,
            description = "A page of observations.",
            body = Envelope<Vec<PostObservation>>,
        ),
        Problems,
    )
)]
pub(super) async fn history(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, times, page, wait)): Asked<(PostPath, Times, Page, Wait)>,
) -> Answer<Vec<PostObservation>> {
    let before = page.after::<Place>()?.map(|place| (place.0, place.1));
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let (found, _) = account_and_post(&client, &caller, path).await?;
    let axes = (times.as_of_or(read.now), times.known_at());
    let mut rows = top_posts::history(&client, path.post, axes, before, page.limit + 1).await?;
    // The row beyond the page still tells whether the last one on it restates something.
    let restates: Vec<_> = restating(&rows).collect();
    let next = page.cut(&mut rows, |row| {
        Place(row.observed_at, row.revision).to_string()
    });
    let data = rows
        .into_iter()
        .zip(restates)
        .map(|(row, restates)| PostObservation {
            observed_at: Moment(row.observed_at),
            recorded_at: Moment(row.recorded_at),
            event: EventRef::of(path.account_id, row.revision),
            cause: row.cause.name(),
            unchanged: row.unchanged,
            restates,
            values: known(&row.numbers),
            hidden: row.hidden,
        })
        .collect();
    let freshness = found.freshness(read.now);
    Ok(Json(
        Envelope::new(data, &read, times, freshness).with_cursor(next),
    ))
}

/// For each observation, newest first, whether an older revision of its moment follows it.
fn restating(rows: &[Observation]) -> impl Iterator<Item = bool> {
    let older = rows
        .iter()
        .skip(1)
        .map(|row| Some(row.observed_at))
        .chain([None]);
    rows.iter()
        .zip(older)
        .map(|(row, older)| older == Some(row.observed_at))
}

/// Shows a post's metric as of a time.
///
/// The last observation at or before `as_of` whose value is known, of those recorded by
/// `known_at`. Both default to now.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/posts/{post}/metrics/{metric}",
    operation_id = "getPostMetric",
    tag = "posts",
    params(PostPath, MetricPath, Times, Wait),
    responses((status = 200, description = "The value.", body = Envelope<MetricValue>), Problems)
)]
pub(super) async fn metric(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((path, asked, times, wait)): Asked<(PostPath, MetricPath, Times, Wait)>,
) -> Answer<MetricValue> {
    let metric = Metric::of_post(&asked.metric)?;
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let (found, _) = account_and_post(&client, &caller, path).await?;
    let (as_of, known_at) = (times.as_of_or(read.now), times.known_at());
    let value = top_posts::metric_as_of(&client, path.post, metric, as_of, known_at).await?;
    let data = MetricValue::of_post(path.account_id, path.post, metric, value);
    Ok(Json(Envelope::new(
        data,
        &read,
        times,
        found.freshness(read.now),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::observation::Cause;

    #[test]
    fn only_an_older_revision_of_the_same_moment_is_restated() {
        let row = |at: &str, revision| Observation {
            observed_at: at.parse().unwrap(),
            recorded_at: at.parse().unwrap(),
            revision,
            cause: Cause::Observed,
            unchanged: false,
            numbers: Numbers::default(),
            hidden: vec![],
        };
        let (newer, older) = ("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z");
        let rows = [row(newer, 5), row(newer, 4), row(older, 3)];
        assert_eq!(restating(&rows).collect::<Vec<_>>(), [true, false, false]);
    }
}
