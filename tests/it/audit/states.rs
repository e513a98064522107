//! An account's state at any time: the same as folding everything, and at a bounded cost.

use crate::doubles::{SetClock, WatchedLog, ledger_with, states};
use crate::histories::{connect, disconnect, followers, minute, page, sync};
use adapters::audit::Auditor;
use adapters::audit::facts;
use adapters::audit::segments::EVERY;
use anyhow::ensure;
use commands::Intent;
use commands::ports::{EventLog, Vault};
use domain::account::{Account, ErrorClass, effective_at, evolve};
use domain::codec::decode_recorded;
use domain::{AccountId, Metric, Platform, RecordedEvent, StreamName, Timestamp};
use projections::feed::EventFeed;
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{context, post, profile};
use tests::memory_log::MemoryLog;
use tests::rng::{Rng, seed};

const EVENTS: i64 = 10_000;
const WHO: (&str, Platform, &str) = ("creator", Platform::Instagram, "one");

struct Scene {
    auditor: Auditor,
    watched: Arc<WatchedLog>,
    account: AccountId,
    events: Vec<RecordedEvent>,
}

impl Scene {
    /// One long stream in memory, each event recorded a minute after the one before.
    async fn new(intents: impl Fn(i64) -> anyhow::Result<Intent>) -> anyhow::Result<Self> {
        let ground = TestLedger::create().await?;
        let memory = Arc::new(MemoryLog::default());
        let clock = Arc::new(SetClock::new(minute(0)));
        let log = Arc::clone(&memory) as Arc<dyn EventLog>;
        let ledger = ledger_with(&ground, log.clone(), clock.clone(), states(&ground));
        let creator = WHO.0.parse()?;
        let account = ground.vault.find_or_create(&creator, WHO.1, WHO.2).await?;
        // What was recorded at once has one moment; so it goes in small groups.
        for group in 0..EVENTS / 20 {
            clock.set(minute(group * 20));
            let intents = (group * 20..(group + 1) * 20).map(&intents);
            let intents = intents.collect::<anyhow::Result<Vec<_>>>()?;
            ledger.execute_all(account, intents, &context()).await?;
        }
        let stream = StreamName::of_account(account);
        let events = memory.read_stream(&stream, 0, usize::MAX).await?;
        ensure!(events.len() >= 9_000, "{} events", events.len());
        let watched = Arc::new(WatchedLog::new(log));
        let mut auditor = ground.auditor()?;
        auditor.log = watched.clone();
        auditor.feed = memory as Arc<dyn EventFeed>;
        Ok(Self {
            auditor,
            watched,
            account,
            events,
        })
    }

    /// The definition, word for word, where the opening event counts or nothing does.
    fn folded(
        &self,
        as_of: Timestamp,
        known_at: Timestamp,
    ) -> anyhow::Result<(Account, Option<u64>)> {
        let (mut account, mut revision) = (Account::Absent, None);
        for recorded in &self.events {
            let decoded = decode_recorded(recorded)?;
            if decoded.metadata.recorded_at > known_at {
                break;
            }
            revision = Some(recorded.revision);
            if let Some(event) = decoded.event.filter(|event| effective_at(event) <= as_of) {
                account = evolve(account, &event);
            }
        }
        Ok((account, revision))
    }

    /// Asks at many times, and fails if an answer is another one or costs more than a tail.
    async fn ask(&self, seed: u64) -> anyhow::Result<()> {
        let mut rng = Rng::new(seed);
        self.watched.take_events_read();
        self.auditor
            .state(self.account, minute(5), minute(5))
            .await?;
        let cold = self.watched.take_events_read();
        ensure!(cold >= self.events.len() as u64, "{cold} events at first");
        for n in 0..60 {
            let as_of = minute(rng.below(11_000) as i64);
            let known_at = match n % 3 {
                0 => Timestamp::MAX,
                1 => as_of,
                _ => minute(rng.below(11_000) as i64),
            };
            let found = self.auditor.state(self.account, as_of, known_at).await?;
            let read = self.watched.take_events_read();
            // What no stored state covers yet, and the one event that shows they still hold.
            ensure!(read <= EVERY, "seed {seed}: {read} events read");
            let (account, revision) = self.folded(as_of, known_at)?;
            let what = format!("seed {seed}: as of {as_of}, known at {known_at}");
            ensure!(
                found.facts == facts::of(&account),
                "{what}: {:?}",
                found.facts
            );
            ensure!(found.revision == revision, "{what}: {:?}", found.revision);
        }
        Ok(())
    }
}

fn opening(n: i64) -> anyhow::Result<Intent> {
    crate::histories::import(WHO.0, WHO.1, profile(minute(n), WHO.2))
}

/// In the order of time: what a connected account's history looks like.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_costs_a_tail() -> anyhow::Result<()> {
    let scene = Scene::new(|n| {
        Ok(match n {
            0 => opening(0)?,
            n if n % 1_000 == 999 => disconnect(n as u64, n),
            n if n % 1_000 == 1 => connect(WHO, n as u64, n)?,
            n if n % 50 == 7 => sync(n, (n % 200 == 7).then_some(ErrorClass::Transient)),
            n if n % 9 == 3 => page(minute(n), vec![post("p", "t", &[(Metric::Views, n)])]),
            n => followers(n, 1_000 + n % 77),
        })
    })
    .await?;
    scene.ask(seed(5)).await
}

/// Files of history that each begin from the beginning again, and moments in no order at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_in_no_order_of_time_costs_no_more() -> anyhow::Result<()> {
    let scene = Scene::new(|n| {
        Ok(match n {
            0 => opening(0)?,
            n if n < 3_000 => followers(n, 1_000 + n % 77),
            n if n < 6_000 => page(
                minute(n - 3_000),
                vec![post("p", "t", &[(Metric::Views, n)])],
            ),
            // A prime step: every moment once, in no order.
            n => followers(1 + n * 7_919 % 9_973, n),
        })
    })
    .await?;
    scene.ask(seed(6)).await
}

/// Stored states that are not of the history as it is now are not believed.
#[tokio::test(flavor = "multi_thread")]
async fn stored_states_of_another_history_are_forgotten() -> anyhow::Result<()> {
    let scene = Scene::new(|n| {
        Ok(match n {
            0 => opening(0)?,
            n => followers(n, 1_000 + n),
        })
    })
    .await?;
    let Auditor { pool, .. } = &scene.auditor;
    scene.ask(seed(8)).await?;
    let client = pool.get().await?;
    let spoilt = client
        .execute("update audit_states set tip = sha256(tip)", &[])
        .await?;
    ensure!(spoilt == scene.events.len() as u64 / EVERY, "{spoilt}");
    drop(client);
    scene.ask(seed(8)).await
}
