//! Histories for tests: the intents that make them, and what every sound stream has in common.

use anyhow::ensure;
use commands::ports::{EventLog, Vault};
use commands::{Connection, Intent, Ledger, PostSnapshot, Profile};
use domain::account::{
    Consent, DisconnectReason, ErrorClass, Event, Route, SyncError, SyncItems, SyncKind,
    SyncOutcome, SyncRecorded,
};
use domain::chain::ChainHash;
use domain::codec::decode_recorded;
use domain::observation::{Cause, Provenance};
use domain::{
    AccountId, CommandId, Metric, Platform, RecordedEvent, StreamName, SyncId, Timestamp, Values,
};
use tests::TestLedger;
use tests::ledger::{at, context, post, profile, provenance, values};
use tests::rng::Rng;
use uuid::Uuid;

/// A moment so many minutes after the beginning of all histories.
pub(crate) fn minute(n: i64) -> Timestamp {
    at("2026-01-01T00:00:00Z").saturating_add_micros(n * 60_000_000)
}

/// An account's metrics, observed for this reason.
pub(crate) fn metrics(observed_at: Timestamp, values: Values, cause: Cause) -> Intent {
    Intent::SnapshotAccount {
        observed_at,
        period: None,
        values,
        provenance: Provenance {
            cause,
            ..provenance()
        },
        profile: None,
    }
}

/// An account's followers at a minute.
pub(crate) fn followers(n: i64, count: i64) -> Intent {
    let values = values(&[(Metric::Followers, count)]);
    metrics(minute(n), values, Cause::Observed)
}

/// A page of posts.
pub(crate) fn page(observed_at: Timestamp, posts: Vec<PostSnapshot>) -> Intent {
    Intent::SnapshotPosts {
        observed_at,
        provenance: provenance(),
        posts,
    }
}

/// What a file says of an account.
pub(crate) fn import(
    creator: &str,
    platform: Platform,
    profile: Profile,
) -> anyhow::Result<Intent> {
    Ok(Intent::Import {
        creator: creator.parse()?,
        platform,
        source: "test".to_owned(),
        profile,
    })
}

/// The creator connects the account; the number makes it recognisable.
pub(crate) fn connect(
    (creator, platform, id): (&str, Platform, &str),
    number: u64,
    n: i64,
) -> anyhow::Result<Intent> {
    Ok(Intent::Connect(Connection {
        command_id: CommandId::from_uuid(Uuid::from_u64_pair(1, number)),
        creator: creator.parse()?,
        platform,
        scopes: ["read".to_owned()].into(),
        route: Route::Oauth,
        consent: Consent {
            text_version: "1".to_owned(),
            given_at: minute(n),
        },
        profile: profile(minute(n), id),
    }))
}

/// The creator disconnects it again.
pub(crate) fn disconnect(number: u64, n: i64) -> Intent {
    Intent::Disconnect {
        command_id: CommandId::from_uuid(Uuid::from_u64_pair(2, number)),
        reason: DisconnectReason::Requested,
        at: minute(n),
    }
}

/// A sync of a minute; it fails if there is an error.
pub(crate) fn sync(n: i64, error: Option<ErrorClass>) -> Intent {
    Intent::RecordSync(SyncRecorded {
        sync_id: SyncId::new(minute(n), n.unsigned_abs().into()),
        kind: SyncKind::Full,
        outcome: match error {
            Some(_) => SyncOutcome::Failed,
            None => SyncOutcome::Succeeded,
        },
        started_at: minute(n),
        finished_at: minute(n + 1),
        items: SyncItems::default(),
        error: error.map(|class| SyncError {
            class,
            code: "190".to_owned(),
        }),
        rate_limit: None,
        calls: 3,
        quota_units: 0,
        token_renewed: false,
        next_at: Some(minute(n + 60)),
        simulated: false,
    })
}

/// One account of a random history, and what its platform would say of it now.
struct Author {
    account: AccountId,
    creator: String,
    id: String,
    platform: Platform,
    minute: i64,
    followers: i64,
    numbers: u64,
    posts: Vec<(i64, i64)>,
}

/// Writes so many random intents on four accounts: observations that rise, fall, come late, are
/// restated, hidden or unchanged; syncs well and badly; connections that come and go.
pub(crate) async fn random_history(
    ledger: &TestLedger,
    rng: &mut Rng,
    intents: usize,
) -> anyhow::Result<()> {
    write_history(&ledger.ledger, &*ledger.vault, rng, intents).await
}

