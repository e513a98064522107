//! How events change the posts: rows are read, folded in memory and written back at once.

use super::fold::Post;
use super::numbers::Numbers;
use super::refold::refold;
use super::store;
use super::store_history::HistoryRows;
use super::store_text::TextColumns;
use crate::projection::{Applied, ProjectionError};
use crate::tables::Tables;
use domain::account::{Event, PostsObserved};
use std::collections::HashMap;
use uuid::Uuid;

pub(super) async fn apply(tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
    let pages: Vec<_> = events
        .iter()
        .filter_map(|applied| match &applied.event {
            Event::PostsObserved(page) => Some((applied, page)),
            _ => None,
        })
        .collect();
    if pages.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<Uuid> = pages.iter().flat_map(|(_, page)| posts_of(page)).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut posts = store::load(tables, &ids).await?;
    let mut history = HistoryRows::default();
    let mut texts = TextColumns::default();
    for (applied, page) in &pages {
        fold(&mut posts, &mut history, &mut texts, applied, page);
    }
    history.store(tables).await?;
    refold(tables, &mut posts).await?;
    store::store_posts(tables, &posts).await?;
    texts.store(tables, &posts).await
}

fn posts_of(page: &PostsObserved) -> impl Iterator<Item = Uuid> + '_ {
    let changed = page.changed.iter().map(|post| post.post.uuid());
    changed.chain(page.unchanged.iter().map(|post| post.uuid()))
}

fn fold(
    posts: &mut HashMap<Uuid, Post>,
    history: &mut HistoryRows,
    texts: &mut TextColumns,
    applied: &Applied,
    page: &PostsObserved,
) {
    let at = page.observed_at;
    let revision = applied.revision;
    let seen = |posts: &HashMap<Uuid, Post>, id: &Uuid| {
        posts.get(id).is_some_and(|post| post.revision >= revision)
    };
    for observed in &page.changed {
        let id = observed.post.uuid();
        if seen(posts, &id) {
            continue;
        }
        if let Some(sealed) = &observed.text {
            texts.add(id, at, &sealed.bytes);
        }
        let numbers = Numbers::of(&observed.values);
        let hidden: Vec<_> = observed
            .values
            .hidden()
            .map(|metric| metric.name().to_owned())
            .collect();
        let post = posts
            .entry(id)
            .or_insert_with(|| Post::new(applied.account.uuid(), at, revision));
        post.describe(observed, at);
        post.observe(at, &numbers, &hidden);
        post.reach(revision);
        history.add(
            (id, at, revision),
            applied,
            page.provenance.cause,
            numbers,
            hidden,
            false,
        );
    }
    for key in &page.unchanged {
        let id = key.uuid();
        // A note of a post that no event spoke of before says nothing.
        let Some(post) = posts.get_mut(&id).filter(|post| post.revision < revision) else {
            continue;
        };
        let numbers = post.newest_numbers();
        let hidden = post.hidden.clone();
        // Found again as that very moment had it: nothing new to show.
        if at > post.observed_at {
            let cause = page.provenance.cause;
            post.observe(at, &numbers, &hidden);
            history.add((id, at, revision), applied, cause, numbers, hidden, true);
        }
        post.reach(revision);
    }
}
