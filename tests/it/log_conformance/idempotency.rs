//! Which appends count as repetitions: exactly the ids that follow an older revision, no others.

use super::subject::{Subject, assert_refused, events, new_ids};
use commands::ports::{Append, Appended, ExpectedRevision, NewEvent};
use domain::{EventId, StreamName};

const NO_STREAM: ExpectedRevision = ExpectedRevision::NoStream;

const fn exact(revision: u64) -> ExpectedRevision {
    ExpectedRevision::Exact(revision)
}

/// A stream made by three appends: revisions 0 to 2, 3 and 4, and 5.
struct Scene {
    stream: StreamName,
    ids: Vec<EventId>,
    /// Each append with what was answered.
    made: Vec<(ExpectedRevision, Vec<EventId>, Appended)>,
}

async fn scene(subject: &Subject) -> anyhow::Result<Scene> {
    let stream = subject.stream("repeated");
    let mut scene = Scene {
        stream: stream.clone(),
        ids: vec![],
        made: vec![],
    };
    for (expected, count) in [(NO_STREAM, 3), (exact(2), 2), (exact(4), 1)] {
        let ids = new_ids(count);
        let appended = subject.append(&stream, expected, &ids).await?;
        assert!(!appended.idempotent);
        scene.ids.extend(&ids);
        scene.made.push((expected, ids, appended));
    }
    Ok(scene)
}

pub(super) async fn a_retry_is_recognised(subject: Subject) -> anyhow::Result<()> {
    let scene = scene(&subject).await?;
    let before = subject.everything().await?;
    // Twice: a repetition leaves nothing behind that the next would stumble over.
    for _ in 0..2 {
        for (expected, ids, first) in &scene.made {
            let again = subject.append(&scene.stream, *expected, ids).await?;
            let idempotent = Appended {
                idempotent: true,
                ..*first
            };
            assert_eq!(again, idempotent, "{}", subject.name);
        }
    }
    assert_eq!(subject.everything().await?, before);
    Ok(())
}

pub(super) async fn a_part_of_what_is_there_is_recognised(subject: Subject) -> anyhow::Result<()> {
    let scene = scene(&subject).await?;
    let before = subject.everything().await?;
    let held = subject.whole(&scene.stream).await?;
    for (first, end) in [
        (0, 1),
        (0, 2),
        (0, 6),
        (1, 2),
        (1, 4),
        (2, 6),
        (3, 4),
        (5, 6),
    ] {
        let expected = match first {
            0 => NO_STREAM,
            _ => exact(first as u64 - 1),
        };
        let part = &scene.ids[first..end];
        let again = subject.append(&scene.stream, expected, part).await?;
        let last = &held[end - 1];
        assert!(again.idempotent, "{first}..{end}");
        assert_eq!(again.last_revision, last.revision);
        assert_eq!(again.position, last.position);
    }
    assert_eq!(subject.everything().await?, before);
    Ok(())
}

pub(super) async fn one_other_id_is_a_conflict(subject: Subject) -> anyhow::Result<()> {
    let scene = scene(&subject).await?;
    let before = subject.everything().await?;
    let ids = &scene.ids;
    let other = new_ids(1)[0];
    let given = [
        // The first differs, a later one differs, the last one differs.
        (NO_STREAM, vec![other, ids[1], ids[2]]),
        (NO_STREAM, vec![ids[0], other, ids[2]]),
        (NO_STREAM, vec![ids[0], ids[1], other]),
        (exact(2), vec![other, ids[4]]),
        (exact(2), vec![ids[3], other]),
        // The right ids in another order or at another place.
        (NO_STREAM, vec![ids[1], ids[0], ids[2]]),
        (exact(0), vec![ids[0], ids[1]]),
        (exact(3), vec![ids[5]]),
        (exact(1), vec![ids[2], ids[4]]),
    ];
    for (expected, given) in given {
        let outcome = subject.append(&scene.stream, expected, &given).await;
        assert_refused(outcome, &scene.stream, expected, Some(5));
    }
    assert_eq!(subject.everything().await?, before);
    Ok(())
}

pub(super) async fn more_than_is_there_is_a_conflict(subject: Subject) -> anyhow::Result<()> {
    let scene = scene(&subject).await?;
    let before = subject.everything().await?;
    for first in 0..6 {
        let expected = match first {
            0 => NO_STREAM,
            _ => exact(first as u64 - 1),
        };
        let mut given = scene.ids[first..].to_vec();
        given.extend(new_ids(1));
        let outcome = subject.append(&scene.stream, expected, &given).await;
        assert_refused(outcome, &scene.stream, expected, Some(5));
    }
    assert_eq!(subject.everything().await?, before);
    Ok(())
}

/// The same ids again are written again if the caller says that it has seen them.
pub(super) async fn the_current_revision_always_writes(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("current");
    let ids = new_ids(2);
    let first = subject.append(&stream, NO_STREAM, &ids).await?;
    assert_eq!((first.last_revision, first.idempotent), (1, false));
    let second = subject.append(&stream, exact(1), &ids).await?;
    assert_eq!((second.last_revision, second.idempotent), (3, false));
    assert!(first.position < second.position);
    // Both can be repeated now, each as what it was.
    let again = subject.append(&stream, exact(1), &ids).await?;
    assert!(again.idempotent);
    assert_eq!(again.position, second.position);
    let again = subject.append(&stream, NO_STREAM, &ids).await?;
    assert!(again.idempotent);
    assert_eq!(again.position, first.position);
    // One id twice within an append is two events.
    let twice = [ids[0], ids[0]];
    let third = subject.append(&stream, exact(3), &twice).await?;
    assert_eq!((third.last_revision, third.idempotent), (5, false));
    let again = subject.append(&stream, exact(3), &twice).await?;
    assert!(again.idempotent);
    let expected = [ids[0], ids[1], ids[0], ids[1], ids[0], ids[0]];
    assert_eq!(subject.ids_of(&stream).await?, expected);
    Ok(())
}

pub(super) async fn ids_belong_to_their_stream(subject: Subject) -> anyhow::Result<()> {
    let scene = scene(&subject).await?;
    let other = subject.stream("other");
    let appended = subject.append(&other, NO_STREAM, &scene.ids).await?;
    assert_eq!((appended.last_revision, appended.idempotent), (5, false));
    assert_eq!(subject.ids_of(&other).await?, scene.ids);
    assert_eq!(subject.ids_of(&scene.stream).await?, scene.ids);
    Ok(())
}

/// Ids alone make a repetition; whatever else it brings is not written.
pub(super) async fn the_first_bytes_stay(subject: Subject) -> anyhow::Result<()> {
    let scene = scene(&subject).await?;
    let before = subject.everything().await?;
    let (expected, ids, first) = &scene.made[1];
    let events = events(ids)
        .iter()
        .map(|event| NewEvent {
            event_type: "TestedOtherwise".into(),
            metadata: b"{\"other\":true}".to_vec(),
            data: b"other".to_vec(),
            ..event.clone()
        })
        .collect();
    let append = Append {
        stream: scene.stream.clone(),
        expected: *expected,
        events,
    };
    let again = subject.log.append(append).await?;
    assert!(again.idempotent);
    assert_eq!(again.position, first.position);
    assert_eq!(subject.everything().await?, before);
    Ok(())
}
