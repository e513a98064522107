//! YouTube's ids: of channels, their lists of uploads, and videos. All begin with a mark of ours.

use crate::simulator::world::{AccountKey, PostKey};
use data_encoding::BASE64URL_NOPAD;
use domain::Platform;

const MARK: &str = "simulated";

fn tail(account: AccountKey) -> String {
    format!("{MARK}{:013x}", account.number())
}

/// The id of a channel: UC and 22 signs.
pub(in crate::simulator) fn channel(account: AccountKey) -> String {
    format!("UC{}", tail(account))
}

/// The list of a channel's uploads: UU and the same.
pub(super) fn uploads(account: AccountKey) -> String {
    format!("UU{}", tail(account))
}

/// The channel behind an id of a channel or of a list of uploads.
pub(super) fn of_channel(id: &str) -> Option<AccountKey> {
    let rest = id.strip_prefix("UC").or_else(|| id.strip_prefix("UU"))?;
    let number = i64::from_str_radix(rest.strip_prefix(MARK)?, 16).ok()?;
    AccountKey::of_number(Platform::Youtube, number)
}

/// The id of a video: eleven signs.
pub(in crate::simulator) fn video(post: PostKey) -> String {
    let bytes = post.number().to_be_bytes();
    let low = bytes.get(2..).unwrap_or_default();
    format!("sim{}", BASE64URL_NOPAD.encode(low))
}

/// The video that an id stands for.
pub(in crate::simulator) fn of_video(id: &str) -> Option<PostKey> {
    let low = BASE64URL_NOPAD
        .decode(id.strip_prefix("sim")?.as_bytes())
        .ok()?;
    let low: [u8; 6] = low.try_into().ok()?;
    let [a, b, c, d, e, f] = low;
    let number = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    PostKey::of_number(Platform::Youtube, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_lengths_and_lead_back() {
        let account = AccountKey {
            creator: 999_999,
            platform: Platform::Youtube,
            ordinal: 1,
        };
        let post = PostKey {
            account,
            slot: 99_999,
        };
        assert_eq!((channel(account).len(), video(post).len()), (24, 11));
        assert_eq!(of_channel(&uploads(account)), Some(account));
        assert_eq!(of_video(&video(post)), Some(post));
        assert_eq!((of_video("dQw4w9WgXcQ"), of_channel("UCx")), (None, None));
    }
}
