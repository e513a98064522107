//! The scopes that each platform offers, and sets of them.

use domain::Platform;

/// One scope as the consent page shows it.
pub(super) struct Scope {
    pub(super) name: &'static str,
    /// What a person reads.
    pub(super) words: &'static str,
    /// Whether it cannot be unticked.
    pub(super) required: bool,
}

const fn scope(name: &'static str, words: &'static str) -> Scope {
    Scope {
        name,
        words,
        required: false,
    }
}

const fn required(name: &'static str, words: &'static str) -> Scope {
    Scope {
        name,
        words,
        required: true,
    }
}

static FACEBOOK: [Scope; 10] = [
    required("public_profile", "Your name and picture"),
    scope("pages_show_list", "The list of Pages that you manage"),
    scope("pages_read_engagement", "Content that your Pages post"),
    scope("pages_read_user_content", "What others post on your Pages"),
    scope("read_insights", "Insights of your Pages"),
    scope(
        "pages_manage_posts",
        "Create and manage posts of your Pages",
    ),
    scope("pages_manage_metadata", "Settings of your Pages"),
    scope("business_management", "Your business"),
    scope("instagram_basic", "Your Instagram account"),
    scope(
        "instagram_manage_insights",
        "Insights of your Instagram account",
    ),
];

static INSTAGRAM: [Scope; 5] = [
    required("instagram_business_basic", "Profile and media"),
    scope("instagram_business_manage_insights", "Insights"),
    scope("instagram_business_content_publish", "Publish content"),
    scope("instagram_business_manage_comments", "Manage comments"),
    scope("instagram_business_manage_messages", "Manage messages"),
];

static TIKTOK: [Scope; 6] = [
    required("user.info.basic", "Your avatar and display name"),
    scope("user.info.profile", "Your profile: bio, links, username"),
    scope(
        "user.info.stats",
        "Your statistics: followers, likes, videos",
    ),
    scope("video.list", "Your public videos"),
    scope("video.publish", "Post content to TikTok"),
    scope("video.upload", "Save drafts to TikTok"),
];

static YOUTUBE: [Scope; 8] = [
    scope(
        "https://www.googleapis.com/auth/youtube.readonly",
        "View your YouTube account",
    ),
    scope(
        "https://www.googleapis.com/auth/yt-analytics.readonly",
        "View YouTube Analytics reports",
    ),
    scope(
        "https://www.googleapis.com/auth/yt-analytics-monetary.readonly",
        "View monetary YouTube Analytics reports",
    ),
    scope(
        "https://www.googleapis.com/auth/youtube.upload",
        "Manage your YouTube videos",
    ),
    scope(
        "https://www.googleapis.com/auth/youtube.force-ssl",
        "Edit your videos and comments",
    ),
    scope("openid", "Associate you with your personal info on Google"),
    scope(
        "https://www.googleapis.com/auth/userinfo.email",
        "Your email address",
    ),
    scope(
        "https://www.googleapis.com/auth/userinfo.profile",
        "Your personal info",
    ),
];

/// All scopes of a platform.
pub(super) fn of(platform: Platform) -> &'static [Scope] {
    match platform {
        Platform::Facebook => &FACEBOOK,
        Platform::Instagram => &INSTAGRAM,
        Platform::Tiktok => &TIKTOK,
        Platform::Youtube => &YOUTUBE,
    }
}

/// A set of a platform's scopes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Scopes(pub(super) u16);

impl Scopes {
    /// The scopes named in a text, separated by commas or spaces; the first that is unknown if any.
    pub(super) fn parse(platform: Platform, text: &str) -> Result<Self, String> {
        let names = text.split([',', ' ']).filter(|name| !name.is_empty());
        names.into_iter().try_fold(Self::default(), |set, name| {
            let at = of(platform).iter().position(|it| it.name == name);
            at.map(|at| Self(set.0 | 1 << at))
                .ok_or_else(|| name.chars().take(100).collect())
        })
    }

    /// The scopes that a person cannot untick.
    pub(super) fn required(platform: Platform) -> Self {
        let all = of(platform).iter().zip(0..);
        Self(
            all.filter(|(it, _)| it.required)
                .fold(0, |set, (_, at)| set | 1 << at),
        )
    }

    /// Those in both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that the other has not.
    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether one is among them.
    pub(super) fn has(self, platform: Platform, name: &str) -> bool {
        self.names(platform).any(|it| it == name)
    }

    /// Their names.
    pub(super) fn names(self, platform: Platform) -> impl Iterator<Item = &'static str> {
        let all = of(platform).iter().zip(0..);
        all.filter(move |(_, at)| self.0 & 1 << at != 0)
            .map(|(it, _)| it.name)
    }

    /// Their names in one text.
    pub(super) fn joined(self, platform: Platform, separator: &str) -> String {
        self.names(platform).collect::<Vec<_>>().join(separator)
    }
}
