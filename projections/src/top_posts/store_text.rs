//! The newest sealed text of each post: copied in with a new post, else put in its place.

use super::fold::{Change, Post};
use crate::projection::ProjectionError;
use crate::sql::At;
use crate::tables::Tables;
use domain::Timestamp;
use std::collections::HashMap;
use std::pin::pin;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use uuid::Uuid;

/// A text with its post and the moment when it was read.
type Text<'a> = (&'a Uuid, &'a (Timestamp, Vec<u8>));

/// The newest text of each post of a batch.
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

    /// Stores them, with the posts as the batch leaves them.
    pub(super) async fn store(
        &self,
        tables: &Tables<'_>,
        posts: &HashMap<Uuid, Post>,
    ) -> Result<(), ProjectionError> {
        let mut texts: Vec<Text<'_>> = self.0.iter().collect();
        texts.sort_unstable_by_key(|(post, _)| **post);
        // A post that had no row had no text either.
        let is_new = |post: &Uuid| {
            posts
                .get(post)
                .is_some_and(|post| post.change == Change::New)
        };
        let (new, known): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(id, _)| is_new(id));
        insert(tables, &new).await?;
        replace(tables, &known).await
    }
}

async fn insert(tables: &Tables<'_>, texts: &[Text<'_>]) -> Result<(), ProjectionError> {
    if texts.is_empty() {
        return Ok(());
    }
    let sink = tables
        .copy_in(
            "copy top_posts_vN_text (post, observed_at, sealed) from stdin with (format binary)",
        )
        .await?;
    let types = [Type::UUID, Type::TIMESTAMPTZ, Type::BYTEA];
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for (post, (observed_at, sealed)) in texts {
        writer
            .as_mut()
            .write(&[post, &At(*observed_at), sealed])
            .await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}

async fn replace(tables: &Tables<'_>, texts: &[Text<'_>]) -> Result<(), ProjectionError> {
    if texts.is_empty() {
        return Ok(());
    }
    let posts: Vec<Uuid> = texts.iter().map(|(post, _)| **post).collect();
    let observed_at: Vec<At> = texts.iter().map(|(_, (at, _))| At(*at)).collect();
    let sealed: Vec<&[u8]> = texts
        .iter()
        .map(|(_, (_, sealed))| sealed.as_slice())
        .collect();
    tables
        .execute(
            "insert into top_posts_vN_text (post, observed_at, sealed)
             select given.*
             from unnest($1::uuid[], $2::timestamptz[], $3::bytea[]) as given
             on conflict (post) do update
                 set observed_at = excluded.observed_at, sealed = excluded.sealed
                 where top_posts_vN_text.observed_at <= excluded.observed_at",
            &[&posts, &observed_at, &sealed],
        )
        .await?;
    Ok(())
}
