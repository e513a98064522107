//! The invented creators, and what befalls their accounts.

use domain::Platform;

/// One invented account.
#[derive(Clone, Copy, Debug)]
pub struct DemoAccount {
    /// The creator's id in the host system.
    pub creator: &'static str,
    /// Where the account lives.
    pub platform: Platform,
    /// The platform's id of it.
    pub platform_id: &'static str,
    /// The name in links.
    pub handle: &'static str,
    /// The name that is shown.
    pub name: &'static str,
    /// What makes its numbers its own.
    pub(super) seed: u64,
    /// Followers on the first day.
    pub(super) followers: i64,
    /// The day on which the platform removes false followers.
    pub(super) purge_on: Option<i64>,
    /// The day on which access is lost, for five days.
    pub(super) access_lost_on: Option<i64>,
    /// The day from which likes are hidden.
    pub(super) likes_hidden_from: Option<i64>,
}

const fn account(
    creator: &'static str,
    platform: Platform,
    platform_id: &'static str,
    (handle, name): (&'static str, &'static str),
    (seed, followers): (u64, i64),
) -> DemoAccount {
    DemoAccount {
        creator,
        platform,
        platform_id,
        handle,
        name,
        seed,
        followers,
        purge_on: None,
        access_lost_on: None,
        likes_hidden_from: None,
    }
}

const NINA: (&str, &str) = ("nina.invented", "Nina Invented");
const OTTO: (&str, &str) = ("otto.invented", "Otto Invented");
const MARA: (&str, &str) = ("mara.invented", "Mara Invented");

/// Every demo account.
pub const ACCOUNTS: [DemoAccount; 8] = [
    DemoAccount {
        purge_on: Some(250),
        ..account(
            "demo-nina",
            Platform::Instagram,
            "17840000000000001",
            NINA,
            (11, 48_200),
        )
    },
    account(
        "demo-nina",
        Platform::Tiktok,
        "demo-open-id-nina",
        NINA,
        (12, 131_000),
    ),
    account(
        "demo-nina",
        Platform::Youtube,
        "UCdemoNinaInvented000001",
        NINA,
        (13, 22_900),
    ),
    DemoAccount {
        access_lost_on: Some(200),
        ..account(
            "demo-nina",
            Platform::Facebook,
            "100000000000001",
            NINA,
            (14, 8_150),
        )
    },
    DemoAccount {
        likes_hidden_from: Some(300),
        ..account(
            "demo-otto",
            Platform::Youtube,
            "UCdemoOttoInvented000002",
            OTTO,
            (21, 640_000),
        )
    },
    account(
        "demo-otto",
        Platform::Instagram,
        "17840000000000002",
        OTTO,
        (22, 15_300),
    ),
    account(
        "demo-mara",
        Platform::Tiktok,
        "demo-open-id-mara",
        MARA,
        (31, 2_240),
    ),
    account(
        "demo-mara",
        Platform::Facebook,
        "100000000000003",
        MARA,
        (32, 990),
    ),
];
