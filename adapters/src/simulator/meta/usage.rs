//! The headers that say how much is used (Graph API, "Rate Limits"). Their values are JSON.

use super::error;
use crate::simulator::answer::Answer;
use crate::simulator::facebook::ids as facebook_ids;
use crate::simulator::grants::{Kind, Token};
use crate::simulator::instagram::ids as instagram_ids;
use crate::simulator::limits::Used;
use crate::simulator::play::{Call, Core};
use crate::simulator::world::AccountKey;
use domain::Platform;
use serde_json::json;

/// How much is used, after a call was counted.
pub(in crate::simulator) struct Usage {
    app: Used,
    /// With the business object that it is about: an Instagram account, or a Page.
    account: Option<(AccountKey, String, Used)>,
}

/// Counts a call.
pub(super) fn note(core: &Core, call: &Call<'_>, token: &Token) -> Usage {
    let platform = token.grant.platform;
    let is_about_account = platform == Platform::Instagram || token.kind == Kind::Page;
    let account = is_about_account
        .then(|| core.account_of_token(token))
        .flatten()
        .map(|account| {
            let followers = account.followers(call.at);
            let used = core.limits.meta_account(account.key, followers, call.now);
            let id = match platform {
                Platform::Instagram => instagram_ids::professional(account.key),
                _ => facebook_ids::page(account.key),
            };
            (account.key, id, used)
        });
    Usage {
        app: core.limits.meta_app(platform, call.now),
        account,
    }
}

impl Usage {
    /// The refusal, where there is no more room.
    pub(super) fn error(&self, platform: Platform, now: i64) -> Option<Answer> {
        let account = self.account.as_ref().filter(|(_, _, used)| used.is_full());
        if let Some((key, _, _)) = account {
            let mut answer = error::named(platform, "rate_business", now, Some(*key))?;
            // The headers that follow say how much it really is.
            answer.headers.clear();
            return Some(answer);
        }
        let mut answer =
            error::named(platform, "rate_app", now, None).filter(|_| self.app.is_full())?;
        answer.headers.clear();
        Some(answer)
    }

    /// An answer with its headers.
    pub(in crate::simulator) fn on(&self, answer: Answer) -> Answer {
        let answer = answer.with("x-app-usage", app_usage(self.app.percent));
        match &self.account {
            None => answer,
            Some((key, id, used)) => {
                let regain = if used.is_full() {
                    used.regain_minutes
                } else {
                    0
                };
                let usage = business_usage(key.platform, id, used.percent, regain);
                answer.with("x-business-use-case-usage", usage)
            }
        }
    }
}

/// The value of `X-App-Usage`. Times are a quarter of the calls: the sample has about as much.
pub(super) fn app_usage(percent: u64) -> String {
    let time = percent / 4;
    json!({"call_count": percent, "total_cputime": time, "total_time": time}).to_string()
}

/// The value of `X-Business-Use-Case-Usage`.
pub(super) fn business_usage(platform: Platform, id: &str, percent: u64, minutes: i64) -> String {
    let kind = match platform {
        Platform::Instagram => "instagram",
        _ => "pages",
    };
    let usage = json!([{
        "type": kind,
        "call_count": percent,
        "total_cputime": percent / 8,
        "total_time": percent / 6,
        "estimated_time_to_regain_access": minutes,
    }]);
    json!({ id: usage }).to_string()
}
