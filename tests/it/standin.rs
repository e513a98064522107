//! The stand-in for EventStoreDB is met by clients that know the real one, and its faults fire.

mod deletion;
mod faults;
mod nodes;
mod official_client;
mod reading;
mod subscriptions;
mod writing;

use anyhow::Result;
use eventstore::{
    AppendToStreamOptions, Client, Error, EventData, Position, ReadAllOptions, ReadStream,
    ReadStreamOptions, RecordedEvent, StreamState, Subscription, SubscriptionEvent,
};
use std::time::Duration;
use uuid::Uuid;

/// The client that the project uses, connected to this address. It pauses before it connects.
fn client(url: &str) -> Result<Client> {
    let url = format!("{url}&discoveryInterval=10");
    Client::new(url.parse()?).map_err(|error| anyhow::anyhow!("{error}"))
}

/// An event whose identifier and contents follow from its name.
fn event(name: &str) -> EventData {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    let data = name.as_bytes().to_vec();
    EventData::binary("happened", data.into()).id(id)
}

fn events(names: &[&str]) -> Vec<EventData> {
    names.iter().map(|name| event(name)).collect()
}

/// Where an append ended, in its stream and in the log.
type Written = (u64, Position);

async fn append(
    client: &Client,
    stream: &str,
    state: StreamState,
    names: &[&str],
) -> Result<Written, Error> {
    let options = AppendToStreamOptions::default().stream_state(state);
    let written = client
        .append_to_stream(stream, &options, events(names))
        .await?;
    Ok((written.next_expected_version, written.position))
}

/// An append whose caller does not wait long.
async fn append_in_haste(client: &Client, stream: &str, name: &str) -> Result<Written, Error> {
    let options = AppendToStreamOptions::default()
        .stream_state(StreamState::NoStream)
        .deadline(Duration::from_millis(300));
    let written = client
        .append_to_stream(stream, &options, events(&[name]))
        .await?;
    Ok((written.next_expected_version, written.position))
}

async fn rest(mut read: ReadStream) -> Result<Vec<RecordedEvent>, Error> {
    let mut all = Vec::new();
    while let Some(event) = read.next().await? {
        all.extend(event.event);
    }
    Ok(all)
}

async fn read_stream(
    client: &Client,
    stream: &str,
    options: ReadStreamOptions,
) -> Result<Vec<RecordedEvent>, Error> {
    rest(client.read_stream(stream, &options).await?).await
}

async fn read_all(client: &Client, options: ReadAllOptions) -> Result<Vec<RecordedEvent>, Error> {
    rest(client.read_all(&options).await?).await
}

/// What is in the events, as text.
fn contents(events: &[RecordedEvent]) -> Vec<String> {
    let text = |event: &RecordedEvent| String::from_utf8_lossy(&event.data).into_owned();
    events.iter().map(text).collect()
}

/// What a subscription sent, short enough to be compared.
#[derive(Debug, PartialEq)]
enum Sent {
    Confirmed,
    Event(String),
    Checkpoint(Position),
    CaughtUp,
}

async fn next(subscription: &mut Subscription) -> Result<Sent, Error> {
    Ok(match subscription.next_subscription_event().await? {
        SubscriptionEvent::Confirmed(_) => Sent::Confirmed,
        SubscriptionEvent::EventAppeared(event) => {
            let event = event.get_original_event();
            Sent::Event(String::from_utf8_lossy(&event.data).into_owned())
        }
        SubscriptionEvent::Checkpoint(position) => Sent::Checkpoint(position),
        SubscriptionEvent::CaughtUp(_) => Sent::CaughtUp,
        other => return Err(Error::IllegalStateError(format!("{other:?}"))),
    })
}

/// Everything up to and with the next news that the subscription is live.
async fn until_live(subscription: &mut Subscription) -> Result<Vec<Sent>, Error> {
    let mut all = Vec::new();
    loop {
        let sent = next(subscription).await?;
        let is_live = sent == Sent::CaughtUp;
        all.push(sent);
        if is_live {
            return Ok(all);
        }
    }
}

fn named(name: &str) -> Sent {
    Sent::Event(name.to_owned())
}
