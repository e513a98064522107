//! Reads: from where, in which direction, how many, and of what.

use super::{append, client, contents, read_all, read_stream};
use anyhow::Result;
use eventstore::{
    Error, Position, ReadAllOptions, ReadEvent, ReadStreamOptions, StreamPosition, StreamState,
    SubscriptionFilter,
};
use tests::StandIn;

use StreamState::{NoStream, StreamRevision};

#[tokio::test]
async fn a_stream_is_read_from_both_sides_and_from_the_middle() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a", "b", "c", "d"]).await?;
    append(&client, "t", NoStream, &["other"]).await?;
    let read = async |options| {
        let events = read_stream(&client, "s", options).await?;
        anyhow::Ok(contents(&events).concat())
    };
    let start = ReadStreamOptions::default;
    let at = |revision| start().position(StreamPosition::Position(revision));
    let end = || start().position(StreamPosition::End).backwards();
    assert_eq!(read(start()).await?, "abcd");
    assert_eq!(read(start().max_count(3)).await?, "abc");
    assert_eq!(read(at(2)).await?, "cd");
    assert_eq!(read(at(9)).await?, "");
    assert_eq!(read(end()).await?, "dcba");
    assert_eq!(read(end().max_count(1)).await?, "d");
    assert_eq!(read(at(2).backwards()).await?, "cba");
    assert_eq!(read(at(0).backwards()).await?, "a");
    let missing = read_stream(&client, "nothing", start()).await;
    assert!(
        matches!(missing, Err(Error::ResourceNotFound)),
        "{missing:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_long_stream_comes_whole() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let names: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    append(&client, "s", NoStream, &names).await?;
    let read = read_stream(&client, "s", ReadStreamOptions::default()).await?;
    assert_eq!(contents(&read), names);
    let all = read_all(&client, ReadAllOptions::default()).await?;
    assert_eq!(contents(&all), names);
    let back = ReadAllOptions::default()
        .position(StreamPosition::End)
        .backwards();
    let all = read_all(&client, back).await?;
    names.reverse();
    assert_eq!(contents(&all), names);
    Ok(())
}

#[tokio::test]
async fn the_whole_log_is_read_by_places_that_exist() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a"]).await?;
    append(&client, "t", NoStream, &["b"]).await?;
    let (_, third) = append(&client, "s", StreamRevision(0), &["c"]).await?;
    append(&client, "t", StreamRevision(0), &["d"]).await?;
    let read = async |options| {
        let events = read_all(&client, options).await?;
        Ok::<_, Error>(contents(&events).concat())
    };
    let start = ReadAllOptions::default;
    let at = |place| start().position(StreamPosition::Position(place));
    let end = || start().position(StreamPosition::End).backwards();
    assert_eq!(read(start()).await?, "abcd");
    assert_eq!(read(start().max_count(2)).await?, "ab");
    assert_eq!(read(at(third)).await?, "cd");
    assert_eq!(read(end()).await?, "dcba");
    // Backwards a place stands before its event.
    assert_eq!(read(at(third).backwards()).await?, "ba");
    let filter = SubscriptionFilter::on_stream_name().add_prefix("t");
    assert_eq!(read(start().filter(filter)).await?, "bd");
    let made_up = Position {
        commit: third.commit + 1,
        prepare: third.commit + 1,
    };
    match read(at(made_up)).await {
        Err(Error::Grpc { code, message }) => {
            assert_eq!(code, tonic::Code::InvalidArgument);
            assert!(message.contains("invalid position"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn a_read_tells_where_its_stream_ends() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a", "b", "c"]).await?;
    let options = ReadStreamOptions::default().max_count(1);
    let mut read = client.read_stream("s", &options).await?;
    let mut told = Vec::new();
    while let Some(event) = read.next_read_event().await? {
        told.push(match event {
            ReadEvent::Event(event) => ("event", event.get_original_event().revision),
            ReadEvent::FirstStreamPosition(revision) => ("first", revision),
            ReadEvent::LastStreamPosition(revision) => ("last", revision),
            ReadEvent::LastAllStreamPosition(place) => ("place", place.commit),
        });
    }
    assert_eq!(told, [("event", 0), ("last", 2)]);
    Ok(())
}
