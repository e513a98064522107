//! Subscriptions: from where, of what, with which checkpoints, and when they are live.

use super::{Sent, append, client, named, next, until_live};
use anyhow::Result;
use eventstore::{
    Client, Position, StreamPosition, StreamState, SubscribeToAllOptions, SubscribeToStreamOptions,
    SubscriptionEvent, SubscriptionFilter,
};
use tests::StandIn;
use tests::standin::{Setup, Version};

use StreamState::{NoStream, StreamRevision};

fn at(place: u64) -> Position {
    Position {
        commit: place,
        prepare: place,
    }
}

fn of(filter: SubscriptionFilter) -> SubscribeToAllOptions {
    SubscribeToAllOptions::default()
        .position(StreamPosition::Start)
        .filter(filter)
}

/// Appends each name to a stream of its own.
async fn append_each(client: &Client, prefix: &str, names: &[&str]) -> Result<Vec<Position>> {
    let mut places = Vec::new();
    for name in names {
        let stream = format!("{prefix}-{name}");
        places.push(append(client, &stream, NoStream, &[name]).await?.1);
    }
    Ok(places)
}

#[tokio::test]
async fn a_filter_lets_some_through_and_tells_how_far_it_came() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a"]).await?;
    append(&client, "other", NoStream, &["x"]).await?;
    append(&client, "s", StreamRevision(0), &["b"]).await?;
    let (_, last) = append(&client, "other", StreamRevision(0), &["y"]).await?;

    let filter = SubscriptionFilter::on_stream_name().add_prefix("s");
    let mut subscription = client.subscribe_to_all(&of(filter)).await;
    let sent = until_live(&mut subscription).await?;
    let wanted = [
        Sent::Confirmed,
        named("a"),
        named("b"),
        Sent::Checkpoint(last),
        Sent::CaughtUp,
    ];
    assert_eq!(sent, wanted);
    append(&client, "other", StreamRevision(1), &["z"]).await?;
    append(&client, "s", StreamRevision(1), &["c"]).await?;
    assert_eq!(next(&mut subscription).await?, named("c"));
    Ok(())
}

#[tokio::test]
async fn checkpoints_come_with_every_window() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let names: Vec<String> = (0..25).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    append(&client, "s", NoStream, &names).await?;
    let stored = stand_in.events();
    let filter = SubscriptionFilter::on_stream_name()
        .add_prefix("none")
        .max(10);
    let mut subscription = client.subscribe_to_all(&of(filter)).await;
    let sent = until_live(&mut subscription).await?;
    let checkpoint = |number: usize| Sent::Checkpoint(at(stored[number].commit));
    let wanted = [
        Sent::Confirmed,
        checkpoint(9),
        checkpoint(19),
        checkpoint(24),
        Sent::CaughtUp,
    ];
    assert_eq!(sent, wanted);
    // Live as well, counted anew.
    append(&client, "s", StreamRevision(24), &names[..10]).await?;
    let last = stand_in.events()[34].commit;
    assert_eq!(next(&mut subscription).await?, Sent::Checkpoint(at(last)));
    Ok(())
}

#[tokio::test]
async fn a_subscription_starts_strictly_after_its_place() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let places = append_each(&client, "s", &["a", "b", "c"]).await?;
    append(&client, "s-a", StreamRevision(0), &["a2", "a3"]).await?;
    let from = |position| SubscribeToAllOptions::default().position(position);

    let mut after = client
        .subscribe_to_all(&from(StreamPosition::Position(places[1])))
        .await;
    let sent = until_live(&mut after).await?;
    let wanted = [
        Sent::Confirmed,
        named("c"),
        named("a2"),
        named("a3"),
        Sent::CaughtUp,
    ];
    assert_eq!(sent, wanted);

    let mut from_end = client.subscribe_to_all(&from(StreamPosition::End)).await;
    let sent = until_live(&mut from_end).await?;
    assert_eq!(sent, [Sent::Confirmed, Sent::CaughtUp]);
    // Whoever stores the highest place as a checkpoint and comes back with it loses events.
    let highest = from(StreamPosition::Position(at(u64::MAX)));
    let sent = until_live(&mut client.subscribe_to_all(&highest).await).await?;
    assert_eq!(sent, [Sent::Confirmed, Sent::CaughtUp]);

    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Position(1));
    let mut stream = client.subscribe_to_stream("s-a", &options).await;
    let sent = until_live(&mut stream).await?;
    assert_eq!(sent, [Sent::Confirmed, named("a3"), Sent::CaughtUp]);
    // Of the three, only those that want it hear of the new one.
    append(&client, "s-d", NoStream, &["d"]).await?;
    append(&client, "s-a", StreamRevision(2), &["a4"]).await?;
    assert_eq!(next(&mut from_end).await?, named("d"));
    assert_eq!(next(&mut after).await?, named("d"));
    assert_eq!(next(&mut stream).await?, named("a4"));

    let made_up = from(StreamPosition::Position(at(places[1].commit + 1)));
    let mut refused = client.subscribe_to_all(&made_up).await;
    let failed = loop {
        match next(&mut refused).await {
            Ok(sent) => assert_eq!(sent, Sent::Confirmed),
            Err(error) => break error.to_string(),
        }
    };
    assert!(failed.contains("invalid position"), "{failed}");
    Ok(())
}

