//! The SQL of the posts' tables: whole batches at once.

use super::fold::{Change, Post};
use super::numbers::Numbers;
use crate::projection::ProjectionError;
use crate::sql::At;
use crate::tables::Tables;
use std::collections::HashMap;
use std::pin::pin;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

pub(super) async fn load(
    tables: &Tables<'_>,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Post>, ProjectionError> {
    let rows = tables
        .query(
            "select post, account_id, published_at, observed_at, observations, views, likes,
                 comments, shares, saves, reach, watch_time, older, hidden, er_views,
                 er_views_observed_at, revision
             from top_posts_vN
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
        let mut post = Post::new(row.get("account_id"), observed_at, row.get("revision"));
        post.published_at = row.get::<_, Option<At>>("published_at").map(|at| at.0);
        post.observations = row.get("observations");
        post.numbers = numbers;
        post.restore_known_at(older)?;
        post.hidden = row.get::<_, Option<_>>("hidden").unwrap_or_default();
        post.er_views = er_views.zip(er_at.map(|at| at.0));
        post.change = Change::None;
        posts.insert(row.get("post"), post);
    }
    Ok(posts)
}

/// Writes back what a batch made of its posts: new ones are copied in, known ones updated.
pub(super) async fn store_posts(
    tables: &Tables<'_>,
    posts: &HashMap<Uuid, Post>,
) -> Result<(), ProjectionError> {
    let mut changed: Vec<_> = posts
        .iter()
        .filter(|(_, post)| post.change != Change::None)
        .collect();
    // Neighbours lie on the same pages: an account's posts, in the rankings too.
    changed.sort_unstable_by_key(|(id, post)| (post.account, **id));
    let (new, known): (Vec<_>, Vec<_>) = changed
        .into_iter()
        .partition(|(_, post)| post.change == Change::New);
    insert(tables, &new).await?;
    update(tables, &known).await
}

async fn insert(tables: &Tables<'_>, posts: &[(&Uuid, &Post)]) -> Result<(), ProjectionError> {
    if posts.is_empty() {
        return Ok(());
    }
    let sink = tables
        .copy_in(
            "copy top_posts_vN (
                 post, account_id, published_at, observed_at, observations, views, likes,
                 comments, shares, saves, reach, watch_time, older, hidden, er_views,
                 er_views_observed_at, revision
             ) from stdin with (format binary)",
        )
        .await?;
    let types = [
        Type::UUID,
        Type::UUID,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::INT8,
        Type::TIMESTAMPTZ,
        Type::INT8,
    ];
    let writer = BinaryCopyInWriter::new(sink, &types);
    let mut writer = pin!(writer);
    for (id, post) in posts {
        let numbers = &post.numbers.0;
        let hidden = (!post.hidden.is_empty()).then_some(&post.hidden);
        let row: [&(dyn ToSql + Sync); 17] = [
            id,
            &post.account,
            &post.published_at.map(At),
            &At(post.observed_at),
            &post.observations,
            &numbers[0],
            &numbers[1],
            &numbers[2],
            &numbers[3],
            &numbers[4],
            &numbers[5],
            &numbers[6],
            &post.older(),
            &hidden,
            &post.er_views.map(|(ranked, _)| ranked),
            &post.er_views.map(|(_, at)| At(at)),
            &post.revision,
        ];
        writer.as_mut().write(&row).await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}

async fn update(tables: &Tables<'_>, posts: &[(&Uuid, &Post)]) -> Result<(), ProjectionError> {
    if posts.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($field:expr) => {
            posts
                .iter()
                .map(|(_, post)| $field(post))
                .collect::<Vec<_>>()
        };
    }
    let numbers = |place: usize| {
        posts
            .iter()
            .map(|(_, p)| p.numbers.0[place])
            .collect::<Vec<_>>()
    };
    let ids: Vec<Uuid> = posts.iter().map(|(id, _)| **id).collect();
    tables
        .execute(
            "update top_posts_vN set
                 published_at = given.published_at,
                 observed_at = given.observed_at,
                 observations = given.observations,
                 views = given.views,
                 likes = given.likes,
                 comments = given.comments,
                 shares = given.shares,
                 saves = given.saves,
                 reach = given.reach,
                 watch_time = given.watch_time,
                 older = given.older,
                 hidden = string_to_array(given.hidden, ','),
                 er_views = given.er_views,
                 er_views_observed_at = given.er_views_observed_at,
                 revision = given.revision
             from unnest(
                 $1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[],
                 $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
                 $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::timestamptz[],
                 $16::bigint[]
             ) as given (
                 post, published_at, observed_at, observations, views, likes, comments, shares,
                 saves, reach, watch_time, older, hidden, er_views, er_views_observed_at, revision
             )
             where top_posts_vN.post = given.post",
            &[
                &ids,
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
