//! A log that outlives its handle: everything is there again, and appends go on.

use super::subject::{Subject, assert_refused, new_ids};
use commands::ports::ExpectedRevision;

pub(super) async fn everything_is_there_and_goes_on(subject: Subject) -> anyhow::Result<()> {
    let (a, b) = (subject.stream("a"), subject.stream("b"));
    let no_stream = ExpectedRevision::NoStream;
    let first = new_ids(5);
    let appended = subject.append(&a, no_stream, &first).await?;
    subject.append(&b, no_stream, &new_ids(12)).await?;
    let more = new_ids(3);
    subject
        .append(&a, ExpectedRevision::Exact(4), &more)
        .await?;
    let before = subject.everything().await?;
    let head = subject.feed.head().await?;
    let log_id = subject.feed.log_id().await?;

    let subject = subject.reopened().await?;
    assert_eq!(subject.feed.log_id().await?, log_id);
    assert_eq!(subject.everything().await?, before);
    if subject.gapless {
        assert_eq!(subject.feed.head().await?, head);
    }
    // A retry from before the restart is recognised, and old positions still mean the same.
    let again = subject.append(&a, no_stream, &first).await?;
    assert!(again.idempotent);
    assert_eq!(again.position, appended.position);
    let rest = subject
        .feed
        .read_all(Some(appended.position), 100)
        .await?
        .into_iter()
        .filter(|event| subject.owns(event))
        .collect::<Vec<_>>();
    assert_eq!(rest, before[5..]);
    let outcome = subject.append(&b, no_stream, &new_ids(1)).await;
    assert_refused(outcome, &b, no_stream, Some(11));

    let expected = ExpectedRevision::Exact(11);
    let appended = subject.append(&b, expected, &new_ids(2)).await?;
    assert_eq!((appended.last_revision, appended.idempotent), (13, false));
    let subject = subject.reopened().await?;
    let after = subject.everything().await?;
    assert_eq!(after.len(), before.len() + 2);
    assert_eq!(after[..before.len()], before);
    subject.assert_in_order(&after);
    Ok(())
}
