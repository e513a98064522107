//! The subcommand `log copy`: moves a whole history to another log.

use crate::app::{Ready, database, leave};
use crate::cli::LogCopy;
use crate::config::{Config, LogChoice};
use crate::output;
use crate::progress::Progress;
use crate::serve::stop_signal;
use adapters::copy::hand_over::{Kept, hand_over};
use adapters::copy::{Copied, Copier, Side, Step, Watched};
use adapters::eventstore::{EventStoreLog, EventStoreUrl};
use adapters::postgres::{Endpoint, Pool, PostgresLog, describe, migrate};
use anyhow::{Context, bail};
use projections::engine::HandedOver;
use projections::feed::EventFeed;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is said of a name without repeating it: it may hold a password.
const NOT_UNDERSTOOD: &str = "it is not understood: expected postgres, event-log, or a connection \
     string such as postgres://user@host/database or esdb://host:2113?tls=false";

/// A log as the command line names it. The text may hold a password and is not kept.
enum Named {
    Own,
    Postgres(Box<Endpoint>),
    EventStore(Box<EventStoreUrl>),
}

/// The two logs.
struct Ground {
    copier: Copier,
    /// Whether the program's database can go on with the target as its log.
    is_for_us: bool,
}

/// What `log copy --json` prints.
#[derive(Serialize)]
struct Printed {
    from: String,
    to: String,
    position: Option<String>,
    streams: u64,
    events: u64,
    events_appended: u64,
    events_left_out: u64,
    bytes: u64,
    seconds: f64,
    events_per_second: f64,
    verified: bool,
    read_models: &'static str,
    read_models_concerned: Vec<&'static str>,
    audit_goes_on: bool,
}

pub(crate) async fn run(config: &Config, arguments: &LogCopy) -> anyhow::Result<()> {
    // What is wrong with the names is said before a database is touched.
    let from = named(config, &arguments.from).context("--from")?;
    let to = named(config, &arguments.to).context("--to")?;
    let cancel = stop_signal();
    let Ready {
        endpoint, private, ..
    } = database(config).await?;
    let pool = endpoint.pool(config.pool_size)?;
    let start = Instant::now();
    let copying = async {
        let ground = ground(config, (from, to), (&endpoint, &pool)).await?;
        let copied = copy(&ground.copier).await?;
        let kept = if ground.is_for_us {
            Some(hand_over(&pool, &copied).await?)
        } else {
            None
        };
        anyhow::Ok((copied, kept))
    };
    let result = tokio::select! {
        () = cancel.cancelled() => Err(anyhow::anyhow!("stopped: running it again goes on from there")),
        result = copying => result,
    };
    pool.close();
    leave(private).await?;
    let (copied, kept) = result?;
    show(&copied, kept.as_ref(), start.elapsed(), arguments.json)
}

fn named(config: &Config, text: &str) -> anyhow::Result<Named> {
    let is_postgres = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let is_pairs = text.contains('=') && !text.contains("://");
    Ok(match (text, &config.event_log) {
        ("postgres", _) | ("event-log", LogChoice::Postgres) => Named::Own,
        ("event-log", LogChoice::EventStore(url)) => Named::EventStore(url.clone()),
        _ if EventStoreUrl::is_meant(text) => Named::EventStore(Box::new(text.parse()?)),
        _ if is_postgres || is_pairs => match Endpoint::parse(text) {
            Ok(endpoint) => Named::Postgres(Box::new(endpoint)),
            Err(_) => bail!(NOT_UNDERSTOOD),
        },
        _ => bail!(NOT_UNDERSTOOD),
    })
}

/// Opens both logs. Only the target is migrated: nothing is written to the source.
async fn ground(
    config: &Config,
    (from, to): (Named, Named),
    (endpoint, pool): (&Endpoint, &Pool),
) -> anyhow::Result<Ground> {
    let own = PostgresLog::open(endpoint.clone(), pool.clone()).await?;
    let own_id = own.log_id().await?;
    if let Named::Postgres(endpoint) = &to {
        let client = endpoint.connect().await;
        let reached = client.map_err(|e| anyhow::anyhow!("it is not reached: {}", describe(&e)));
        let migrated = migrate::migrate(&mut reached.context("--to")?).await;
        migrated.context("--to")?;
    }
    let own = side(Arc::new(own));
    let from = open(config, from, &own).await.context("--from")?;
    let is_eventstore = matches!(to, Named::EventStore(_));
    let to = open(config, to, &own).await.context("--to")?;
    // Asked here, so that one that is not there is told by its name.
    from.feed.log_id().await.context("--from")?;
    let to_id = to.feed.log_id().await.context("--to")?;
    let is_for_us = is_eventstore || to_id == own_id;
    Ok(Ground {
        copier: Copier { from, to },
        is_for_us,
    })
}

