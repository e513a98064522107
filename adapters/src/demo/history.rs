//! One account's days: a sync each, its numbers, its recent posts, and now and then a failure.

use super::plan::DemoAccount;
use crate::noise::{between, one_in};
use commands::text::{PostText, ProfileText};
use commands::{Connection, Intent, PostSnapshot, Profile};
use domain::account::{
    Consent, ErrorClass, RateLimit, Route, SyncError, SyncItems, SyncKind, SyncOutcome,
    SyncRecorded,
};
use domain::observation::{Cause, Precision, Provenance};
use domain::time::DAY_MICROS;
use domain::{AccountId, CommandId, CreatorId, Metric, Platform, SyncId, Timestamp, Values};
use uuid::Uuid;

/// A post comes every so many days.
const DAYS_BETWEEN_POSTS: i64 = 3;
/// Posts that a sync looks at.
const POSTS_IN_SYNC: i64 = 10;
/// How long access stays lost.
const DAYS_WITHOUT_ACCESS: i64 = 5;

const GROWTH: u64 = 1;
const FAILURE: u64 = 2;
const POST_SIZE: u64 = 3;
const DURATION: u64 = 4;

pub(super) struct History<'a> {
    demo: &'a DemoAccount,
    creator: CreatorId,
    account: AccountId,
    start: Timestamp,
}

impl<'a> History<'a> {
    pub(super) fn new(
        demo: &'a DemoAccount,
        creator: CreatorId,
        account: AccountId,
        start: Timestamp,
    ) -> Self {
        Self {
            demo,
            creator,
            account,
            start,
        }
    }

    /// The days whose sync has begun by `now`.
    pub(super) fn days(&self, now: Timestamp) -> impl Iterator<Item = i64> {
        (0..).take_while({
            let first = self.synced_at(0);
            move |day| first.saturating_add_micros(day * DAY_MICROS) <= now
        })
    }

    /// The creator grants access for the first time.
    pub(super) fn connection(&self) -> Intent {
        self.connect("connect", self.start)
    }

    fn connect(&self, which: &str, at: Timestamp) -> Intent {
        let text = ProfileText {
            platform_account_id: self.demo.platform_id.to_owned(),
            handle: Some(self.demo.handle.to_owned()),
            name: Some(self.demo.name.to_owned()),
            bio: Some("An invented creator of the demonstration.".to_owned()),
            ..ProfileText::default()
        };
        Intent::Connect(Connection {
            command_id: CommandId::from_uuid(Uuid::new_v5(&self.account.uuid(), which.as_bytes())),
            creator: self.creator.clone(),
            platform: self.demo.platform,
            scopes: ["posts", "insights"].map(str::to_owned).into(),
            route: Route::Simulated,
            consent: Consent {
                text_version: "demo-1".to_owned(),
                given_at: at,
            },
            profile: Profile {
                observed_at: at,
                text,
            },
        })
    }

    /// What happens on one day.
    pub(super) fn day(&self, day: i64) -> Vec<Intent> {
        let seed = self.demo.seed;
        if let Some(lost) = self.demo.access_lost_on {
            let back = lost + DAYS_WITHOUT_ACCESS;
            if (lost..back).contains(&day) {
                let error = error(ErrorClass::AuthExpired, "190/463");
                return vec![self.sync(day, Err((error, None)))];
            }
            if day == back {
                let reconnect = self.connect("reconnect", self.synced_at(day));
                return [vec![reconnect], self.good_day(day)].concat();
            }
        }
        if one_in(seed, day, FAILURE, 60) {
            let reset = self.synced_at(day).saturating_add_micros(DAY_MICROS / 24);
            let limit = RateLimit {
                hit: true,
                used_percent: Some(100),
                reset_at: Some(reset),
            };
            let error = error(ErrorClass::RateLimited, "4");
            return vec![self.sync(day, Err((error, Some(limit))))];
        }
        if one_in(seed, day, FAILURE, 45) {
            return vec![self.sync(day, Err((error(ErrorClass::Transient, "503"), None)))];
        }
        self.good_day(day)
    }

    fn good_day(&self, day: i64) -> Vec<Intent> {
        let posts = self.posts(day);
        let count = u32::try_from(posts.len()).unwrap_or(0);
        let mut intents = vec![self.sync(day, Ok(count)), self.metrics(day)];
        if !posts.is_empty() {
            intents.push(Intent::SnapshotPosts {
                observed_at: self.synced_at(day),
                provenance: self.provenance("posts", false),
                posts,
            });
        }
        intents
    }

    /// The schedule's hours: 03:00, 03:30, 04:00 and 04:30.
    fn synced_at(&self, day: i64) -> Timestamp {
        let half_hours = match self.demo.platform {
            Platform::Instagram => 6,
            Platform::Tiktok => 7,
            Platform::Youtube => 8,
            Platform::Facebook => 9,
        };
        self.start
            .saturating_add_micros(day * DAY_MICROS + half_hours * DAY_MICROS / 48)
    }

    fn provenance(&self, what: &str, rounded: bool) -> Provenance {
        let mut precision = std::collections::BTreeMap::new();
        // YouTube gives subscribers with three leading digits.
        if rounded && self.demo.platform == Platform::Youtube {
            precision.insert(Metric::Followers, Precision::SignificantDigits(3));
        }
        Provenance {
            cause: Cause::Simulated,
            source: format!("simulated:{}/{what}", self.demo.platform),
            api_version: None,
            names: [].into(),
            precision,
        }
    }

