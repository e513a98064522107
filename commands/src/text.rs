//! Personal data in the clear, as it is before sealing and after opening. Never stored like this.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What people see of an account. Sealed as one value per account.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProfileText {
    /// The platform's own id of the account.
    pub platform_account_id: String,
    /// The name in links, without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// The name that is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// Where the account can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where its image lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

/// What people see of a post. Sealed as one value per post.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PostText {
    /// The platform's own id of the post.
    pub platform_post_id: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its caption or description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Where it can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where its preview image lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
}

impl PostText {
    /// Whether it names the post and says nothing else: a source of numbers alone.
    pub fn is_bare(&self) -> bool {
        let Self {
            platform_post_id: _,
            title,
            caption,
            url,
            thumbnail_url,
        } = self;
        [title, caption, url, thumbnail_url]
            .iter()
            .all(|field| field.is_none())
    }
}

/// The longest text of one field that is kept, in bytes.
pub const MAX_FIELD_BYTES: usize = 16 * 1024;

// Debug output reaches logs and test failures: it must not show personal data.
impl fmt::Debug for ProfileText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileText(..)")
    }
}

impl fmt::Debug for PostText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostText(..)")
    }
}
