//! Thousands of random appends beside a model of a few lines: every outcome must be the model's.

use super::subject::Subject;
use anyhow::bail;
use commands::ports::{AppendError, ExpectedRevision};
use domain::{EventId, Position, StreamName};
use std::collections::HashMap;
use tests::rng::{Rng, seed};
use uuid::Uuid;

const OPERATIONS: usize = 2_000;
const STREAMS: usize = 8;
const MOST_IDS: u64 = 6;

/// What the model expects of an append.
#[derive(Debug)]
enum Expected {
    Written,
    Idempotent { last_revision: u64 },
    Refused { actual: Option<u64> },
}

/// One append of the past, to be tried again.
#[derive(Clone)]
struct Operation {
    stream: usize,
    expected: ExpectedRevision,
    ids: Vec<EventId>,
}

#[derive(Default)]
struct Model {
    streams: HashMap<usize, Vec<EventId>>,
    /// Every event in the log's order: its stream and its revision.
    order: Vec<(usize, u64)>,
    past: Vec<Operation>,
}

impl Model {
    fn held(&self, stream: usize) -> &[EventId] {
        let held = self.streams.get(&stream);
        held.map(Vec::as_slice).unwrap_or_default()
    }

    fn expect(&self, operation: &Operation) -> Expected {
        let held = self.held(operation.stream);
        let actual = (held.len() as u64).checked_sub(1);
        let (is_current, first) = match operation.expected {
            ExpectedRevision::NoStream => (actual.is_none(), 0),
            ExpectedRevision::Exact(revision) => (actual == Some(revision), revision as usize + 1),
        };
        if is_current {
            return Expected::Written;
        }
        let end = first + operation.ids.len();
        match held.get(first..end) {
            Some(there) if there == operation.ids => Expected::Idempotent {
                last_revision: end as u64 - 1,
            },
            _ => Expected::Refused { actual },
        }
    }

    fn write(&mut self, operation: &Operation) -> u64 {
        let held = self.streams.entry(operation.stream).or_default();
        for id in &operation.ids {
            self.order.push((operation.stream, held.len() as u64));
            held.push(*id);
        }
        held.len() as u64 - 1
    }

    /// An operation of some kind: right, wrong, repeated, repeated with a difference.
    fn next(&self, rng: &mut Rng) -> Operation {
        let stream = rng.below(STREAMS as u64) as usize;
        let held = self.held(stream);
        let current = match held.len() as u64 {
            0 => ExpectedRevision::NoStream,
            length => ExpectedRevision::Exact(length - 1),
        };
        let size = 1 + rng.below(MOST_IDS);
        let fresh: Vec<_> = (0..size).map(|_| random_id(rng)).collect();
        match rng.below(100) {
            0..45 => Operation {
                stream,
                expected: current,
                ids: fresh,
            },
            45..60 => Operation {
                stream,
                expected: random_revision(rng, held.len()),
                ids: fresh,
            },
            60..75 if !self.past.is_empty() => rng.pick(&self.past).clone(),
            75..90 if !self.past.is_empty() => {
                let mut operation = rng.pick(&self.past).clone();
                distort(rng, &mut operation);
                operation
            }
            // Ids that are there already, before or behind their place.
            _ if !held.is_empty() => {
                let from = rng.below(held.len() as u64) as usize;
                let ids: Vec<_> = held
                    .iter()
                    .skip(from)
                    .take(size as usize)
                    .copied()
                    .collect();
                let expected = match rng.below(3) {
                    0 => current,
                    _ if from == 0 => ExpectedRevision::NoStream,
                    _ => ExpectedRevision::Exact(from as u64 - 1),
                };
                Operation {
                    stream,
                    expected,
                    ids,
                }
            }
            _ => Operation {
                stream,
                expected: ExpectedRevision::NoStream,
                ids: fresh,
            },
        }
    }
}

fn random_id(rng: &mut Rng) -> EventId {
    EventId::from_uuid(Uuid::from_u64_pair(rng.next(), rng.next()))
}

fn random_revision(rng: &mut Rng, length: usize) -> ExpectedRevision {
    match rng.below(length as u64 + 4) {
        0 => ExpectedRevision::NoStream,
        revision => ExpectedRevision::Exact(revision - 1),
    }
}

/// Shorter, longer, with another id, or at another revision.
fn distort(rng: &mut Rng, operation: &mut Operation) {
    let place = rng.below(operation.ids.len() as u64) as usize;
    match rng.below(4) {
        0 => operation.ids.truncate(place + 1),
        1 => operation.ids.push(random_id(rng)),
        2 => operation.ids[place] = random_id(rng),
        _ => operation.expected = random_revision(rng, 2 * operation.ids.len()),
    }
}

pub(super) async fn every_outcome_is_the_models(subject: Subject) -> anyhow::Result<()> {
    let seed = seed(0x0de1);
    eprintln!("{}: seed {seed}", subject.name);
    let mut rng = Rng::new(seed);
    let names: Vec<_> = (0..STREAMS)
        .map(|n| subject.stream(&format!("model-{n}")))
        .collect();
    let mut model = Model::default();
    // What the log said of positions, by stream and revision.
    let mut said: HashMap<(usize, u64), Position> = HashMap::new();
    let mut kinds = [0; 3];
    for n in 0..OPERATIONS {
        let operation = model.next(&mut rng);
        let expected = model.expect(&operation);
        let name = &names[operation.stream];
        let outcome = subject
            .append(name, operation.expected, &operation.ids)
            .await;
        match (expected, outcome) {
            (Expected::Written, Ok(appended)) => {
                kinds[0] += 1;
                let last = model.write(&operation);
                assert!(!appended.idempotent, "operation {n}");
                assert_eq!(appended.last_revision, last, "operation {n}");
                said.insert((operation.stream, last), appended.position);
            }
            (Expected::Idempotent { last_revision }, Ok(appended)) => {
                kinds[1] += 1;
                assert!(appended.idempotent, "operation {n}");
                assert_eq!(appended.last_revision, last_revision, "operation {n}");
                let position = said
                    .entry((operation.stream, last_revision))
                    .or_insert(appended.position);
                assert_eq!(*position, appended.position, "operation {n}");
            }
            (
                Expected::Refused { actual },
                Err(AppendError::WrongExpectedRevision { actual: found, .. }),
            ) => {
                kinds[2] += 1;
                assert_eq!(found, actual, "operation {n}");
            }
            (expected, outcome) => {
                bail!("operation {n}: the model says {expected:?}, the log {outcome:?}")
            }
        }
        model.past.push(operation);
    }
    assert!(
        kinds.iter().all(|kind| *kind > OPERATIONS / 20),
        "{kinds:?}"
    );
    compare(&subject, &names, &model, &said).await
}

async fn compare(
    subject: &Subject,
    names: &[StreamName],
    model: &Model,
    said: &HashMap<(usize, u64), Position>,
) -> anyhow::Result<()> {
    for (n, name) in names.iter().enumerate() {
        assert_eq!(subject.ids_of(name).await?, model.held(n), "{name}");
    }
    let all = subject.everything().await?;
    subject.assert_in_order(&all);
    assert_eq!(all.len(), model.order.len());
    for (event, (stream, revision)) in all.iter().zip(&model.order) {
        assert_eq!(event.stream, names[*stream]);
        assert_eq!(event.revision, *revision);
        assert_eq!(event.event_id, model.held(*stream)[*revision as usize]);
        if let Some(position) = said.get(&(*stream, *revision)) {
            assert_eq!(event.position, *position);
        }
    }
    Ok(())
}