#[tokio::test]
async fn events_are_chosen_by_their_type_too() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    append(&client, "s", NoStream, &["a"]).await?;
    client.delete_stream("s", &Default::default()).await?;
    let names = async |filter| {
        let mut subscription = client.subscribe_to_all(&of(filter)).await;
        let sent = until_live(&mut subscription).await?;
        let events = sent.into_iter().filter(|it| matches!(it, Sent::Event(_)));
        anyhow::Ok(events.collect::<Vec<_>>())
    };
    let by_type = SubscriptionFilter::on_event_type;
    assert_eq!(names(by_type().add_prefix("hap")).await?, [named("a")]);
    assert_eq!(names(by_type().regex("^h.*d$")).await?, [named("a")]);
    assert_eq!(names(by_type().regex("^nothing$")).await?, []);
    assert_eq!(
        names(by_type().exclude_system_events()).await?,
        [named("a")]
    );
    assert_eq!(names(by_type().add_prefix("$")).await?.len(), 1);
    // Of a pattern and prefixes, the pattern counts.
    let both = by_type().regex("^nothing$").add_prefix("hap");
    assert_eq!(names(both).await?, []);
    Ok(())
}

#[tokio::test]
async fn falling_far_behind_means_going_live_again() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    let mut subscription = client
        .subscribe_to_all(&SubscribeToAllOptions::default())
        .await;
    let sent = until_live(&mut subscription).await?;
    assert_eq!(sent, [Sent::Confirmed, Sent::CaughtUp]);
    let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    append(&client, "s", NoStream, &names).await?;
    let mut wanted: Vec<Sent> = names.iter().map(|name| named(name)).collect();
    wanted.push(Sent::CaughtUp);
    assert_eq!(until_live(&mut subscription).await?, wanted);
    Ok(())
}

#[tokio::test]
async fn a_newer_server_tells_where_it_went_live() -> Result<()> {
    let setup = Setup {
        version: Version::V25,
        ..Setup::default()
    };
    let stand_in = StandIn::start_with(setup).await?;
    let client = client(&stand_in.url())?;
    assert_eq!(client.server_info().await?.version(), (25, 1, 0));
    let (_, last) = append(&client, "s", NoStream, &["a", "b"]).await?;
    let start = SubscribeToAllOptions::default().position(StreamPosition::Start);
    let mut subscription = client.subscribe_to_all(&start).await;
    let caught_up = loop {
        if let SubscriptionEvent::CaughtUp(told) = subscription.next_subscription_event().await? {
            break told;
        }
    };
    assert_eq!(caught_up.and_then(|told| told.position), Some(last));
    Ok(())
}

#[tokio::test]
async fn no_event_is_lost_where_catching_up_ends() -> Result<()> {
    let stand_in = StandIn::start().await?;
    let client = client(&stand_in.url())?;
    for round in 0..30 {
        let stream = format!("s-{round}");
        let names: Vec<String> = (0..20).map(|number| format!("{round}.{number}")).collect();
        let writer = async {
            for (revision, name) in (0..).zip(&names) {
                let state = match revision {
                    0 => NoStream,
                    _ => StreamRevision(revision - 1),
                };
                append(&client, &stream, state, &[name.as_str()]).await?;
            }
            anyhow::Ok(())
        };
        let filter = SubscriptionFilter::on_stream_name()
            .regex(format!("^{stream}$"))
            .max(7);
        let reader = async {
            let mut subscription = client.subscribe_to_all(&of(filter)).await;
            let mut seen = Vec::new();
            while seen.len() < names.len() {
                if let Sent::Event(name) = next(&mut subscription).await? {
                    seen.push(name);
                }
            }
            anyhow::Ok(seen)
        };
        let ((), seen) = tokio::try_join!(writer, reader)?;
        assert_eq!(seen, names);
    }
    Ok(())
}
