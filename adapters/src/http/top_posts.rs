//! The best posts of an account, of a creator, or of everybody whom the caller may see.

mod measured;

use super::Services;
use super::accounts::Found;
use super::auth::By;
use super::envelope::{Answer, Envelope, Freshness, Model, Reading, begin};
use super::flight::together;
use super::open::Opener;
use super::params::{Asked, MAX_LIMIT, Params, Take, Wait, platform};
use super::problem::{Code, Problem, Problems};
use super::time::Times;
use axum::Json;
use axum::extract::State;
use domain::formula::{Formula, FormulaPolicy};
use domain::{AccountId, CreatorId, Platform, Timestamp};
use futures_util::future::try_join_all;
use measured::{Measured, TopPost};
use projections::top_posts::{self, Measure, TopQuery, TopScope};
use projections::{Scope, accounts};
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Followers are joined for `er_followers@1`; the model of their trends then counts too.
const MODELS: &[Model] = &[
    Model::Accounts,
    Model::TopPosts,
    Model::FollowerTrends,
    Model::SyncHealth,
];
const DEFAULT_LIMIT: i64 = 5;

/// Which posts, by what, and how many.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TopPostsQuery {
    /// Only posts of this account.
    #[param(value_type = Option<String>, format = "uuid")]
    account: Option<AccountId>,
    /// Only posts of this creator's accounts.
    #[param(value_type = Option<String>)]
    creator: Option<CreatorId>,
    /// What they are ranked by, highest first: a metric of posts, `engagements`, or one of the
    /// formulas `er_views@1`, `er_followers@1`, `er_reach@1`; `er_views@1`, if left out.
    #[param(value_type = Option<String>)]
    by: Measure,
    /// Only posts with at least so many views.
    #[param(value_type = Option<i64>, minimum = 0)]
    min_views: Option<i64>,
    /// Only posts on this platform.
    #[param(value_type = Option<String>)]
    platform: Option<Platform>,
    /// How many, 1 to 100; 5, if left out.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100)]
    limit: i64,
}

impl Take for TopPostsQuery {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let asked = Self {
            account: params.parsed("account")?,
            creator: params.parsed("creator")?,
            by: measure(params)?,
            min_views: params.number("min_views", (0, i64::MAX))?,
            platform: platform(params)?,
            limit: params
                .number("limit", (1, MAX_LIMIT))?
                .unwrap_or(DEFAULT_LIMIT),
        };
        if asked.account.is_some() && asked.creator.is_some() {
            let detail = "ask for an account or for a creator, not for both";
            return Err(Problem::invalid("creator", detail));
        }
        Ok(asked)
    }
}

fn measure(params: &mut Params) -> Result<Measure, Problem> {
    let Some(name) = params.text("by") else {
        return Ok(Measure::Formula(Formula::ErViews1));
    };
    // A version marks a formula: the code then says which registry to look into.
    let code = if name.contains('@') {
        Code::UnknownFormula
    } else {
        Code::UnknownMetric
    };
    name.parse()
        .map_err(|e: top_posts::UnknownMeasure| Problem::new(code, e.to_string()).on("by"))
}

/// The best posts.
#[derive(Serialize, ToSchema)]
pub(super) struct TopPosts {
    /// What they are ranked by.
    by: String,
    /// The posts, the best first. Posts whose measure is undefined are left out.
    posts: Vec<TopPost>,
    /// The platforms whose posts are left out because the formula is switched off for them.
    #[schema(value_type = Vec<String>)]
    switched_off: Vec<&'static str>,
}

/// Ranks posts by a count, by their engagements or by an engagement rate.
///
/// Of one account, of one creator's accounts, or of all accounts that the key may see; over all of
/// them only for now. A post is measured by its last observation that defines the measure.
#[utoipa::path(
    get,
    path = "/v1/top-posts",
    operation_id = "listTopPosts",
    tag = "posts",
    params(TopPostsQuery, Times, Wait),
    responses((status = 200, description = "The ranking.", body = Envelope<TopPosts>), Problems)
)]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    By(caller, stood): By,
    Asked((asked, times, wait)): Asked<(TopPostsQuery, Times, Wait)>,
) -> Answer<TopPosts> {
    let of = match (asked.account, asked.creator) {
        (Some(account), _) => TopScope::Account(account),
        (None, Some(creator)) if caller.scope.allows(&creator) => TopScope::Creator(creator),
        (None, Some(_)) => return Err(Problem::not_found("creator")),
        (None, None) => {
            only_for_now(times)?;
            TopScope::All
        }
    };
    let (client, read) = begin(&services, stood, MODELS, wait).await?;
    let find_account = async {
        match asked.account {
            Some(account) => Found::find(&client, &caller, account).await.map(Some),
            None => Ok(None),
        }
    };
    let query = TopQuery {
        of,
        measure: asked.by,
        min_views: asked.min_views,
        platform: asked.platform,
        limit: asked.limit,
    };
    let axes = (times != Times::default()).then(|| (times.as_of_or(read.now), times.known_at()));
    // Which platform the account is on is not known yet, and changes nothing in its own ranking.
    let platforms = divide(&services.formulas, asked.by, asked.platform);
    let ranking = rank(&client, &caller.scope, &query, axes, platforms);
    let (found, mut best) = together(find_account, ranking).await?;
    // What the other read model may not have removed yet.
    if found
        .as_ref()
        .is_some_and(|found| found.account.is_erased())
    {
        best.clear();
    }
    let of_account = found.as_ref().and_then(|found| found.account.platform());
    let (_, off) = divide(&services.formulas, asked.by, asked.platform.or(of_account));
    let freshness = match &found {
        Some(found) => found.freshness(read.now),
        None => {
            let ids: Vec<_> = best.iter().map(|post| post.row.account_id).collect();
            let rows = accounts::find_many(&client, &caller.scope, &ids).await?;
            Freshness::of_many(best.is_empty(), rows.iter().any(|row| row.simulated))
        }
    };
    drop(client);
    let mut opener = Opener::new(&*services.vault);
    let mut posts = Vec::with_capacity(best.len());
    for (place, post) in best.into_iter().enumerate() {
        posts.extend(post.open(place + 1, asked.by, &mut opener).await?);
    }
    let switched_off = off.into_iter().map(Platform::name).collect();
    let data = TopPosts {
        by: asked.by.to_string(),
        posts,
        switched_off,
    };
    Ok(Json(Envelope::new(data, &read, times, freshness)))
}

