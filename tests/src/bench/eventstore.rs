//! Appends through the EventStoreDB log against the bare client, on the same server in turns.

use crate::{ROUNDS, apart::Apart, table::Table};
use adapters::eventstore::EventStoreLog;
use anyhow::Context;
use commands::ports::{Append, EventLog, ExpectedRevision, NewEvent};
use domain::{EventId, StreamName};
use eventstore::{AppendToStreamOptions, Client, ClientSettings, EventData, StreamState};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;
use uuid::Uuid;

/// About what an observation of an account takes.
const METADATA: &[u8] = &[b'm'; 330];
const DATA: &str = r#"{"observed_at":"2026-01-01T00:00:00.000000Z","values":{"followers":123456,"following":120,"posts":42},"provenance":{"cause":"imported","source":"bench"}}"#;

pub(crate) async fn run(size: usize, table: &mut Table) -> anyhow::Result<()> {
    for callers in [1, 32] {
        let (mut ours, mut raw) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            let server = Apart::start()?;
            let url = server.url();
            let log = Arc::new(EventStoreLog::new(url.parse()?));
            let settings: ClientSettings = url.parse().context("a connection string")?;
            let client = Client::new(settings).map_err(|error| anyhow::anyhow!("{error}"))?;
            let each = size / callers;
            ours.push(
                rate(callers, each, |stream| {
                    adapter(Arc::clone(&log), stream, each)
                })
                .await?,
            );
            raw.push(rate(callers, each, |stream| bare(client.clone(), stream, each)).await?);
        }
        let what = format!("appends to EventStoreDB (stand-in), {callers} callers, bare client");
        table.add(what, (ours, raw), "events/s", "0.85");
    }
    Ok(())
}

/// Lets every caller append to a stream of its own and returns how many appends a second.
async fn rate<F>(callers: usize, each: usize, work: impl Fn(StreamName) -> F) -> anyhow::Result<f64>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let stream = format!("{}{}", StreamName::ACCOUNT_PREFIX, Uuid::now_v7());
        tasks.spawn(work(StreamName::new(stream)));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((callers * each) as f64 / start.elapsed().as_secs_f64())
}

async fn adapter(log: Arc<EventStoreLog>, stream: StreamName, each: usize) -> anyhow::Result<()> {
    let mut expected = ExpectedRevision::NoStream;
    for _ in 0..each {
        let event = NewEvent {
            event_id: EventId::from_uuid(Uuid::now_v7()),
            event_type: "MetricsObserved".into(),
            metadata: METADATA.to_vec(),
            data: DATA.into(),
        };
        let append = Append {
            stream: stream.clone(),
            expected,
            events: [event].into(),
        };
        expected = ExpectedRevision::Exact(log.append(append).await?.last_revision);
    }
    Ok(())
}

async fn bare(client: Client, stream: StreamName, each: usize) -> anyhow::Result<()> {
    let mut state = StreamState::NoStream;
    for _ in 0..each {
        let options = AppendToStreamOptions::default().stream_state(state);
        let event = EventData::binary("MetricsObserved", DATA.as_bytes().into())
            .id(Uuid::now_v7())
            .metadata(METADATA.into());
        let written = client
            .append_to_stream(stream.as_str(), &options, event)
            .await?;
        state = StreamState::StreamRevision(written.next_expected_version);
    }
    Ok(())
}
