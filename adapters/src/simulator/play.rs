//! How a request reaches the platform that it is meant for, and what happens to every one of them:
//! it is counted, it may go wrong, and it is answered.

use super::answer::Answer;
use super::apps::Apps;
use super::clock::SimulatedClock;
use super::counts::{Counted, Counts};
use super::faults::{self, About, Faults, Wrong};
use super::grants::{Grant, Grants, Token};
use super::limits::Limits;
use super::request::Asked;
use super::world::{Account, AccountKey, World, seconds};
use super::{facebook, instagram, tiktok, youtube};
use domain::{Platform, Timestamp};
use serde_json::json;

/// The endpoints in the simulator's words: what faults and counts go by.
pub const ENDPOINTS: [&str; 18] = [
    "authorize",
    "token",
    "exchange",
    "refresh",
    "revoke",
    "permissions",
    "debug_token",
    "pages",
    "profile",
    "posts",
    "post",
    "posts_by_ids",
    "batch_stats",
    "stories",
    "account_insights",
    "post_insights",
    "search",
    "subscribe",
];

/// All that the platforms share.
pub(super) struct Core {
    pub(super) base: String,
    pub(super) world: World,
    pub(super) clock: SimulatedClock,
    pub(super) apps: Apps,
    pub(super) grants: Grants,
    pub(super) limits: Limits,
    pub(super) faults: Faults,
    pub(super) counts: Counts,
}

/// One platform's part.
pub(super) trait Play: Sync {
    /// What is asked for, in the simulator's words; `None` for what the platform does not have.
    fn endpoint(&self, asked: &Asked) -> Option<&'static str>;

    /// The token that came along.
    fn token<'a>(&self, asked: &'a Asked) -> Option<&'a str>;

    /// The answer.
    fn answer(&self, core: &Core, call: &Call<'_>) -> Answer;

    /// The answer that an error's name stands for, at a Unix second, about an account.
    fn error(&self, name: &str, now: i64, about: Option<AccountKey>) -> Option<Answer>;

    /// The names of the errors.
    fn error_names(&self) -> Vec<&'static str>;

    /// The answer where there is no such thing.
    fn unknown(&self, asked: &Asked) -> Answer;
}

/// One call, as far as it is known before it is answered.
pub(super) struct Call<'a> {
    pub(super) asked: &'a Asked,
    pub(super) endpoint: &'static str,
    pub(super) at: Timestamp,
    /// The same in Unix seconds.
    pub(super) now: i64,
}

/// The part of a platform.
pub(super) fn play(platform: Platform) -> &'static dyn Play {
    match platform {
        Platform::Facebook => &facebook::Facebook,
        Platform::Instagram => &instagram::Instagram,
        Platform::Tiktok => &tiktok::Tiktok,
        Platform::Youtube => &youtube::Youtube,
    }
}

/// Whose host it is.
pub(super) fn platform_of(host: &str) -> Option<Platform> {
    Some(match host {
        "www.facebook.com" | "graph.facebook.com" => Platform::Facebook,
        "www.instagram.com" | "api.instagram.com" | "graph.instagram.com" => Platform::Instagram,
        "www.tiktok.com" | "open.tiktokapis.com" => Platform::Tiktok,
        "accounts.google.com"
        | "oauth2.googleapis.com"
        | "www.googleapis.com"
        | "youtubeanalytics.googleapis.com" => Platform::Youtube,
        _ => return None,
    })
}

/// Every name of a fault, for a platform or for any.
pub(super) fn fault_names(platform: Option<Platform>) -> Vec<&'static str> {
    let mut names = faults::common_names();
    let of = |it: Platform| play(it).error_names();
    match platform {
        Some(platform) => names.extend(of(platform)),
        None => names.extend(Platform::ALL.into_iter().flat_map(of)),
    }
    names.sort_unstable();
    names.dedup();
    names
}

impl Core {
    /// Answers a request to a platform.
    pub(super) fn answer(&self, asked: &Asked) -> Answer {
        let Some(platform) = platform_of(&asked.host) else {
            let hosts =
                "the first part of the path is the platform's host, such as graph.facebook.com";
            return Answer::json(404, json!({ "error": hosts }));
        };
        let play = play(platform);
        let Some(endpoint) = play.endpoint(asked) else {
            return play.unknown(asked);
        };
        let at = self.clock.now();
        let call = Call {
            asked,
            endpoint,
            at,
            now: seconds(at),
        };
        let about = self.about(platform, play, &call);
        let is_known = |name: &str| {
            faults::common(name, &self.base).is_some()
                || play.error(name, call.now, about.account).is_some()
        };
        let Some(name) = self.faults.take(&about, is_known) else {
            return play.answer(self, &call);
        };
        match faults::common(&name, &self.base) {
            Some(Wrong::Instead(answer)) => answer,
            Some(Wrong::Twisted(twist)) => {
                let mut answer = play.answer(self, &call);
                twist.apply(platform, about.nth, &mut answer);
                answer
            }
            None => play
                .error(&name, call.now, about.account)
                .unwrap_or_else(|| play.unknown(asked)),
        }
    }

    /// Counts a call, and says what it is about.
    fn about(&self, platform: Platform, play: &dyn Play, call: &Call<'_>) -> About {
        let by_token = play.token(call.asked).and_then(|it| self.grants.read(it));
        let by_code = || self.grants.peek(call.asked.param("code")?);
        let grant = by_token.map(|it| it.grant).or_else(by_code);
        let account = grant.as_ref().and_then(|it| it.accounts().next());
        let nth = self.counts.note(Counted {
            platform,
            endpoint: call.endpoint,
            account,
            grant: grant.as_ref().map(|it| it.id),
        });
        About {
            platform,
            endpoint: call.endpoint,
            account,
            creator: grant.map(|it| it.creator),
            nth,
        }
    }

    /// The account that a grant is for, where it is for one.
    pub(super) fn account_of(&self, grant: &Grant) -> Option<Account> {
        self.world.account(grant.accounts().next()?)
    }

    /// The account that a token is for, where it is for one.
    pub(super) fn account_of_token(&self, token: &Token) -> Option<Account> {
        self.account_of(&token.grant)
    }
}
