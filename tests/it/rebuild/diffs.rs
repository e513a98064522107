//! A diff finds every row that is not the same, says how, and leaves out what is in motion.

use super::rebuild;
use crate::histories::random_history;
use anyhow::Context;
use projections::admin::TableDiff;
use tests::TestLedger;
use tests::rng::{Rng, seed};

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_finds_each_row_and_what_is_in_it() -> anyhow::Result<()> {
    let seed = seed(0xd1ff);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    random_history(&ledger, &mut rng, 400).await?;
    ledger.catch_up().await?;
    rebuild(&ledger, "top_posts").await?;
    // One row gone, one too many, three changed, by one column each; and one text.
    client
        .batch_execute(
            "delete from top_posts_v2 where post = (select min(post::text)::uuid from top_posts_v2);
             insert into top_posts_v2 (post, account_id, observed_at, observations, revision)
             values ('00000000-0000-0000-0000-00000000000a', gen_random_uuid(), now(), 1, 1);
             update top_posts_v2 set observations = observations + 1
             where post in (
                 select post from top_posts_v2
                 where post <> '00000000-0000-0000-0000-00000000000a' order by post desc limit 3
             );
             update top_posts_v2_text set sealed = sealed || '\\x00'
             where post = (select max(post::text)::uuid from top_posts_v2_text)",
        )
        .await?;
    let diff = ledger.administration().diff("top_posts", None).await?;
    assert!(!diff.same);
    assert_eq!(diff.accounts_in_motion, 0);
    let table = |name: &str| -> anyhow::Result<&TableDiff> {
        let mut tables = diff.tables.iter();
        tables
            .find(|table| table.table == name)
            .context(name.to_owned())
    };
    let posts = table("top_posts_vN")?;
    assert_eq!(
        (posts.only_here, posts.only_there, posts.different),
        (1, 1, 3)
    );
    assert_eq!(posts.rows_here, posts.rows_there);
    assert_eq!(posts.samples.len(), 5);
    let changed = posts
        .samples
        .iter()
        .filter(|s| s.here.is_some() && s.there.is_some());
    for sample in changed {
        let (here, there) = (sample.here.as_ref(), sample.there.as_ref());
        let (here, there) = (here.context("here")?, there.context("there")?);
        let columns: Vec<_> = here.as_object().context("columns")?.keys().collect();
        assert_eq!(columns, ["observations"]);
        let number = |row: &serde_json::Value| row["observations"].as_i64();
        assert_eq!(number(here).map(|n| n + 1), number(there));
    }
    let texts = table("top_posts_vN_text")?;
    assert_eq!(
        (texts.only_here, texts.only_there, texts.different),
        (0, 0, 1)
    );
    let history = table("top_posts_vN_history")?;
    assert_eq!(
        (history.only_here, history.only_there, history.different),
        (0, 0, 0)
    );
    assert!(history.rows_here > 0);
    Ok(())
}

/// One version has seen more of the log: that alone is no difference.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_version_has_not_seen_yet_is_in_motion() -> anyhow::Result<()> {
    let seed = seed(0xd1f);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    random_history(&ledger, &mut rng, 200).await?;
    ledger.catch_up().await?;
    for name in super::names() {
        rebuild(&ledger, name).await?;
    }
    // The second version does not go on while the first one does.
    client
        .batch_execute("update projection_versions set filled_at = null where version = 2")
        .await?;
    random_history(&ledger, &mut rng, 60).await?;
    ledger.catch_up().await?;
    client
        .batch_execute("update projection_versions set filled_at = now() where version = 2")
        .await?;
    for name in super::names() {
        let diff = ledger.administration().diff(name, None).await?;
        assert!(diff.same, "{diff:?}");
        assert!(diff.accounts_in_motion > 0, "{diff:?}");
        let in_motion: i64 = diff.tables.iter().map(|table| table.in_motion).sum();
        assert!(in_motion > 0, "{diff:?}");
    }
    Ok(())
}
