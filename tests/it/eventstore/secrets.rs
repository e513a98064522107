//! A connection string holds a password: it is in no error and in no log line.

use super::scene::{append, new_stream, quick};
use crate::api_ground::PROGRAM;
use adapters::eventstore::EventStoreLog;
use anyhow::ensure;
use commands::ports::{AppendError, EventLog};
use std::time::Duration;
use tests::TestDatabase;
use tests::server::{Place, command};
use tests::standin::{Setup, StandIn};

const PASSWORD: &str = "swordfish-in-the-open";

fn setup(password: &str) -> Setup {
    Setup {
        credentials: Some(("ledger".to_owned(), password.to_owned())),
        ..Setup::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_name_and_password_are_sent() -> anyhow::Result<()> {
    let server = StandIn::start_with(setup(PASSWORD)).await?;
    let log = EventStoreLog::new(quick(&server.url()).parse()?);
    log.append(append(&new_stream(), None, 1)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_not_shown() -> anyhow::Result<()> {
    let server = StandIn::start_with(setup("another")).await?;
    let url = server.url().replace("another", PASSWORD);
    let log = EventStoreLog::with_patience(quick(&url).parse()?, Duration::from_millis(500));
    let outcome = log.append(append(&new_stream(), None, 1)).await;
    let Err(error @ AppendError::Unavailable(_)) = outcome else {
        panic!("{outcome:?}");
    };
    for shown in [error.to_string(), format!("{error:?}")] {
        ensure!(!shown.contains(PASSWORD), "{shown}");
    }
    ensure!(error.to_string().contains("denies access"), "{error}");
    Ok(())
}

/// The whole program, with every log line there is: a server that denies, one that is away, and
/// text that is no connection string at all.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_shows_it_nowhere() -> anyhow::Result<()> {
    let server = StandIn::start_with(setup("another")).await?;
    let denied = quick(&server.url().replace("another", PASSWORD));
    let away = StandIn::start_with(setup(PASSWORD)).await?;
    away.stop().await;
    let urls = [
        (denied, "denies access"),
        (quick(&away.url()), "unavailable"),
        (
            format!("esdb://ledger:{PASSWORD}@host:notaport"),
            "EVENT_LOG",
        ),
        (format!("mysql://ledger:{PASSWORD}@host"), "EVENT_LOG"),
        (format!("esdb://ledger:{PASSWORD}@host:1?tls=maybe"), "tls"),
    ];
    for (url, said) in urls {
        let database = TestDatabase::create().await?;
        let place = Place::with_log(&database.url, &url);
        let output = tokio::task::block_in_place(|| {
            command(PROGRAM, place, &["projector", "--once"])
                .env("LOG", "trace,kurrentdb=trace")
                .output()
        })?;
        let shown = String::from_utf8(output.stderr)? + &String::from_utf8(output.stdout)?;
        ensure!(!output.status.success(), "{said}: it went well");
        ensure!(shown.contains(said), "{said}: {shown}");
        // Nor in the form in which it is sent.
        let sent = data_encoding::BASE64.encode(format!("ledger:{PASSWORD}").as_bytes());
        for secret in [PASSWORD, sent.as_str()] {
            ensure!(!shown.contains(secret), "{said}: the password is shown");
        }
    }
    Ok(())
}
