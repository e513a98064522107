//! Questions to the posts: a list, one post, and the top by a measure, now or as of a time.

use super::history::{Observation, stands};
use super::measure::Measure;
use super::numbers::Numbers;
use crate::access::Scope;
use crate::follower_trends::last_known;
use crate::sql::{At, Connection, Reader};
use domain::formula::Formula;
use domain::{AccountId, CreatorId, Metric, Platform, PostKey, Timestamp};
use tokio_postgres::{Error, Row};

/// A post as the read model has it; its text is still sealed.
#[derive(Clone, Debug)]
pub struct PostRow {
    /// The post.
    pub post: PostKey,
    /// Its account.
    pub account_id: AccountId,
    /// The account's creator.
    pub creator: String,
    /// The account's platform.
    pub platform: Option<Platform>,
    /// When it was published, where known.
    pub published_at: Option<Timestamp>,
    /// Its newest observation.
    pub observed_at: Timestamp,
    /// How often it was looked at.
    pub observations: i64,
    /// The last known numbers.
    pub numbers: Numbers,
    /// Its sealed text, where one was ever read.
    pub text: Option<Vec<u8>>,
    /// The observation that the measure stands on, where one was asked for.
    pub basis: Option<Observation>,
    /// The account's followers as of that observation, where the measure needs them.
    pub followers: Option<i64>,
}

/// Whose posts.
#[derive(Clone, Debug)]
pub enum TopScope {
    /// One account's.
    Account(AccountId),
    /// All accounts' of a creator.
    Creator(CreatorId),
    /// All that the caller may see.
    All,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct TopQuery {
    /// Whose posts.
    pub of: TopScope,
    /// By what, highest first.
    pub measure: Measure,
    /// Only posts whose last known views are at least so many.
    pub min_views: Option<i64>,
    /// Only on this platform.
    pub platform: Option<Platform>,
    /// How many.
    pub limit: i64,
}

const ENGAGEMENTS: &str = "case when num_nonnulls(b.likes, b.comments, b.shares, b.saves) > 0
    then coalesce(b.likes, 0)::numeric + coalesce(b.comments, 0) + coalesce(b.shares, 0)
        + coalesce(b.saves, 0) end";

/// The measure as SQL over an observation `b` and the followers `f` at its moment.
fn expression(measure: Measure) -> String {
    match measure {
        Measure::Count(metric) => format!("b.{}", metric.name()),
        Measure::Engagements => ENGAGEMENTS.to_owned(),
        Measure::Formula(Formula::ErReach1) => format!("({ENGAGEMENTS}) / nullif(b.reach, 0)"),
        Measure::Formula(Formula::ErFollowers1) => {
            format!("({ENGAGEMENTS}) / nullif(f.value, 0)")
        }
        Measure::Formula(_) => format!("({ENGAGEMENTS}) / nullif(b.views, 0)"),
    }
}

const OBSERVATION: &str = "h.observed_at, h.revision, h.recorded_at, h.cause, h.unchanged, h.views,
    h.likes, h.comments, h.shares, h.saves, h.reach, h.watch_time, h.hidden";

/// The condition, as SQL, that an observation `h` defines the measure.
fn defined(measure: Measure) -> String {
    let any_engagement = "num_nonnulls(h.likes, h.comments, h.shares, h.saves) > 0";
    match measure {
        Measure::Count(metric) => format!("h.{} is not null", metric.name()),
        Measure::Engagements | Measure::Formula(Formula::ErFollowers1) => any_engagement.to_owned(),
        Measure::Formula(Formula::ErReach1) => format!("h.reach > 0 and {any_engagement}"),
        Measure::Formula(_) => format!("h.views > 0 and {any_engagement}"),
    }
}

/// The metrics of a post that a measure is worked out from.
fn ingredients(measure: Measure) -> Vec<Metric> {
    let base = match measure {
        Measure::Count(metric) => return vec![metric],
        Measure::Engagements | Measure::Formula(Formula::ErFollowers1) => None,
        Measure::Formula(Formula::ErReach1) => Some(Metric::Reach),
        Measure::Formula(_) => Some(Metric::Views),
    };
    let engagements = [
        Metric::Likes,
        Metric::Comments,
        Metric::Shares,
        Metric::Saves,
    ];
    base.into_iter().chain(engagements).collect()
}

/// The last observation of a post `p` that defines the measure, under one more condition, as SQL
/// for `from`: of those known at $6, and of each moment what was not taken back.
fn basis(measure: Measure, condition: &str) -> String {
    let (defined, stands) = (defined(measure), stands(&ingredients(measure), "$6"));
    format!(
        "(
             select {OBSERVATION}
             from top_posts_vN_history h
             where h.post = p.post and h.recorded_at <= $6 and {condition} and {defined}
                 and {stands}
             order by h.observed_at desc, h.revision desc
             limit 1
         )"
    )
}