async fn open(config: &Config, named: Named, own: &Side) -> anyhow::Result<Side> {
    Ok(match named {
        Named::Own => own.clone(),
        Named::EventStore(url) => side(Arc::new(EventStoreLog::new(*url))),
        Named::Postgres(endpoint) => {
            let pool = endpoint.pool(config.pool_size)?;
            side(Arc::new(PostgresLog::open(*endpoint, pool).await?))
        }
    })
}

fn side<L: commands::ports::EventLog + EventFeed + 'static>(log: Arc<L>) -> Side {
    Side {
        log: log.clone(),
        feed: log,
    }
}

async fn copy(copier: &Copier) -> anyhow::Result<Copied> {
    let watched = Watched::default();
    let copying = copier.run(&watched);
    tokio::pin!(copying);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let mut shown: Option<(u64, Progress)> = None;
    let copied = loop {
        tokio::select! {
            copied = &mut copying => break copied,
            _ = tick.tick() => show_step(&watched, &mut shown),
        }
    };
    if let Some((_, progress)) = shown {
        progress.finish();
    }
    Ok(copied?)
}

/// Each step has a bar of its own.
fn show_step(watched: &Watched, shown: &mut Option<(u64, Progress)>) {
    let now = watched.show();
    if now.number == 0 {
        return;
    }
    if shown
        .as_ref()
        .is_none_or(|(number, _)| *number != now.number)
    {
        let what = match now.step {
            Step::Looking => "looking",
            Step::Copying => "copying",
            Step::Verifying => "verifying",
            Step::Searching => "searching",
        };
        if let Some((_, before)) = shown.replace((now.number, Progress::new(what, now.total, 0))) {
            before.finish();
        }
    }
    if let Some((_, progress)) = shown {
        progress.show(now.at, now.events, "events");
    }
}

/// A word for programs, the read models that it is about, and a sentence for people.
fn said(kept: Option<&Kept>) -> (&'static str, Vec<&'static str>, String) {
    let Some(kept) = kept else {
        let sentence = "This database's read models stay where they are: the target is another \
                        database's log. That one needs this one's vault: see docs/eventstore.md.";
        return ("not_ours", vec![], sentence.to_owned());
    };
    match &kept.models {
        HandedOver::Absent => (
            "absent",
            vec![],
            "There are no read models to go on: the next start makes them.".to_owned(),
        ),
        HandedOver::Moved => (
            "moved",
            vec![],
            "The read models go on at the end of the target. Set EVENT_LOG to it.".to_owned(),
        ),
        HandedOver::Already => (
            "already",
            vec![],
            "The read models belong to the target. Set EVENT_LOG to it.".to_owned(),
        ),
        HandedOver::Behind(models) => (
            "behind",
            models.clone(),
            format!(
                "The copy is whole, but these read models had not projected all of the source \
                 and stay with it: {}. Run `social-ledger projector --once` with EVENT_LOG as it \
                 was, and this again: what is copied is not copied twice.",
                models.join(", ")
            ),
        ),
        HandedOver::Elsewhere(models) => (
            "elsewhere",
            models.clone(),
            format!(
                "The copy is whole, but these read models belong to neither log and stay as they \
                 are: {}.",
                models.join(", ")
            ),
        ),
    }
}

fn show(copied: &Copied, kept: Option<&Kept>, took: Duration, json: bool) -> anyhow::Result<()> {
    let seconds = took.as_secs_f64().max(0.001);
    let rate = copied.events as f64 / seconds;
    let (word, models, sentence) = said(kept);
    let audit = kept.is_some_and(|kept| kept.audit);
    if json {
        return output::json(&Printed {
            from: copied.from.log.to_string(),
            to: copied.to.log.to_string(),
            position: copied.to.position().map(|position| position.to_string()),
            streams: copied.streams,
            events: copied.events,
            events_appended: copied.appended,
            events_left_out: copied.left_out,
            bytes: copied.bytes,
            seconds,
            events_per_second: rate,
            verified: true,
            read_models: word,
            read_models_concerned: models,
            audit_goes_on: audit,
        });
    }
    output::line(format!(
        "{} events of {} accounts, {} MiB, are the same in both logs: every byte was read back, \
         and every chain holds.",
        copied.events,
        copied.streams,
        copied.bytes / (1024 * 1024)
    ));
    output::line(format!(
        "{} of them were appended now; {seconds:.1} s, {rate:.0} events/s.",
        copied.appended
    ));
    if copied.left_out > 0 {
        output::line(format!(
            "{} events of streams that are no account's were left out.",
            copied.left_out
        ));
    }
    output::line(sentence);
    if kept.is_some() && !audit {
        output::line("The audit reads the target from its beginning when it next follows it.");
    }
    Ok(())
}
