//! What kind of answer a platform gave: the closed list of classes, with their stable names.

use domain::account::ErrorClass;
use std::{fmt, str::FromStr};

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// The class of one reply or message. Tests and manifests know it by its name.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Class {
            $($(#[$doc])* $variant,)*
        }

        impl Class {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

classes! {
    /// A usable answer.
    Ok "ok";
    /// Fine, and what was asked for is unknown: never zero.
    OkNoData "ok_no_data";
    /// Fine, and the person granted less than was asked for.
    OkReducedScope "ok_reduced_scope";
    /// Fine, and the person manages no Page.
    OkNoPages "ok_no_pages";
    /// Fine, and the person has no channel.
    OkNoChannel "ok_no_channel";
    /// A new access token without a new refresh token: the old one goes on.
    OkKeepOldRefreshToken "ok_keep_old_refresh_token";
    /// The grant was gone before we revoked it.
    OkAlreadyRevoked "ok_already_revoked";
    /// Some of what was asked for is missing or unreadable; the rest holds.
    Partial "partial";
    /// An empty answer that a missing scope would also give.
    PermissionSuspected "permission_suspected";
    /// A message that the platform sent us.
    Event "event";
    /// An answer that we owe the platform.
    Reply "reply";
    /// Only the person helps, by a new authorisation; for a short access token, first a refresh.
    AuthExpired "auth_expired";
    /// The code of this callback is used up, expired or not ours.
    AuthCodeInvalid "auth_code_invalid";
    /// The token is too young to be renewed: it stays in use.
    RefreshTooEarly "refresh_too_early";
    /// A scope or role is missing.
    Permission "permission";
    /// The thing is gone.
    NotFound "not_found";
    /// The thing is gone or hidden: the platform does not tell which.
    NotFoundOrPermission "not_found_or_permission";
    /// The whole account is gone.
    AccountGone "account_gone";
    /// The platform refuses because the person has no channel.
    NoChannel "no_channel";
    /// Too many calls.
    RateLimited "rate_limited";
    /// The day's quota is spent; a new one begins at midnight in California.
    QuotaUntilMidnightPacific "quota_until_midnight_pacific";
    /// May pass by itself.
    Transient "transient";
    /// Looks passing, but a wrong request is answered alike: few attempts.
    TransientOrInvalid "transient_or_invalid";
    /// Too much at once: ask for a smaller page.
    RetrySmallerPage "retry_smaller_page";
    /// Our request is wrong.
    InvalidRequest "invalid_request";
    /// Our app's set-up is wrong.
    ConfigError "config_error";
    /// The platform refuses for its rules.
    Policy "policy";
    /// Publishing: ask again later.
    NotReady "not_ready";
    /// Publishing: failed for good.
    PublishFailed "publish_failed";
}

/// A name that is no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a class of replies")]
pub struct UnknownClass(pub String);

impl Class {
    /// Whether the reply answers the question, if only with "nothing known".
    pub const fn is_answer(self) -> bool {
        self.error_class().is_none()
    }

    /// Whether the same call may be made again by itself, a bounded number of times.
    pub const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::QuotaUntilMidnightPacific
                | Self::Transient
                | Self::TransientOrInvalid
                | Self::RetrySmallerPage
                | Self::RefreshTooEarly
                | Self::NotReady
        )
    }

    /// The class that a recorded sync shows, or `None` where nothing went wrong.
    ///
    /// Only [`Class::AuthExpired`] becomes `auth_expired`, the one class that ends a connection's
    /// usefulness: whatever may pass, or may be our own fault, never does.
    pub const fn error_class(self) -> Option<ErrorClass> {
        Some(match self {
            Self::Ok
            | Self::OkNoData
            | Self::OkReducedScope
            | Self::OkNoPages
            | Self::OkNoChannel
            | Self::OkKeepOldRefreshToken
            | Self::OkAlreadyRevoked
            | Self::Partial
            | Self::PermissionSuspected
            | Self::Event
            | Self::Reply => return None,
            Self::AuthExpired => ErrorClass::AuthExpired,
            Self::Permission => ErrorClass::Permission,
            Self::NotFound | Self::NotFoundOrPermission | Self::NoChannel => ErrorClass::NoData,
            Self::AccountGone => ErrorClass::AccountGone,
            Self::RateLimited | Self::QuotaUntilMidnightPacific => ErrorClass::RateLimited,
            Self::Transient
            | Self::TransientOrInvalid
            | Self::RetrySmallerPage
            | Self::RefreshTooEarly
            | Self::NotReady => ErrorClass::Transient,
            Self::AuthCodeInvalid | Self::InvalidRequest => ErrorClass::InvalidRequest,
            Self::ConfigError => ErrorClass::ConfigError,
            Self::Policy | Self::PublishFailed => ErrorClass::Policy,
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|class| class.name() == text);
        found
            .copied()
            .ok_or_else(|| UnknownClass(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for class in Class::ALL {
            assert_eq!(class.name().parse(), Ok(*class));
        }
        assert!("okay".parse::<Class>().is_err());
    }

    #[test]
    fn what_passes_never_ends_a_connection() {
        for class in Class::ALL {
            let ends = class.error_class() == Some(ErrorClass::AuthExpired);
            assert_eq!(ends, *class == Class::AuthExpired);
            assert!(!(class.is_passing() && class.is_answer()), "{class}");
        }
    }
}