const POST: &str = "p.post, p.account_id, a.creator_id, a.platform, p.published_at,
    p.observed_at as post_observed_at, p.observations, p.views as last_views,
    p.likes as last_likes, p.comments as last_comments, p.shares as last_shares,
    p.saves as last_saves, p.reach as last_reach, p.watch_time as last_watch_time, t.sealed";

/// What a post's own row says of it.
const POST_COLUMNS: &str = "p.post, p.account_id, p.published_at, p.observed_at, p.observations,
    p.views, p.likes, p.comments, p.shares, p.saves, p.reach, p.watch_time";

/// The accounts in question: $1 one account, $2 one creator, $3 the scope, $4 a platform. What is
/// asked for stands alone, so that a plan made for any arguments still goes by its index.
fn accounts(of: &TopScope, scope: &Scope) -> String {
    let (account, creator) = match of {
        TopScope::Account(_) => ("a.account_id = $1", "$2::text is null"),
        TopScope::Creator(_) => ("$1::uuid is null", "a.creator_id = $2"),
        TopScope::All => ("$1::uuid is null", "$2::text is null"),
    };
    let within_scope = scope.condition("a.creator_id", "$3");
    format!(
        "accounts_vN a
         where {account} and {creator} and {within_scope}
             and ($4::text is null or a.platform = $4)"
    )
}

/// Top posts now. Measures with an index read it only as deep as the answer, account by account.
pub async fn top(
    client: &Reader<impl Connection>,
    scope: &Scope,
    query: &TopQuery,
) -> Result<Vec<PostRow>, Error> {
    match ranked_sql(scope, query) {
        Some(sql) => run(client, scope, query, &sql, Timestamp::MAX, None).await,
        None => top_at(client, scope, query, Timestamp::MAX, Timestamp::MAX).await,
    }
}

/// The statement behind [`top`] for a measure that has an index; nothing for the others.
pub fn ranked_sql(scope: &Scope, query: &TopQuery) -> Option<String> {
    let column = match query.measure {
        Measure::Formula(Formula::ErViews1) => "er_views",
        Measure::Count(Metric::Views) => "views",
        _ => return None,
    };
    let accounts = accounts(&query.of, scope);
    let basis = basis(query.measure, "true");
    // The ranking has brought its account along.
    let post = POST.replace("a.", "p.");
    Some(format!(
        "with ranked as (
             select a.creator_id, a.platform, {POST_COLUMNS}, p.ranked
             from (select a.account_id, a.creator_id, a.platform from {accounts}) a
             cross join lateral (
                 select {POST_COLUMNS}, p.{column} as ranked
                 from top_posts_vN p
                 where p.account_id = a.account_id and p.{column} is not null
                     and ($5::bigint is null or p.views >= $5)
                 order by p.{column} desc, p.post
                 limit $7
             ) p
             order by p.ranked desc, p.post
             limit $7
         )
         select {post}, b.*, null::bigint as followers
         from ranked p
         left join top_posts_vN_text t on t.post = p.post
         cross join lateral {basis} b
         order by p.ranked desc, p.post"
    ))
}

