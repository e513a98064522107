//! What is stored is what was given, byte for byte.

use super::subject::Subject;
use commands::ports::{Append, ExpectedRevision, NewEvent};
use domain::{EventId, RecordedEvent, StreamName};
use std::sync::Arc;
use tests::rng::{Rng, seed};
use uuid::Uuid;

fn random_bytes(rng: &mut Rng, length: usize) -> Vec<u8> {
    (0..length).map(|_| rng.next() as u8).collect()
}

fn event(event_type: &'static str, metadata: Vec<u8>, data: Vec<u8>) -> NewEvent {
    NewEvent {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        event_type: event_type.into(),
        metadata,
        data,
    }
}

async fn append(
    subject: &Subject,
    stream: &StreamName,
    expected: ExpectedRevision,
    events: &[NewEvent],
) -> anyhow::Result<()> {
    let append = Append {
        stream: stream.clone(),
        expected,
        events: Arc::from(events),
    };
    subject.log.append(append).await?;
    Ok(())
}

#[track_caller]
fn assert_same(recorded: &[RecordedEvent], given: &[NewEvent]) {
    assert_eq!(recorded.len(), given.len());
    for (recorded, given) in recorded.iter().zip(given) {
        assert_eq!(recorded.event_id, given.event_id);
        assert_eq!(recorded.event_type, given.event_type);
        // Not `assert_eq`: half a mebibyte of numbers helps nobody.
        assert!(recorded.metadata == given.metadata, "{}", recorded.revision);
        assert!(recorded.data == given.data, "{}", recorded.revision);
    }
}

pub(super) async fn bytes_are_exact(subject: Subject) -> anyhow::Result<()> {
    let seed = seed(0xb17e5);
    eprintln!("{}: seed {seed}", subject.name);
    let mut rng = Rng::new(seed);
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let odd = br#"{ "b" : 1.0, "a":[ ],"b":1 }"#.to_vec();
    let mut events = vec![
        event("Tested", vec![], vec![]),
        event("Tested", b"{}".to_vec(), vec![]),
        event("Tested", vec![], vec![0]),
        event("Tested", vec![0, 0, 0], vec![0, 1, 0]),
        event("Tested", all.clone(), all),
        event("Tested", odd.clone(), odd),
        event(
            "Tested",
            b"\\000'\"\n\r".to_vec(),
            "\u{0}\u{fffd}é🦀".into(),
        ),
    ];
    for _ in 0..50 {
        let (m, d) = (rng.below(300) as usize, rng.below(5_000) as usize);
        let metadata = random_bytes(&mut rng, m);
        let data = random_bytes(&mut rng, d);
        events.push(event("Tested", metadata, data));
    }
    let stream = subject.stream("bytes");
    append(&subject, &stream, ExpectedRevision::NoStream, &events).await?;
    assert_same(&subject.whole(&stream).await?, &events);
    assert_same(&subject.everything().await?, &events);
    Ok(())
}

pub(super) async fn half_a_mebibyte_is_exact(subject: Subject) -> anyhow::Result<()> {
    let seed = seed(0x0b16);
    eprintln!("{}: seed {seed}", subject.name);
    let mut rng = Rng::new(seed);
    let events = [
        event("Tested", b"{}".to_vec(), random_bytes(&mut rng, 512 * 1024)),
        event("Tested", b"{}".to_vec(), vec![b' '; 300 * 1024]),
    ];
    let stream = subject.stream("big");
    append(&subject, &stream, ExpectedRevision::NoStream, &events).await?;
    // Alone as well as between small ones.
    let more = [
        event("Tested", vec![], vec![1]),
        event("Tested", vec![], random_bytes(&mut rng, 512 * 1024)),
        event("Tested", vec![], vec![2]),
    ];
    append(&subject, &stream, ExpectedRevision::Exact(1), &more).await?;
    let given = [events.as_slice(), more.as_slice()].concat();
    assert_same(&subject.whole(&stream).await?, &given);
    assert_same(&subject.everything().await?, &given);
    Ok(())
}

pub(super) async fn types_keep_their_names(subject: Subject) -> anyhow::Result<()> {
    let names = ["A", "a", "with space", "Ünïcode", "x.y:z/1", "'quoted\""];
    let events = names.map(|name| event(name, b"{}".to_vec(), name.as_bytes().to_vec()));
    let stream = subject.stream("types");
    append(&subject, &stream, ExpectedRevision::NoStream, &events).await?;
    assert_same(&subject.whole(&stream).await?, &events);
    assert_same(&subject.everything().await?, &events);
    Ok(())
}
