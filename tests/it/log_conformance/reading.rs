//! Reading a stream and reading all: where it starts, how much it gives, where it ends.

use super::subject::{Subject, new_ids};
use commands::ports::ExpectedRevision;
use domain::Position;
use projections::feed::FeedError;
use std::collections::HashSet;
use uuid::Uuid;

pub(super) async fn a_stream_is_read_from_any_revision(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("read");
    let other = subject.stream("read-on");
    let ids = new_ids(25);
    let no_stream = ExpectedRevision::NoStream;
    subject.append(&stream, no_stream, &ids).await?;
    subject.append(&other, no_stream, &new_ids(3)).await?;
    for (from, limit) in [
        (0, 1),
        (0, 10),
        (0, 25),
        (0, 26),
        (9, 2),
        (10, 10),
        (20, 10),
        (24, 1),
        (24, 100_000),
        (25, 10),
        (26, 1),
        (1_000, 1),
    ] {
        let page = subject.log.read_stream(&stream, from, limit).await?;
        let expected: Vec<_> = ids.iter().skip(from as usize).take(limit).collect();
        let found: Vec<_> = page.iter().map(|event| &event.event_id).collect();
        assert_eq!(found, expected, "from {from}, at most {limit}");
        for (event, revision) in page.iter().zip(from..) {
            assert_eq!(event.revision, revision);
            assert_eq!(event.stream, stream);
        }
    }
    for from in [i64::MAX.cast_unsigned(), u64::MAX] {
        let page = subject.log.read_stream(&stream, from, 10).await?;
        assert!(page.is_empty(), "from {from}");
    }
    let absent = subject.stream("absent");
    assert!(subject.whole(&absent).await?.is_empty());
    assert!(subject.log.read_stream(&absent, 3, 10).await?.is_empty());
    Ok(())
}

pub(super) async fn the_whole_log_is_read_in_pages(subject: Subject) -> anyhow::Result<()> {
    assert!(subject.everything().await?.is_empty());
    let streams = ["a", "b", "c"].map(|name| subject.stream(name));
    let mut expected = vec![];
    let mut revisions = [ExpectedRevision::NoStream; 3];
    for n in 0..40 {
        let which = n % 3;
        let ids = new_ids(1 + n % 4);
        let appended = subject
            .append(&streams[which], revisions[which], &ids)
            .await?;
        revisions[which] = ExpectedRevision::Exact(appended.last_revision);
        expected.extend(ids);
    }
    let all = subject.everything().await?;
    subject.assert_in_order(&all);
    let found: Vec<_> = all.iter().map(|event| event.event_id).collect();
    assert_eq!(found, expected);
    for page in [1, 2, 7, 99, 100, 101, 5_000] {
        assert_eq!(subject.everything_by(page).await?, all, "pages of {page}");
    }
    // After a position means after it, from wherever one starts.
    for (n, event) in all.iter().enumerate() {
        let rest = subject.feed.read_all(Some(event.position), 5_000).await?;
        let rest: Vec<_> = rest.into_iter().filter(|e| subject.owns(e)).collect();
        assert_eq!(rest, all[n + 1..], "after event {n}");
    }
    Ok(())
}

pub(super) async fn the_head_is_the_last_event(subject: Subject) -> anyhow::Result<()> {
    if subject.gapless {
        assert_eq!(subject.feed.head().await?, None, "a new log has no head");
    }
    let stream = subject.stream("head");
    let mut expected = ExpectedRevision::NoStream;
    for n in 0..5 {
        let appended = subject.append(&stream, expected, &new_ids(1 + n)).await?;
        expected = ExpectedRevision::Exact(appended.last_revision);
        let head = subject.feed.head().await?;
        assert!(head >= Some(appended.position), "{head:?}");
        if subject.gapless {
            assert_eq!(head, Some(appended.position), "{}", subject.name);
        }
        assert_eq!(appended.position.log, subject.feed.log_id().await?);
        assert!(subject.feed.read_all(head, 10).await?.is_empty());
    }
    Ok(())
}

pub(super) async fn a_foreign_position_is_refused(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("here");
    let no_stream = ExpectedRevision::NoStream;
    let ours = subject.append(&stream, no_stream, &new_ids(2)).await?;
    let foreign = Position {
        log: Uuid::now_v7(),
        ..ours.position
    };
    let outcome = subject.feed.read_all(Some(foreign), 10).await;
    let refused = matches!(&outcome, Err(FeedError::ForeignPosition(named)) if *named == foreign);
    assert!(refused, "{outcome:?}");
    assert!(subject.feed.read_all(Some(ours.position), 10).await.is_ok());
    Ok(())
}

pub(super) async fn recorded_ids_are_found(subject: Subject) -> anyhow::Result<()> {
    let (here, there) = (subject.stream("here"), subject.stream("there"));
    let (ours, theirs, nobodys) = (new_ids(30), new_ids(3), new_ids(3));
    let no_stream = ExpectedRevision::NoStream;
    subject.append(&here, no_stream, &ours).await?;
    subject.append(&there, no_stream, &theirs).await?;
    let asked = [&ours[..5], &ours[29..], &theirs, &nobodys].concat();
    let expected: HashSet<_> = [&ours[..5], &ours[29..]].concat().into_iter().collect();
    assert_eq!(subject.log.recorded(&here, &asked).await?, expected);
    let expected: HashSet<_> = theirs.iter().copied().collect();
    assert_eq!(subject.log.recorded(&there, &asked).await?, expected);
    let absent = subject.stream("absent");
    assert!(subject.log.recorded(&absent, &asked).await?.is_empty());
    assert!(subject.log.recorded(&here, &[]).await?.is_empty());
    Ok(())
}
