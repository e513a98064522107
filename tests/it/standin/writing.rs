//! Appends: what they answer, when they conflict, when they are a repetition.

use super::{append, client, contents, event, events, read_stream};
use anyhow::Result;
use eventstore::{
    AppendToStreamOptions, CurrentRevision, Error, EventData, ReadStreamOptions, StreamState,
};
use tests::StandIn;

use StreamState::{Any, NoStream, StreamExists, StreamRevision};

#[tokio::test]
async fn what_is_appended_is_read_as_it_was() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let json = EventData::json("told", &serde_json::json!({"a": 1}))?
        .id(uuid::Uuid::from_u128(7))
        .metadata("beside".into());
    let options = AppendToStreamOptions::default().stream_state(NoStream);
    let written = client
        .append_to_stream("s-1", &options, vec![json, event("b")])
        .await?;
    assert_eq!(written.next_expected_version, 1);

    let read = read_stream(&client, "s-1", ReadStreamOptions::default()).await?;
    assert_eq!(contents(&read), ["{\"a\":1}", "b"]);
    assert_eq!(read[0].id, uuid::Uuid::from_u128(7));
    assert_eq!(read[0].event_type, "told");
    assert_eq!(&read[0].custom_metadata[..], b"beside");
    assert!(read[0].is_json && !read[1].is_json);
    assert_eq!(read[1].position, written.position);
    assert!(read[0].position < read[1].position);
    let stored = stand_in.events();
    assert_eq!(stored.len(), 2);
    let ticks = stored[0].created.to_string();
    assert_eq!(read[0].metadata.get("created"), Some(&ticks));
    assert_eq!(stand_in.counts().committed, 1);
    Ok(())
}

#[tokio::test]
async fn a_wrong_revision_is_answered_with_the_right_one() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a", "b"]).await?;
    for (state, names) in [
        (NoStream, ["x"]),
        (StreamRevision(0), ["x"]),
        (StreamRevision(2), ["x"]),
    ] {
        match append(&client, "s", state, &names).await {
            Err(Error::WrongExpectedVersion { expected, current }) => {
                assert_eq!((expected, current), (state, CurrentRevision::Current(1)));
            }
            other => panic!("{state:?}: {other:?}"),
        }
    }
    for state in [StreamRevision(0), StreamExists] {
        match append(&client, "other", state, &["x"]).await {
            Err(Error::WrongExpectedVersion { current, .. }) => {
                assert_eq!(current, CurrentRevision::NoStream);
            }
            other => panic!("{state:?}: {other:?}"),
        }
    }
    assert_eq!(stand_in.events().len(), 2);
    Ok(())
}

#[tokio::test]
async fn the_same_events_at_the_same_revision_are_a_repetition() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let first = append(&client, "s", NoStream, &["a", "b"]).await?;
    let second = append(&client, "s", StreamRevision(1), &["c", "d"]).await?;
    // A restart takes nothing away from what exact revisions promise.
    stand_in.restart().await?;
    let client = super::client(&stand_in.url())?;
    assert_eq!(append(&client, "s", NoStream, &["a", "b"]).await?, first);
    let again = append(&client, "s", StreamRevision(1), &["c", "d"]).await?;
    assert_eq!(again, second);
    // A beginning of it counts as well, and tells its own end.
    let part = append(&client, "s", NoStream, &["a"]).await?;
    assert_eq!(part.0, 0);
    // The first differs; a later one differs; more than there was.
    for names in [&["x", "b"][..], &["a", "x"], &["a", "b", "c", "d", "e"]] {
        let refused = append(&client, "s", NoStream, names).await;
        assert!(
            matches!(refused, Err(Error::WrongExpectedVersion { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(stand_in.events().len(), 4);
    // At the present revision there is nothing to compare with: it is written twice.
    append(&client, "s", StreamRevision(3), &["c", "d"]).await?;
    assert_eq!(stand_in.events().len(), 6);
    Ok(())
}

#[tokio::test]
async fn without_a_revision_only_memory_knows_a_repetition() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", Any, &["a"]).await?;
    append(&client, "s", Any, &["a"]).await?;
    append(&client, "s", StreamExists, &["a"]).await?;
    assert_eq!(stand_in.events().len(), 1);
    // The same identifier in another stream is another event.
    append(&client, "t", Any, &["a"]).await?;
    assert_eq!(stand_in.events().len(), 2);
    stand_in.restart().await?;
    let client = super::client(&stand_in.url())?;
    append(&client, "s", Any, &["a"]).await?;
    assert_eq!(stand_in.events().len(), 3);
    Ok(())
}

#[tokio::test]
async fn an_append_has_a_limit_on_its_size() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let of = |bytes: usize| EventData::binary("t", vec![0; bytes].into());
    let options = AppendToStreamOptions::default();
    let half = 512 * 1024;
    let refused = client
        .append_to_stream("s", &options, vec![of(half), of(half)])
        .await;
    match refused {
        Err(Error::Grpc { code, message }) => {
            assert_eq!(code, tonic::Code::InvalidArgument);
            assert!(
                message.contains("Maximum Append Size of 1048576"),
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
    client
        .append_to_stream("s", &options, vec![of(half), of(half - 100)])
        .await?;
    stand_in.faults().set_max_append_size(10);
    let refused = client
        .append_to_stream("s", &options, events(&["123456789"]))
        .await;
    assert!(matches!(refused, Err(Error::Grpc { .. })), "{refused:?}");
    assert_eq!(stand_in.events().len(), 2);
    Ok(())
}