/// Top posts as of a time, of what was known at a time: each post by its last observation that
/// defines the measure.
pub async fn top_at(
    client: &Reader<impl Connection>,
    scope: &Scope,
    query: &TopQuery,
    as_of: Timestamp,
    known_at: Timestamp,
) -> Result<Vec<PostRow>, Error> {
    let value = expression(query.measure);
    let needs_followers = query.measure == Measure::Formula(Formula::ErFollowers1);
    let (followers, join) = if needs_followers {
        let last = last_known(
            "t.account_id = a.account_id and t.metric = 'followers'
                     and t.observed_at <= b.observed_at and t.recorded_at <= $6",
        );
        ("f.value", format!("left join lateral {last} f on true"))
    } else {
        ("null::bigint", String::new())
    };
    let accounts = accounts(&query.of, scope);
    let basis_then = basis(query.measure, "h.observed_at <= $8");
    let views_then = basis(Measure::Count(Metric::Views), "h.observed_at <= $8");
    let sql = format!(
        "select {POST}, b.*, {followers} as followers
         from (select a.account_id, a.creator_id, a.platform from {accounts}) a
         join top_posts_vN p on p.account_id = a.account_id
         left join top_posts_vN_text t on t.post = p.post
         cross join lateral {basis_then} b
         {join}
         where {value} is not null
             and ($5::bigint is null or $5 <= (select v.views from {views_then} v))
         order by {value} desc, p.post
         limit $7"
    );
    run(client, scope, query, &sql, known_at, Some(as_of)).await
}

async fn run(
    client: &Reader<impl Connection>,
    scope: &Scope,
    query: &TopQuery,
    sql: &str,
    known_at: Timestamp,
    as_of: Option<Timestamp>,
) -> Result<Vec<PostRow>, Error> {
    let (account, creator) = match &query.of {
        TopScope::Account(account) => (Some(account.uuid()), None),
        TopScope::Creator(creator) => (None, Some(creator.as_str())),
        TopScope::All => (None, None),
    };
    let creators = scope.creators();
    let platform = query.platform.map(Platform::name);
    let (known_at, as_of) = (At(known_at), as_of.map(At));
    let mut arguments: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![
        &account,
        &creator,
        &creators,
        &platform,
        &query.min_views,
        &known_at,
        &query.limit,
    ];
    if let Some(as_of) = &as_of {
        arguments.push(as_of);
    }
    let rows = client.query(sql, &arguments).await?;
    rows.iter()
        .map(|row| {
            let mut post = read(row)?;
            post.basis = Some(Observation::read(row)?);
            post.followers = row.try_get("followers")?;
            Ok(post)
        })
        .collect()
}

/// An account's posts in the order of their keys, from after a given one on.
pub async fn list(
    client: &Reader<impl Connection>,
    scope: &Scope,
    account: AccountId,
    after: Option<PostKey>,
    limit: i64,
) -> Result<Vec<PostRow>, Error> {
    let sql = format!(
        "select {POST}
         from accounts_vN a
         join top_posts_vN p on p.account_id = a.account_id
         left join top_posts_vN_text t on t.post = p.post
         where a.account_id = $1 and ($2::text[] is null or a.creator_id = any($2))
             and ($3::uuid is null or p.post > $3)
         order by p.post
         limit $4"
    );
    let after = after.map(PostKey::uuid);
    let rows = client
        .query(&sql, &[&account.uuid(), &scope.creators(), &after, &limit])
        .await?;
    rows.iter().map(read).collect()
}

/// One post, if it is known and within the scope.
pub async fn find(
    client: &Reader<impl Connection>,
    scope: &Scope,
    post: PostKey,
) -> Result<Option<PostRow>, Error> {
    let sql = format!(
        "select {POST}
         from top_posts_vN p
         join accounts_vN a on a.account_id = p.account_id
         left join top_posts_vN_text t on t.post = p.post
         where p.post = $1 and ($2::text[] is null or a.creator_id = any($2))"
    );
    let row = client
        .query_opt(&sql, &[&post.uuid(), &scope.creators()])
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<PostRow, Error> {
    let mut numbers = Numbers::default();
    for (place, metric) in super::numbers::METRICS.iter().enumerate() {
        numbers.0[place] = row.try_get(format!("last_{}", metric.name()).as_str())?;
    }
    Ok(PostRow {
        post: PostKey::from_uuid(row.try_get("post")?),
        account_id: AccountId::from_uuid(row.try_get("account_id")?),
        creator: row.try_get("creator_id")?,
        platform: row.try_get::<_, &str>("platform")?.parse().ok(),
        published_at: row.try_get::<_, Option<At>>("published_at")?.map(|at| at.0),
        observed_at: row.try_get::<_, At>("post_observed_at")?.0,
        observations: row.try_get("observations")?,
        numbers,
        text: row.try_get("sealed")?,
        basis: None,
        followers: None,
    })
}