/// The same by any write side.
pub(crate) async fn write_history(
    ledger: &Ledger,
    vault: &dyn Vault,
    rng: &mut Rng,
    intents: usize,
) -> anyhow::Result<()> {
    let mut authors = vec![];
    for (n, platform) in Platform::ALL.into_iter().enumerate() {
        let (creator, id) = (format!("creator-{}", n / 2), format!("account-{n}"));
        let account = vault
            .find_or_create(&creator.parse()?, platform, &id)
            .await?;
        let opening = import(&creator, platform, profile(minute(0), &id))?;
        ledger.execute(account, opening, &context()).await?;
        authors.push(Author {
            account,
            creator,
            id,
            platform,
            minute: 0,
            followers: 1_000,
            numbers: 0,
            posts: vec![(100, 10); 12],
        });
    }
    let mut left = intents;
    while left > 0 {
        let which = rng.below(authors.len() as u64) as usize;
        let author = &mut authors[which];
        let count = left.min(1 + rng.below(20) as usize);
        let mut next = vec![];
        for _ in 0..count {
            next.push(author.next(rng)?);
        }
        // Some are refused, such as a sync without a connection: that too is history.
        ledger.execute_all(author.account, next, &context()).await?;
        left -= count;
    }
    Ok(())
}

impl Author {
    fn next(&mut self, rng: &mut Rng) -> anyhow::Result<Intent> {
        // Sometimes the same moment again, so that numbers are restated.
        self.minute += rng.below(3) as i64;
        self.numbers += 1;
        let late = minute(self.minute - rng.below(200) as i64);
        let now = minute(self.minute);
        Ok(match rng.below(100) {
            0..20 => self.metrics(rng, now),
            20..27 => self.metrics(rng, late),
            27..31 => {
                let mut hidden = values(&[(Metric::Posts, 12)]);
                hidden.insert_hidden(Metric::Followers)?;
                metrics(now, hidden, Cause::Observed)
            }
            31..35 => {
                let mut text = profile(now, &self.id).text;
                text.name = Some(format!("name {}", rng.below(3)));
                let profile = Profile {
                    observed_at: now,
                    text,
                };
                import(&self.creator, self.platform, profile)?
            }
            35..70 => page(now, self.posts(rng)?),
            70..76 => page(late, self.posts(rng)?),
            76..86 => sync(self.minute, None),
            86..90 => sync(self.minute, Some(ErrorClass::Transient)),
            90..92 => sync(self.minute, Some(ErrorClass::AuthExpired)),
            92..98 => {
                let whose = (self.creator.as_str(), self.platform, self.id.as_str());
                connect(whose, self.numbers, self.minute)?
            }
            _ => disconnect(self.numbers, self.minute),
        })
    }

    fn metrics(&mut self, rng: &mut Rng, at: Timestamp) -> Intent {
        self.followers += rng.below(20) as i64 - 8;
        let cause = *rng.pick(&[Cause::Observed, Cause::Imported, Cause::Restated]);
        let values = values(&[(Metric::Followers, self.followers), (Metric::Posts, 12)]);
        metrics(at, values, cause)
    }

    fn posts(&mut self, rng: &mut Rng) -> anyhow::Result<Vec<PostSnapshot>> {
        let mut page = vec![];
        for (n, (views, likes)) in self.posts.iter_mut().enumerate() {
            if rng.below(4) == 0 {
                continue;
            }
            if rng.below(2) == 0 {
                *views = (*views + rng.below(50) as i64 - 5).max(0);
                *likes = (*likes + rng.below(5) as i64 - 1).max(0);
            }
            let title = format!("title {}", *views / 200);
            let mut seen = post(&format!("post-{n}"), &title, &[(Metric::Views, *views)]);
            match rng.below(10) {
                0 => seen.values.insert_hidden(Metric::Likes)?,
                1 => {}
                _ => seen.values.insert(Metric::Likes, *likes)?,
            }
            if rng.below(8) == 0 {
                seen.text.title = None;
            }
            page.push(seen);
        }
        if page.is_empty() {
            page.push(post("post-0", "title", &[(Metric::Views, 1)]));
        }
        Ok(page)
    }
}

/// An account's whole stream.
pub(crate) async fn stream_of(
    log: &dyn EventLog,
    account: AccountId,
) -> anyhow::Result<Vec<RecordedEvent>> {
    let stream = StreamName::of_account(account);
    Ok(log.read_stream(&stream, 0, 1_000_000).await?)
}

/// What the events of a stream say; those of unknown types say nothing.
pub(crate) fn decoded(events: &[RecordedEvent]) -> anyhow::Result<Vec<Event>> {
    let mut said = vec![];
    for recorded in events {
        said.extend(decode_recorded(recorded)?.event);
    }
    Ok(said)
}

/// Revisions are dense, every event names the hash of the one before it, and the time of
/// recording never falls.
pub(crate) fn ensure_sound(events: &[RecordedEvent]) -> anyhow::Result<()> {
    let mut prev = ChainHash::GENESIS;
    let mut recorded_at = None;
    for (recorded, revision) in events.iter().zip(0..) {
        let (stream, found) = (&recorded.stream, recorded.revision);
        ensure!(found == revision, "{stream} has {found} at {revision}");
        let metadata = decode_recorded(recorded)?.metadata;
        ensure!(metadata.prev == prev, "{stream}: broken before {revision}");
        let at = Some(metadata.recorded_at);
        ensure!(
            at >= recorded_at,
            "{stream}: {revision} is recorded too early"
        );
        (prev, recorded_at) = (ChainHash::of_recorded(recorded), at);
    }
    Ok(())
}
