//! Pages of posts: what did not change is only noted, and a text is sealed once for each wording.

use crate::doubles::cold_ledger;
use crate::histories::{decoded, minute, page, stream_of};
use anyhow::Context;
use commands::ports::{AccountKey, Subject, Vault};
use commands::text::PostText;
use commands::{IntentOutcome, PostSnapshot};
use domain::account::{Event, PostsObserved};
use domain::observation::Cause;
use domain::{AccountId, Metric, Platform, PostKey};
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{context, post, values};

struct Scene {
    ledger: TestLedger,
    account: AccountId,
    key: Arc<dyn AccountKey>,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        let account = ledger.import("creator", Platform::Instagram, "1").await?;
        let key = ledger.vault.key(account).await?;
        Ok(Self {
            ledger,
            account,
            key,
        })
    }

    fn name(&self, id: &str) -> PostKey {
        self.key.post_key(id)
    }

    /// Reads a page and returns the one event that it led to, if it led to one.
    async fn see(&self, n: i64, posts: Vec<PostSnapshot>) -> anyhow::Result<Option<PostsObserved>> {
        let intent = page(minute(n), posts);
        let writer = &self.ledger.ledger;
        let outcome = writer.execute(self.account, intent, &context()).await?;
        if outcome.events == 0 {
            return Ok(None);
        }
        assert_eq!(outcome.events, 1);
        let mut events = decoded(&stream_of(&*self.ledger.log, self.account).await?)?;
        match events.pop() {
            Some(Event::PostsObserved(page)) => {
                let unchanged_posts = page.unchanged.len();
                let appended = IntentOutcome::Appended {
                    events: 1,
                    unchanged_posts,
                };
                assert_eq!(outcome.intents, [appended]);
                Ok(Some(page))
            }
            other => anyhow::bail!("the last event is {other:?}"),
        }
    }

    /// The text that an event brings of a post, opened.
    fn text(&self, page: &PostsObserved, id: &str) -> anyhow::Result<Option<PostText>> {
        let name = self.name(id);
        let mut changed = page.changed.iter();
        let post = changed
            .find(|post| post.post == name)
            .context("the post is not among the changed")?;
        let Some(sealed) = &post.text else {
            return Ok(None);
        };
        let plain = self.key.open(Subject::Post(name), &sealed.bytes)?;
        Ok(Some(serde_json::from_slice(&plain)?))
    }

    fn title(&self, page: &PostsObserved, id: &str) -> anyhow::Result<Option<String>> {
        Ok(self.text(page, id)?.and_then(|text| text.title))
    }
}

/// A post's numbers without any text.
fn bare(id: &str, views: i64) -> PostSnapshot {
    PostSnapshot {
        text: PostText {
            platform_post_id: id.to_owned(),
            ..PostText::default()
        },
        published_at: None,
        values: values(&[(Metric::Views, views)]),
    }
}

fn titled(id: &str, title: &str, views: i64) -> PostSnapshot {
    post(id, title, &[(Metric::Views, views)])
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_values_are_only_noted() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let posts = || -> Vec<_> { (0..4).map(|n| titled(&format!("p{n}"), "t", n)).collect() };
    let first = scene.see(1, posts()).await?.context("an event")?;
    assert_eq!((first.changed.len(), first.unchanged.len()), (4, 0));

    let second = scene.see(2, posts()).await?.context("an event")?;
    assert!(second.changed.is_empty());
    let expected: Vec<_> = (0..4).map(|n| scene.name(&format!("p{n}"))).collect();
    assert_eq!(second.unchanged, expected);
    assert_eq!(second.observed_at, minute(2));

    // Known in a process of its own as well.
    let cold = cold_ledger(&scene.ledger);
    let intent = page(minute(3), posts());
    let outcome = cold.execute(scene.account, intent, &context()).await?;
    let noted = IntentOutcome::Appended {
        events: 1,
        unchanged_posts: 4,
    };
    assert_eq!(outcome.intents, [noted]);

    let mut one_moved = posts();
    one_moved[2] = titled("p2", "t", 77);
    let fourth = scene.see(4, one_moved).await?.context("an event")?;
    assert_eq!((fourth.changed.len(), fourth.unchanged.len()), (1, 3));
    assert_eq!(fourth.changed[0].post, scene.name("p2"));
    assert_eq!(fourth.changed[0].values.get(Metric::Views), Some(77));
    // Back to what it was is a change too.
    let fifth = scene.see(5, posts()).await?.context("an event")?;
    assert_eq!((fifth.changed.len(), fifth.unchanged.len()), (1, 3));
    Ok(())
}

