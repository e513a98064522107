//! A mapping file as TOML gives it, before anything of it is checked. Unknown keys are errors.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The file. What most tables share may be said once, here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMapping {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) ignore: Vec<RawIgnore>,
    pub(super) format: Option<RawFormat>,
    pub(super) delimiter: Option<String>,
    pub(super) unknown: Option<Vec<String>>,
    pub(super) absent: Option<Vec<String>>,
    pub(super) cause: Option<String>,
    pub(super) creator: Option<RawField>,
    pub(super) platform: Option<RawField>,
    pub(super) account: Option<RawField>,
    pub(super) observed_at: Option<RawField>,
    #[serde(rename = "table")]
    pub(super) tables: Vec<RawTable>,
}

/// Files that are known and hold nothing to import.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIgnore {
    pub(super) files: String,
    pub(super) reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawFormat {
    Csv,
    Ndjson,
    Json,
}

/// One kind of file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTable {
    pub(super) name: String,
    pub(super) files: String,
    #[serde(default)]
    pub(super) optional: bool,
    pub(super) newer: Option<RawNewer>,
    pub(super) format: Option<RawFormat>,
    pub(super) delimiter: Option<String>,
    pub(super) quoting: Option<bool>,
    pub(super) columns: Option<Vec<String>>,
    pub(super) rows: Option<String>,
    pub(super) unknown: Option<Vec<String>>,
    pub(super) absent: Option<Vec<String>>,
    pub(super) missing: Option<RawUnsaid>,
    pub(super) null: Option<RawUnsaid>,
    pub(super) cause: Option<String>,
    pub(super) creator: Option<RawField>,
    pub(super) platform: Option<RawField>,
    pub(super) account: Option<RawField>,
    pub(super) observed_at: Option<RawField>,
    pub(super) profile: Option<RawProfile>,
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, RawField>,
    pub(super) post: Option<RawPost>,
}

/// `name`, `modified`, or the files themselves, oldest first.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"name\", \"modified\" or a list of files, oldest first"
)]
pub(super) enum RawNewer {
    Rule(RawNewerRule),
    Files(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawNewerRule {
    Name,
    Modified,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawUnsaid {
    Absent,
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) name: Option<RawField>,
    pub(super) handle: Option<RawField>,
    pub(super) bio: Option<RawField>,
    pub(super) url: Option<RawField>,
    pub(super) avatar_url: Option<RawField>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPost {
    pub(super) id: RawField,
    pub(super) title: Option<RawField>,
    pub(super) caption: Option<RawField>,
    pub(super) url: Option<RawField>,
    pub(super) thumbnail_url: Option<RawField>,
    pub(super) published_at: Option<RawField>,
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, RawField>,
}

/// Where a value is and how it is read. Which keys fit depends on what the field is for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawField {
    pub(super) column: Option<String>,
    #[serde(rename = "const")]
    pub(super) constant: Option<String>,
    pub(super) path: Option<String>,
    pub(super) pointer: Option<String>,
    pub(super) root: Option<String>,
    pub(super) optional: Option<bool>,
    pub(super) between: Option<[String; 2]>,
    pub(super) strip_prefix: Option<String>,
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) time: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) thousands: Option<String>,
    pub(super) zero_fraction: Option<bool>,
    pub(super) scale: Option<i64>,
    pub(super) significant_digits: Option<u8>,
}
