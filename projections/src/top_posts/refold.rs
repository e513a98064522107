//! What holds of a post after a correction took a number back that its row showed.
//!
//! The row knows each metric's last known value and no older one. So once the newest is withheld
//! for its own moment, the history tells what holds: of one moment the highest revision that
//! speaks of a metric decides, and what it withholds is answered by an older moment.

use super::fold::Post;
use super::numbers::{ER_VIEWS_INGREDIENTS, METRICS, Numbers};
use crate::projection::ProjectionError;
use crate::sql::At;
use crate::tables::Tables;
use domain::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

/// One observation, as far as it matters here.
struct Seen {
    at: Timestamp,
    numbers: Numbers,
    hidden: Vec<String>,
}

impl Seen {
    fn hides(&self, place: usize) -> bool {
        let name = METRICS[place].name();
        self.hidden.iter().any(|hidden| hidden == name)
    }
}

/// Works the numbers out anew of those posts of which something was taken back, from a history
/// that this batch is part of.
pub(super) async fn refold(
    tables: &Tables<'_>,
    posts: &mut HashMap<Uuid, Post>,
) -> Result<(), ProjectionError> {
    let concerned = posts.iter().filter(|(_, post)| post.taken_back);
    for id in concerned.map(|(id, _)| *id).collect::<Vec<_>>() {
        let history = load(tables, id).await?;
        if let Some(post) = posts.get_mut(&id) {
            recall(post, &history);
        }
    }
    Ok(())
}

/// A post's observations, newest first; of one moment the highest revision first.
async fn load(tables: &Tables<'_>, id: Uuid) -> Result<Vec<Seen>, ProjectionError> {
    let rows = tables
        .query(
            "select observed_at, views, likes, comments, shares, saves, reach, watch_time, hidden
             from top_posts_vN_history
             where post = $1
             order by observed_at desc, revision desc",
            &[&id],
        )
        .await?;
    let mut history = Vec::with_capacity(rows.len());
    for row in rows {
        history.push(Seen {
            at: row.get::<_, At>("observed_at").0,
            numbers: Numbers::read(&row)?,
            hidden: row.get::<_, Option<_>>("hidden").unwrap_or_default(),
        });
    }
    Ok(history)
}

fn recall(post: &mut Post, history: &[Seen]) {
    post.taken_back = false;
    for place in 0..METRICS.len() {
        let found = standing(history, &[place], |seen| seen.numbers.0[place]);
        post.numbers.0[place] = found.map(|(value, _)| value);
        post.known_at[place] = found.map(|(_, at)| at);
    }
    post.er_views = standing(history, &ER_VIEWS_INGREDIENTS, |seen| {
        seen.numbers.er_views_ranked()
    });
}

/// The last that `measure` finds of which no ingredient was withheld by a later revision of its
/// moment.
fn standing(
    history: &[Seen],
    ingredients: &[usize],
    measure: impl Fn(&Seen) -> Option<i64>,
) -> Option<(i64, Timestamp)> {
    let stands = |moment: &[Seen], n: usize| {
        let (later, own) = (&moment[..n], &moment[n].numbers);
        let mut known = ingredients.iter().filter(|place| own.0[**place].is_some());
        known.all(|place| !later.iter().any(|seen| seen.hides(*place)))
    };
    history.chunk_by(|a, b| a.at == b.at).find_map(|moment| {
        let mut places = (0..moment.len()).filter(|n| stands(moment, *n));
        places.find_map(|n| Some((measure(&moment[n])?, moment[n].at)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_micros(n * domain::time::DAY_MICROS).expect("a day of 1970")
    }

    fn seen(at: i64, views: Option<i64>, likes: Option<i64>, hidden: &[&str]) -> Seen {
        let mut numbers = Numbers::default();
        (numbers.0[0], numbers.0[1]) = (views, likes);
        Seen {
            at: day(at),
            numbers,
            hidden: hidden.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Views, likes and the rate in percent, each with the day it stands on.
    fn recalled(history: &[Seen]) -> [Option<(i64, Timestamp)>; 3] {
        let mut post = Post::new(Uuid::nil(), day(1), 0);
        post.taken_back = true;
        recall(&mut post, history);
        assert!(!post.taken_back);
        let of = |place: usize| post.numbers.0[place].zip(post.known_at[place]);
        let rate = post.er_views.map(|(ranked, at)| (ranked / 10_000_000, at));
        [of(0), of(1), rate]
    }

    #[test]
    fn what_was_withheld_is_answered_by_an_older_moment() {
        let mut history = vec![
            seen(2, Some(200), None, &["likes"]),
            seen(2, Some(200), Some(30), &[]),
            seen(1, Some(100), Some(10), &[]),
        ];
        let (first, second) = (day(1), day(2));
        assert_eq!(
            recalled(&history),
            [Some((200, second)), Some((10, first)), Some((10, first))]
        );
        // Told once more, and views withheld: the rate has nothing of that day to stand on.
        history.insert(0, seen(2, None, Some(31), &["views"]));
        assert_eq!(
            recalled(&history),
            [Some((100, first)), Some((31, second)), Some((10, first))]
        );
    }

    #[test]
    fn what_a_later_revision_does_not_speak_of_it_leaves() {
        let history = [
            seen(2, None, None, &[]),
            seen(2, Some(200), Some(30), &[]),
            seen(1, Some(100), Some(10), &[]),
        ];
        let second = day(2);
        assert_eq!(
            recalled(&history),
            [Some((200, second)), Some((30, second)), Some((15, second))]
        );
    }

    #[test]
    fn what_no_moment_tells_any_more_is_unknown() {
        let history = [
            seen(1, None, None, &["views", "likes"]),
            seen(1, Some(100), Some(10), &[]),
        ];
        assert_eq!(recalled(&history), [None, None, None]);
    }
}
