//! How a consent can end: each outcome told apart, for programs by a code, for people in words.

use domain::{AccountId, Platform};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How a consent ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Accounts are connected.
    Connected {
        /// Which.
        accounts: Vec<AccountId>,
        /// Scopes that were asked for and not granted: some numbers will stay unknown.
        missing: BTreeSet<String>,
    },
    /// Everything is stored; the log cannot be reached and is told as soon as it can.
    Finishing {
        /// Which accounts will be connected.
        accounts: Vec<AccountId>,
    },
    /// The grant serves several accounts: the person is to choose.
    Choose {
        /// Where they do.
        choice_id: Uuid,
        /// Scopes that were asked for and not granted.
        missing: BTreeSet<String>,
    },
    /// Nothing was stored.
    Refused(Refusal),
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident $code:literal $words:literal;)*) => {
        /// Why nothing was stored.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Refusal {
            $($(#[$doc])* $variant,)*
        }

        impl Refusal {
            /// Every refusal, for the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// What a person is told.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),* }
            }
        }
    };
}

refusals! {
    /// The person said no.
    Denied "denied" "You did not agree, so nothing was connected.";
    /// Neither a code nor an error came back, or both, or one of them twice.
    Malformed "callback_malformed" "The platform's answer was incomplete. Please start again.";
    /// No state came back.
    StateMissing "state_missing" "The platform's answer does not belong to a connection that was \
        started here. Please start again.";
    /// A state that was never given.
    StateUnknown "state_unknown" "This link does not belong to a connection that was started here. \
        Please start again.";
    /// A state that was used before.
    StateUsed "state_used" "This link was used before. If the account is not connected, please \
        start again.";
    /// A state past its ten minutes.
    StateExpired "state_expired" "This took longer than ten minutes. Please start again.";
    /// A state that was given for another platform.
    StateForeign "state_foreign" "This link belongs to another platform's connection. Please start \
        again.";
    /// The code is used up, expired or not ours.
    CodeInvalid "code_invalid" "The platform does not accept this answer any more. Please start \
        again.";
    /// Scopes without which nothing can be read were not granted.
    ScopesMissing "scopes_missing" "A permission that is needed was not given. Please start again \
        and leave every box ticked.";
    /// Another account than the one that was to be connected again.
    WrongAccount "wrong_account" "This is another account than the one to be connected. Please \
        start again with the right one.";
    /// The person has no Page or no channel.
    NoAccounts "no_accounts" "There is no account that could be connected: no Page that you manage, \
        or no channel.";
    /// The account belongs to another creator.
    AnotherCreator "another_creator" "This account is connected for somebody else.";
    /// The platform refused for good.
    PlatformRefused "platform_refused" "The platform refused the connection.";
    /// The platform could not be reached or asks for patience.
    PlatformUnavailable "platform_unavailable" "The platform cannot be reached right now. Please \
        try again later.";
    /// Our app is set up wrongly at the platform.
    PlatformMisconfigured "platform_misconfigured" "This service is not set up correctly at the \
        platform. Its administrator has to look.";
    /// Our app is not set up here.
    NotConfigured "platform_not_configured" "This platform is not set up here.";
    /// The vault or the log cannot be reached.
    Unavailable "unavailable" "Something that is needed cannot be reached. Please try again soon.";
}

impl Outcome {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connected { missing, .. } if !missing.is_empty() => "connected_with_less",
            Self::Connected { .. } => "connected",
            Self::Finishing { .. } => "finishing",
            Self::Choose { .. } => "choose",
            Self::Refused(refusal) => refusal.code(),
        }
    }

    /// What a person is told.
    pub fn words(&self, platform: Platform) -> String {
        match self {
            Self::Connected { missing, .. } if !missing.is_empty() => format!(
                "Connected. Not every permission was given, so some numbers of {platform} will stay \
                 unknown."
            ),
            Self::Connected { .. } => "Connected.".to_owned(),
            Self::Finishing { .. } => {
                "Your agreement is stored. The account will appear in a moment.".to_owned()
            }
            Self::Choose { .. } => {
                "Please choose in the window behind this one which account to connect.".to_owned()
            }
            Self::Refused(refusal) => refusal.words().to_owned(),
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_code_and_words() {
        let codes: BTreeSet<_> = Refusal::ALL.iter().map(|it| it.code()).collect();
        let words: BTreeSet<_> = Refusal::ALL.iter().map(|it| it.words()).collect();
        assert_eq!(
            (codes.len(), words.len()),
            (Refusal::ALL.len(), Refusal::ALL.len())
        );
    }
}
