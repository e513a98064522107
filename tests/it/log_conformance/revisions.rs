//! Appends name the exact revision that they expect, and anything else is refused.

use super::subject::{Subject, assert_refused, events, new_ids};
use commands::ports::{Append, AppendError, ExpectedRevision};

pub(super) async fn a_new_stream_starts_at_zero(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("new");
    let first = new_ids(1);
    let appended = subject
        .append(&stream, ExpectedRevision::NoStream, &first)
        .await?;
    assert_eq!((appended.last_revision, appended.idempotent), (0, false));
    let held = subject.whole(&stream).await?;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].revision, 0);
    assert_eq!(held[0].event_id, first[0]);
    assert_eq!(held[0].stream, stream);
    assert_eq!(held[0].position, appended.position);

    let expected = ExpectedRevision::NoStream;
    let again = subject.append(&stream, expected, &new_ids(1)).await;
    assert_refused(again, &stream, expected, Some(0));

    let absent = subject.stream("absent");
    for revision in [0, 1, 9] {
        let expected = ExpectedRevision::Exact(revision);
        let outcome = subject.append(&absent, expected, &new_ids(2)).await;
        assert_refused(outcome, &absent, expected, None);
    }
    assert!(subject.whole(&absent).await?.is_empty());
    Ok(())
}

pub(super) async fn the_exact_revision_is_asked_for(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("exact");
    let mut ids = new_ids(3);
    subject
        .append(&stream, ExpectedRevision::NoStream, &ids)
        .await?;
    let more = new_ids(2);
    let appended = subject
        .append(&stream, ExpectedRevision::Exact(2), &more)
        .await?;
    assert_eq!((appended.last_revision, appended.idempotent), (4, false));
    ids.extend(more);
    for wrong in [0, 1, 2, 3, 5, 6, 44] {
        let expected = ExpectedRevision::Exact(wrong);
        let outcome = subject.append(&stream, expected, &new_ids(1)).await;
        assert_refused(outcome, &stream, expected, Some(4));
    }
    let last = new_ids(1);
    let appended = subject
        .append(&stream, ExpectedRevision::Exact(4), &last)
        .await?;
    assert_eq!(appended.last_revision, 5);
    ids.extend(last);
    assert_eq!(subject.ids_of(&stream).await?, ids);
    Ok(())
}

pub(super) async fn a_refused_append_writes_nothing(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("refused");
    let ids = new_ids(4);
    subject
        .append(&stream, ExpectedRevision::NoStream, &ids)
        .await?;
    let before = subject.everything().await?;
    let head = subject.feed.head().await?;
    for (expected, count) in [
        (ExpectedRevision::NoStream, 1),
        (ExpectedRevision::NoStream, 9),
        (ExpectedRevision::Exact(1), 1),
        (ExpectedRevision::Exact(2), 5),
        (ExpectedRevision::Exact(4), 3),
    ] {
        let outcome = subject.append(&stream, expected, &new_ids(count)).await;
        assert_refused(outcome, &stream, expected, Some(3));
    }
    assert_eq!(subject.everything().await?, before);
    if subject.gapless {
        assert_eq!(subject.feed.head().await?, head, "{}", subject.name);
    }
    Ok(())
}

/// Revisions are numbers: 9 lies before 10, and 99 before 100.
pub(super) async fn revisions_may_have_several_digits(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("digits");
    let mut expected = ExpectedRevision::NoStream;
    for revision in 0..120 {
        let appended = subject.append(&stream, expected, &new_ids(1)).await?;
        assert_eq!(
            (appended.last_revision, appended.idempotent),
            (revision, false)
        );
        if [9, 10, 11, 99, 100, 119].contains(&revision) {
            let wrong = [1, 8, 9, 10, 11, 20, 98, 99, 100, 101, 111];
            for wrong in wrong.into_iter().filter(|wrong| *wrong != revision) {
                let expected = ExpectedRevision::Exact(wrong);
                let outcome = subject.append(&stream, expected, &new_ids(1)).await;
                assert_refused(outcome, &stream, expected, Some(revision));
            }
        }
        expected = ExpectedRevision::Exact(revision);
    }
    let all = subject.whole(&stream).await?;
    assert_eq!(all.len(), 120);
    subject.assert_in_order(&all);
    Ok(())
}

pub(super) async fn a_stream_may_be_long(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("long");
    let mut ids = vec![];
    let mut expected = ExpectedRevision::NoStream;
    for n in 1..=100 {
        let more = new_ids(10);
        let appended = subject.append(&stream, expected, &more).await?;
        assert_eq!(appended.last_revision, n * 10 - 1);
        expected = ExpectedRevision::Exact(appended.last_revision);
        ids.extend(more);
    }
    for wrong in [99, 100, 989, 998, 1_000] {
        let expected = ExpectedRevision::Exact(wrong);
        let outcome = subject.append(&stream, expected, &new_ids(1)).await;
        assert_refused(outcome, &stream, expected, Some(999));
    }
    let last = new_ids(1);
    let appended = subject
        .append(&stream, ExpectedRevision::Exact(999), &last)
        .await?;
    assert_eq!(appended.last_revision, 1_000);
    ids.extend(last);
    assert_eq!(subject.ids_of(&stream).await?, ids);
    subject.assert_in_order(&subject.whole(&stream).await?);
    Ok(())
}

/// Nonsense harms nobody but its caller.
pub(super) async fn a_revision_beyond_all_is_refused(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("beyond");
    subject
        .append(&stream, ExpectedRevision::NoStream, &new_ids(2))
        .await?;
    let beyond = [
        u64::from(u32::MAX),
        i64::MAX.cast_unsigned() - 1,
        i64::MAX.cast_unsigned(),
        u64::MAX,
    ];
    for revision in beyond {
        let expected = ExpectedRevision::Exact(revision);
        let outcome = subject.append(&stream, expected, &new_ids(2)).await;
        assert_refused(outcome, &stream, expected, Some(1));
    }
    let appended = subject
        .append(&stream, ExpectedRevision::Exact(1), &new_ids(1))
        .await?;
    assert_eq!(appended.last_revision, 2);
    Ok(())
}

pub(super) async fn an_append_without_events_is_invalid(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("empty");
    let append = Append {
        stream: stream.clone(),
        expected: ExpectedRevision::NoStream,
        events: events(&[]),
    };
    let outcome = subject.log.append(append).await;
    assert!(
        matches!(outcome, Err(AppendError::Invalid(_))),
        "{outcome:?}"
    );
    assert!(subject.whole(&stream).await?.is_empty());
    Ok(())
}
