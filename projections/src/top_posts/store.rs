//! The SQL of the posts' tables: whole batches at once.

use super::fold::Post;
use super::numbers::Numbers;
use crate::projection::{Applied, ProjectionError};
use crate::sql::At;
use domain::Timestamp;
use domain::observation::Cause;
use std::collections::HashMap;
use tokio_postgres::Transaction;
use uuid::Uuid;

pub(super) async fn load(
    transaction: &Transaction<'_>,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Post>, ProjectionError> {
    let rows = transaction
        .query(
            "select post, account_id, published_at, observed_at, observations, views, likes,
                 comments, shares, saves, reach, watch_time, older, hidden, er_views,
                 er_views_observed_at, revision
             from top_posts_v1
             where post = any($1)",
            &[&ids],
        )
        .await?;
    let mut posts = HashMap::with_capacity(ids.len());
    for row in rows {
        let observed_at = row.get::<_, At>("observed_at").0;
        let numbers = Numbers::read(&row)?;
        let older: Option<&str> = row.get("older");
        let er_views: Option<i64> = row.get("er_views");
        let er_at: Option<At> = row.get("er_views_observed_at");
        posts.insert(
            row.get("post"),
            Post {
                account: row.get("account_id"),
                published_at: row.get::<_, Option<At>>("published_at").map(|at| at.0),
                observed_at,
                observations: row.get("observations"),
                numbers,
                known_at: Post::known_at(&numbers, observed_at, older)?,
                hidden: row.get::<_, Option<_>>("hidden").unwrap_or_default(),
                er_views: er_views.zip(er_at.map(|at| at.0)),
                revision: row.get("revision"),
            },
        );
    }
    Ok(posts)
}

pub(super) async fn store_posts(
    transaction: &Transaction<'_>,
    posts: &HashMap<Uuid, Post>,
) -> Result<(), ProjectionError> {
    let all: Vec<_> = posts.iter().collect();
    macro_rules! column {
        ($field:expr) => {
            all.iter().map(|(_, post)| $field(post)).collect::<Vec<_>>()
        };
    }
    let numbers = |place: usize| {
        all.iter()
            .map(|(_, p)| p.numbers.0[place])
            .collect::<Vec<_>>()
    };
    let ids: Vec<Uuid> = all.iter().map(|(id, _)| **id).collect();
    transaction
        .execute(
            "insert into top_posts_v1 (
                 post, account_id, published_at, observed_at, observations, views, likes,
                 comments, shares, saves, reach, watch_time, older, hidden, er_views,
                 er_views_observed_at, revision
             )
             select post, account_id, published_at, observed_at, observations, views, likes,
                 comments, shares, saves, reach, watch_time, older,
                 string_to_array(hidden, ','), er_views, er_views_observed_at, revision
             from unnest(
                 $1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::bigint[],
                 $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
                 $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::bigint[],
                 $16::timestamptz[], $17::bigint[]
             ) as given (
                 post, account_id, published_at, observed_at, observations, views, likes,
                 comments, shares, saves, reach, watch_time, older, hidden, er_views,
                 er_views_observed_at, revision
             )
             on conflict (post) do update set
                 published_at = excluded.published_at,
                 observed_at = excluded.observed_at,
                 observations = excluded.observations,
                 views = excluded.views,
                 likes = excluded.likes,
                 comments = excluded.comments,
                 shares = excluded.shares,
                 saves = excluded.saves,
                 reach = excluded.reach,
                 watch_time = excluded.watch_time,
                 older = excluded.older,
                 hidden = excluded.hidden,
                 er_views = excluded.er_views,
                 er_views_observed_at = excluded.er_views_observed_at,
                 revision = excluded.revision
             where top_posts_v1.revision < excluded.revision",
            &[
                &ids,
                &column!(|post: &&Post| post.account),
                &column!(|post: &&Post| post.published_at.map(At)),
                &column!(|post: &&Post| At(post.observed_at)),
                &column!(|post: &&Post| post.observations),
                &numbers(0),
                &numbers(1),
                &numbers(2),
                &numbers(3),
                &numbers(4),
                &numbers(5),
                &numbers(6),
                &column!(|post: &&Post| post.older()),
                &column!(|post: &&Post| hidden_text(&post.hidden)),
                &column!(|post: &&Post| post.er_views.map(|(ranked, _)| ranked)),
                &column!(|post: &&Post| post.er_views.map(|(_, at)| At(at))),
                &column!(|post: &&Post| post.revision),
            ],
        )
        .await?;
    Ok(())
}

