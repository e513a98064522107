//! Deleted streams, ended streams, and metadata that hides events from a stream's readers.

use super::{append, client, contents, read_all, read_stream};
use anyhow::Result;
use eventstore::{
    AppendToStreamOptions, Client, DeleteStreamOptions, Error, EventData, ReadAllOptions,
    ReadStreamOptions, StreamPosition, StreamState, TombstoneStreamOptions,
};
use tests::StandIn;

use StreamState::{Any, NoStream, StreamExists, StreamRevision};

/// Writes the metadata of a stream, as documented for servers.
async fn set_metadata(client: &Client, stream: &str, json: serde_json::Value) -> Result<()> {
    let event = EventData::json("$metadata", &json)?;
    let options = AppendToStreamOptions::default();
    client
        .append_to_stream(format!("$${stream}"), &options, event)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_stream_is_gone_until_somebody_writes_to_it() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a", "b"]).await?;
    let wrong = DeleteStreamOptions::default().stream_state(StreamRevision(0));
    let refused = client.delete_stream("s", &wrong).await;
    assert!(
        matches!(&refused, Err(Error::Grpc { code: tonic::Code::FailedPrecondition, message })
            if message.contains("WrongExpectedVersion")),
        "{refused:?}"
    );
    let right = DeleteStreamOptions::default().stream_state(StreamRevision(1));
    assert!(client.delete_stream("s", &right).await?.is_some());
    let gone = read_stream(&client, "s", ReadStreamOptions::default()).await;
    assert!(matches!(gone, Err(Error::ResourceNotFound)), "{gone:?}");
    // The log still shows everything.
    let all = read_all(&client, ReadAllOptions::default()).await?;
    assert_eq!(contents(&all)[..2], ["a", "b"]);
    assert_eq!(all[2].stream_id(), "$$s");

    let refused = append(&client, "s", StreamExists, &["c"]).await;
    assert!(
        matches!(refused, Err(Error::ResourceDeleted)),
        "{refused:?}"
    );
    let written = append(&client, "s", NoStream, &["c"]).await?;
    assert_eq!(written.0, 2);
    let back = read_stream(&client, "s", ReadStreamOptions::default()).await?;
    assert_eq!(contents(&back), ["c"]);
    assert_eq!(back[0].revision, 2);
    Ok(())
}

#[tokio::test]
async fn an_ended_stream_never_comes_back() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a"]).await?;
    client
        .tombstone_stream("s", &TombstoneStreamOptions::default())
        .await?;
    for state in [Any, NoStream, StreamExists, StreamRevision(0)] {
        let refused = append(&client, "s", state, &["b"]).await;
        assert!(
            matches!(refused, Err(Error::ResourceDeleted)),
            "{refused:?}"
        );
    }
    let gone = read_stream(&client, "s", ReadStreamOptions::default()).await;
    assert!(matches!(gone, Err(Error::ResourceDeleted)), "{gone:?}");
    let all = read_all(&client, ReadAllOptions::default()).await?;
    assert_eq!(all[1].event_type, "$streamDeleted");
    Ok(())
}

#[tokio::test]
async fn metadata_hides_events_from_readers_of_the_stream_only() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a", "b", "c", "d"]).await?;
    let read = async |options| {
        let events = read_stream(&client, "s", options).await?;
        anyhow::Ok(contents(&events).concat())
    };
    let forwards = ReadStreamOptions::default;
    let backwards = || forwards().position(StreamPosition::End).backwards();

    set_metadata(&client, "s", serde_json::json!({"$maxCount": 3})).await?;
    assert_eq!(read(forwards()).await?, "bcd");
    set_metadata(&client, "s", serde_json::json!({"$tb": 2})).await?;
    assert_eq!(read(forwards()).await?, "cd");
    assert_eq!(read(backwards()).await?, "dc");
    set_metadata(&client, "s", serde_json::json!({"$maxAge": 3600})).await?;
    assert_eq!(read(forwards()).await?, "abcd");
    // Seconds, not milliseconds: two hours ago is too old for one hour.
    stand_in.tamper(|events| events[0].created -= 2 * 3_600 * 10_000_000);
    assert_eq!(read(forwards()).await?, "bcd");
    // Nothing of this touches the log, nor what a repetition is compared with.
    let all = read_all(&client, ReadAllOptions::default()).await?;
    assert_eq!(contents(&all)[..4], ["a", "b", "c", "d"]);
    append(&client, "s", NoStream, &["a", "b"]).await?;
    assert_eq!(stand_in.events().len(), 7);
    Ok(())
}