fn only_for_now(times: Times) -> Result<(), Problem> {
    let given = [("as_of", times.as_of), ("known_at", times.known_at)];
    match given.iter().find(|(_, at)| at.is_some()) {
        None => Ok(()),
        Some((field, _)) => {
            let detail = "over all accounts the ranking is for now only: name an account or a \
                          creator to ask about another time";
            Err(Problem::new(Code::UnsupportedAxis, detail).on(*field))
        }
    }
}

/// The platforms in question: those that the measure may be worked out for, and the others.
fn divide(
    policy: &FormulaPolicy,
    measure: Measure,
    only: Option<Platform>,
) -> (Vec<Platform>, Vec<Platform>) {
    let in_question = Platform::ALL
        .into_iter()
        .filter(|p| only.is_none_or(|only| only == *p));
    in_question.partition(|platform| match measure {
        Measure::Formula(formula) => policy.allows(*platform, formula),
        Measure::Count(_) | Measure::Engagements => true,
    })
}

/// The best posts, best first. Where a formula is switched off for some platforms, the others are
/// ranked one by one and merged: so what is switched off is never even worked out.
async fn rank(
    client: &Reading,
    scope: &Scope,
    query: &TopQuery,
    axes: Option<(Timestamp, Timestamp)>,
    (allowed, off): (Vec<Platform>, Vec<Platform>),
) -> Result<Vec<Measured>, Problem> {
    let platforms: Vec<Option<Platform>> = if off.is_empty() {
        vec![query.platform]
    } else {
        allowed.into_iter().map(Some).collect()
    };
    let of_platform = async |platform| {
        let query = TopQuery {
            platform,
            ..query.clone()
        };
        match axes {
            None => top_posts::top(client, scope, &query).await,
            Some((as_of, known_at)) => {
                top_posts::top_at(client, scope, &query, as_of, known_at).await
            }
        }
    };
    let rows = try_join_all(platforms.into_iter().map(of_platform)).await?;
    let mut best: Vec<_> = rows
        .into_iter()
        .flatten()
        .filter_map(|row| Measured::of(row, query.measure))
        .collect();
    if !off.is_empty() {
        best.sort_by(Measured::order);
    }
    best.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(query: &str) -> Result<TopPostsQuery, Problem> {
        TopPostsQuery::take(&mut Params::of_query(query)?)
    }

    #[test]
    fn the_measure_decides_which_registry_a_mistake_names() {
        let wrong = |query: &str| taken(query).err().unwrap();
        assert_eq!(
            wrong("by=er_views@9").parts(),
            (Code::UnknownFormula, Some("by"))
        );
        assert_eq!(
            wrong("by=applause").parts(),
            (Code::UnknownMetric, Some("by"))
        );
        let both = "account=00000000-0000-0000-0000-000000000000&creator=c";
        assert_eq!(
            wrong(both).parts(),
            (Code::InvalidParameter, Some("creator"))
        );
        let asked = taken("").ok().unwrap();
        assert_eq!(
            (asked.by, asked.limit),
            (Measure::Formula(Formula::ErViews1), 5)
        );
    }

    #[test]
    fn a_switched_off_formula_leaves_its_platforms_out() {
        let policy = FormulaPolicy::parse("youtube:er_views@1").unwrap();
        let er_views = Measure::Formula(Formula::ErViews1);
        let (allowed, off) = divide(&policy, er_views, None);
        assert_eq!((allowed.len(), off), (3, vec![Platform::Youtube]));
        let (allowed, off) = divide(&policy, er_views, Some(Platform::Youtube));
        assert_eq!((allowed, off), (vec![], vec![Platform::Youtube]));
        assert_eq!(divide(&policy, Measure::Engagements, None).1, vec![]);
    }

    #[test]
    fn over_everything_only_for_now() {
        let at = "2026-03-01T00:00:00Z".parse().ok();
        let problem = only_for_now(Times {
            as_of: None,
            known_at: at,
        })
        .unwrap_err();
        assert_eq!(problem.parts(), (Code::UnsupportedAxis, Some("known_at")));
        assert_eq!(only_for_now(Times::default()), Ok(()));
    }
}