/// An array of arrays has no Postgres type here, so a list travels as text.
fn hidden_text(hidden: &[String]) -> Option<String> {
    (!hidden.is_empty()).then(|| hidden.join(","))
}

/// Rows of the history on their way.
#[derive(Default)]
pub(super) struct HistoryColumns {
    posts: Vec<Uuid>,
    observed_at: Vec<At>,
    revisions: Vec<i64>,
    recorded_at: Vec<At>,
    causes: Vec<&'static str>,
    unchanged: Vec<bool>,
    numbers: Vec<Numbers>,
    hidden: Vec<Option<String>>,
}

impl HistoryColumns {
    pub(super) fn add(
        &mut self,
        (post, observed_at, revision): (Uuid, Timestamp, i64),
        applied: &Applied,
        cause: Cause,
        numbers: Numbers,
        hidden: Vec<String>,
        unchanged: bool,
    ) {
        self.posts.push(post);
        self.observed_at.push(At(observed_at));
        self.revisions.push(revision);
        self.recorded_at.push(At(applied.metadata.recorded_at));
        self.causes.push(cause.name());
        self.unchanged.push(unchanged);
        self.numbers.push(numbers);
        self.hidden.push(hidden_text(&hidden));
    }

    pub(super) async fn store(&self, transaction: &Transaction<'_>) -> Result<(), ProjectionError> {
        let numbers = |place: usize| self.numbers.iter().map(|n| n.0[place]).collect::<Vec<_>>();
        transaction
            .execute(
                "insert into top_posts_v1_history (
                     post, observed_at, revision, recorded_at, cause, unchanged, views, likes,
                     comments, shares, saves, reach, watch_time, hidden
                 )
                 select post, observed_at, revision, recorded_at, cause, unchanged, views, likes,
                     comments, shares, saves, reach, watch_time, string_to_array(hidden, ',')
                 from unnest(
                     $1::uuid[], $2::timestamptz[], $3::bigint[], $4::timestamptz[], $5::text[],
                     $6::boolean[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
                     $11::bigint[], $12::bigint[], $13::bigint[], $14::text[]
                 ) as given (
                     post, observed_at, revision, recorded_at, cause, unchanged, views, likes,
                     comments, shares, saves, reach, watch_time, hidden
                 )
                 on conflict do nothing",
                &[
                    &self.posts,
                    &self.observed_at,
                    &self.revisions,
                    &self.recorded_at,
                    &self.causes,
                    &self.unchanged,
                    &numbers(0),
                    &numbers(1),
                    &numbers(2),
                    &numbers(3),
                    &numbers(4),
                    &numbers(5),
                    &numbers(6),
                    &self.hidden,
                ],
            )
            .await?;
        Ok(())
    }
}

/// The newest sealed text of each post of a batch.
#[derive(Default)]
pub(super) struct TextColumns(HashMap<Uuid, (Timestamp, Vec<u8>)>);

impl TextColumns {
    pub(super) fn add(&mut self, post: Uuid, observed_at: Timestamp, sealed: &[u8]) {
        let newer = self
            .0
            .get(&post)
            .is_none_or(|(held, _)| *held <= observed_at);
        if newer {
            self.0.insert(post, (observed_at, sealed.to_vec()));
        }
    }

    pub(super) async fn store(&self, transaction: &Transaction<'_>) -> Result<(), ProjectionError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let posts: Vec<Uuid> = self.0.keys().copied().collect();
        let observed_at: Vec<At> = self.0.values().map(|(at, _)| At(*at)).collect();
        let sealed: Vec<&[u8]> = self
            .0
            .values()
            .map(|(_, sealed)| sealed.as_slice())
            .collect();
        transaction
            .execute(
                "insert into top_posts_v1_text (post, observed_at, sealed)
                 select given.*
                 from unnest($1::uuid[], $2::timestamptz[], $3::bytea[]) as given
                 on conflict (post) do update
                     set observed_at = excluded.observed_at, sealed = excluded.sealed
                     where top_posts_v1_text.observed_at <= excluded.observed_at",
                &[&posts, &observed_at, &sealed],
            )
            .await?;
        Ok(())
    }
}