    fn followers(&self, day: i64) -> i64 {
        let DemoAccount {
            seed,
            followers,
            purge_on,
            ..
        } = *self.demo;
        let mut count = followers;
        for past in 0..day {
            // About 0.1 % a day, livelier at the end of the week, with a burst now and then.
            let rhythm = if matches!(past.rem_euclid(7), 5 | 6) {
                16
            } else {
                10
            };
            let base = (count * rhythm / 10_000).max(1);
            count += between(seed, past, GROWTH, -base / 3, base * 2);
            if one_in(seed, past, GROWTH, 97) {
                count += count / 25;
            }
            if purge_on == Some(past) {
                count -= count / 20;
            }
        }
        if self.demo.platform == Platform::Youtube {
            three_digits(count)
        } else {
            count
        }
    }

    fn metrics(&self, day: i64) -> Intent {
        let posts = day / DAYS_BETWEEN_POSTS + 1;
        let views = (0..posts).map(|post| self.views(post, day)).sum();
        let mut values = Values::new();
        let known = [
            (Metric::Followers, self.followers(day)),
            (Metric::Posts, posts),
            (Metric::Views, views),
        ];
        for (metric, value) in known {
            // Each metric once, and none negative.
            let _refused = values.insert(metric, value);
        }
        Intent::SnapshotAccount {
            observed_at: self.synced_at(day),
            period: None,
            values,
            provenance: self.provenance("profile", true),
            profile: None,
        }
    }

    /// Views come fast and then slowly; every twentieth post or so is a great success.
    fn views(&self, post: i64, day: i64) -> i64 {
        let seed = self.demo.seed;
        let typical = self.demo.followers / 4 + 200;
        let size = typical * between(seed, post, POST_SIZE, 40, 260) / 100;
        let size = if one_in(seed, post, POST_SIZE, 20) {
            size * 9
        } else {
            size
        };
        let age = day - post * DAYS_BETWEEN_POSTS;
        size * (age + 1) / (age + 4)
    }

    fn posts(&self, day: i64) -> Vec<PostSnapshot> {
        let newest = day / DAYS_BETWEEN_POSTS;
        let oldest = (newest - POSTS_IN_SYNC + 1).max(0);
        (oldest..=newest).map(|post| self.post(post, day)).collect()
    }

    fn post(&self, post: i64, day: i64) -> PostSnapshot {
        let DemoAccount {
            seed,
            platform,
            likes_hidden_from,
            ..
        } = *self.demo;
        let views = self.views(post, day);
        let likes = views * between(seed, post, 5, 30, 95) / 1_000;
        let comments = likes * between(seed, post, 6, 10, 80) / 1_000;
        let shares = likes * between(seed, post, 7, 5, 60) / 1_000;
        let saves = likes * between(seed, post, 8, 5, 90) / 1_000;
        let mut values = Values::new();
        for (metric, value) in [(Metric::Views, views), (Metric::Comments, comments)] {
            let _refused = values.insert(metric, value);
        }
        let _refused = if likes_hidden_from.is_some_and(|from| day >= from) {
            values.insert_hidden(Metric::Likes)
        } else {
            values.insert(Metric::Likes, likes)
        };
        if platform != Platform::Youtube {
            let _refused = values.insert(Metric::Shares, shares);
        }
        if platform == Platform::Instagram {
            let _refused = values.insert(Metric::Saves, saves);
            let _refused = values.insert(Metric::Reach, views * 4 / 5);
        }
        let text = PostText {
            platform_post_id: format!("{}-{post}", self.demo.platform_id),
            title: Some(format!("Invented post no. {}", post + 1)),
            ..PostText::default()
        };
        let published = self
            .start
            .saturating_add_micros(post * DAYS_BETWEEN_POSTS * DAY_MICROS);
        PostSnapshot {
            text,
            published_at: Some(published),
            values,
        }
    }

    fn sync(&self, day: i64, result: Result<u32, (SyncError, Option<RateLimit>)>) -> Intent {
        let started_at = self.synced_at(day);
        let id = Uuid::new_v5(&self.account.uuid(), &day.to_be_bytes());
        let millis = between(self.demo.seed, day, DURATION, 800, 4_000);
        let (outcome, posts, error, rate_limit) = match result {
            Ok(posts) => (SyncOutcome::Succeeded, posts, None, None),
            Err((error, limit)) => (SyncOutcome::Failed, 0, Some(error), limit),
        };
        let profiles = u32::from(error.is_none());
        Intent::RecordSync(SyncRecorded {
            sync_id: SyncId::new(started_at, id.as_u128()),
            kind: SyncKind::Full,
            outcome,
            started_at,
            finished_at: started_at.saturating_add_micros(millis * 1_000),
            items: SyncItems {
                profiles,
                posts,
                insights: 0,
            },
            error,
            rate_limit,
            calls: 2 + posts / 50,
            quota_units: if self.demo.platform == Platform::Youtube {
                3
            } else {
                0
            },
            token_renewed: day % 7 == 0,
            next_at: Some(started_at.saturating_add_micros(DAY_MICROS)),
            simulated: true,
        })
    }
}

fn error(class: ErrorClass, code: &str) -> SyncError {
    SyncError {
        class,
        code: code.to_owned(),
    }
}

fn three_digits(count: i64) -> i64 {
    let mut unit = 1;
    while count / unit >= 1_000 {
        unit *= 10;
    }
    count / unit * unit
}