/// Hidden and never asked for are not the same, and neither is zero.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_absent_and_zero_are_three_things() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let absent = || titled("p", "t", 5);
    let mut hidden = absent();
    hidden.values.insert_hidden(Metric::Likes)?;
    let mut zero = absent();
    zero.values.insert(Metric::Likes, 0)?;
    let given = [absent(), hidden.clone(), hidden, zero, absent()];
    let mut changed = vec![];
    for (n, post) in (1..).zip(given) {
        let page = scene.see(n, vec![post]).await?.context("an event")?;
        changed.push(page.changed.len());
    }
    assert_eq!(changed, [1, 1, 0, 1, 1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_sealed_once_for_each_wording() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let first = scene.see(1, vec![titled("p", "one", 1)]).await?;
    let first = first.context("an event")?;
    assert_eq!(scene.title(&first, "p")?.as_deref(), Some("one"));

    let moved = scene.see(2, vec![titled("p", "one", 2)]).await?;
    let moved = moved.context("an event")?;
    assert!(scene.text(&moved, "p")?.is_none(), "nothing new in it");

    let renamed = scene.see(3, vec![titled("p", "two", 2)]).await?;
    let renamed = renamed.context("an event")?;
    assert_eq!(scene.title(&renamed, "p")?.as_deref(), Some("two"));

    let same = scene.see(4, vec![titled("p", "two", 2)]).await?;
    assert_eq!(same.context("an event")?.unchanged, [scene.name("p")]);

    let back = scene.see(5, vec![titled("p", "one", 3)]).await?;
    let back = back.context("an event")?;
    assert_eq!(scene.title(&back, "p")?.as_deref(), Some("one"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_alone_never_take_the_place_of_a_title() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    // An id that comes alone is sealed once, so that the post can be named at all.
    let first = scene.see(1, vec![bare("p", 1)]).await?;
    let first = first.context("an event")?;
    let text = scene.text(&first, "p")?.context("the id")?;
    assert_eq!((text.platform_post_id.as_str(), text.title), ("p", None));
    let second = scene.see(2, vec![bare("p", 2)]).await?;
    assert!(scene.text(&second.context("an event")?, "p")?.is_none());

    let titled_once = scene.see(3, vec![titled("p", "title", 2)]).await?;
    let titled_once = titled_once.context("an event")?;
    assert_eq!(scene.title(&titled_once, "p")?.as_deref(), Some("title"));
    for n in 4..6 {
        let bare_again = scene.see(n, vec![bare("p", n)]).await?;
        let bare_again = bare_again.context("an event")?;
        assert!(scene.text(&bare_again, "p")?.is_none(), "minute {n}");
    }
    let unchanged = scene.see(6, vec![bare("p", 5)]).await?;
    assert_eq!(unchanged.context("an event")?.unchanged, [scene.name("p")]);
    // The title is still the one that is known.
    let unchanged = scene.see(7, vec![titled("p", "title", 5)]).await?;
    assert_eq!(unchanged.context("an event")?.unchanged, [scene.name("p")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_page_is_kept_in_full() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.see(10, vec![titled("p", "t", 5)]).await?;
    let late = scene.see(5, vec![titled("p", "t", 5)]).await?;
    let late = late.context("an event")?;
    assert_eq!((late.changed.len(), late.unchanged.len()), (1, 0));
    assert_eq!(late.observed_at, minute(5));
    // What is newest is still what it was.
    let same = scene.see(11, vec![titled("p", "t", 5)]).await?;
    assert_eq!(same.context("an event")?.unchanged, [scene.name("p")]);

    let restated = scene.see(11, vec![titled("p", "t", 6)]).await?;
    let restated = restated.context("an event")?;
    assert_eq!(restated.provenance.cause, Cause::Restated);
    assert_eq!(restated.changed.len(), 1);
    let again = scene.see(11, vec![titled("p", "t", 6)]).await?;
    assert!(again.is_none(), "a repetition");
    Ok(())
}
