//! Manifests of kept replies: what class each has, found the way a live reply's is.
//!
//! A manifest is a JSON list. An entry has `file` (relative to the manifest), `direction`
//! (`response`, `webhook` or `reply`), `method`, `endpoint`, `http_status`, `headers` where they
//! matter, and `expect`, the class that it should have.

use super::address::Address;
use super::call::Call;
use super::class::Class;
use super::reader;
use super::reply::{Headers, MAX_BODY_BYTES, Reply};
use domain::Platform;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// The largest manifest, in bytes.
const MAX_MANIFEST_BYTES: u64 = 16 * 1024 * 1024;

/// One entry of a manifest as it is written. What else it says is for people.
#[derive(Debug, Deserialize)]
struct Entry {
    file: PathBuf,
    direction: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    http_status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    expect: String,
}

/// One entry with what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The file as the manifest names it.
    pub file: String,
    /// The class that it should have.
    pub expected: Class,
    /// The class that it has.
    pub found: Class,
    /// The platform's code, where the reply has one.
    pub code: Option<String>,
}

/// A manifest that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no list of entries.
    #[error(
        "{path} is not a manifest: {reason}; expected a JSON list of objects with file, direction, \
         method, endpoint, http_status and expect"
    )]
    NotAManifest {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An entry says something that is not understood.
    #[error("entry {index} ({file}): {reason}")]
    Entry {
        /// Counted from one.
        index: usize,
        /// Its file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// Classes every entry of a manifest. A manifest that is not understood as a whole classes nothing.
pub fn classify(path: &Path) -> Result<Vec<Outcome>, ManifestError> {
    let bytes = read(path, MAX_MANIFEST_BYTES)?;
    let entries: Vec<Entry> =
        serde_json::from_slice(&bytes).map_err(|error| ManifestError::NotAManifest {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    if entries.is_empty() {
        return Err(ManifestError::NotAManifest {
            path: path.to_owned(),
            reason: "it has no entries".to_owned(),
        });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let outcomes = entries.iter().enumerate().map(|(index, entry)| {
        let failed = |reason: String| ManifestError::Entry {
            index: index + 1,
            file: entry.file.display().to_string(),
            reason,
        };
        let expected = entry
            .expect
            .parse::<Class>()
            .map_err(|it| failed(it.to_string()))?;
        // A manifest speaks of its own folder, wherever it came from.
        let is_inside = entry
            .file
            .components()
            .all(|it| matches!(it, Component::Normal(_)));
        if !is_inside {
            return Err(failed(
                "the file must lie in the manifest's folder".to_owned(),
            ));
        }
        // One byte past the limit tells that there is more, as a live reply would be read.
        let limit = MAX_BODY_BYTES as u64 + 1;
        let body = read_at_most(&folder.join(&entry.file), limit)?;
        let (found, code) = class(entry, body).map_err(failed)?;
        Ok(Outcome {
            file: entry.file.display().to_string(),
            expected,
            found,
            code,
        })
    });
    outcomes.collect()
}

fn class(entry: &Entry, body: Vec<u8>) -> Result<(Class, Option<String>), String> {
    let address = Address::parse(&entry.endpoint);
    let platform = platform(&entry.file, &address)?;
    let reader = reader(platform);
    match entry.direction.as_str() {
        "webhook" => Ok(match reader.notices(&body) {
            Ok(_) => (Class::Event, None),
            Err(_) => (Class::InvalidRequest, None),
        }),
        "reply" => Ok(match is_our_reply(&body) {
            true => (Class::Reply, None),
            false => (Class::InvalidRequest, None),
        }),
        "response" => {
            let status = entry.http_status.ok_or("a response needs http_status")?;
            let method = entry.method.as_deref().ok_or("a response needs method")?;
            let call = reader.call(method, &address);
            Ok(live(
                platform,
                &call,
                &Reply::new(status, headers(entry, &body), body),
            ))
        }
        other => Err(format!(
            "direction is '{other}': expected response, webhook or reply"
        )),
    }
}

/// The class of a reply, with the platform's code.
fn live(platform: Platform, call: &Call, reply: &Reply) -> (Class, Option<String>) {
    match reader(platform).understand(call, reply) {
        Ok(found) => (found.class, found.code.map(|it| it.to_string())),
        Err(failure) => (failure.class, Some(failure.code.to_string())),
    }
}

/// Header values that are JSON may stand in a manifest as such. An entry whose endpoint says
/// `headers` has nothing else in its file.
fn headers(entry: &Entry, body: &[u8]) -> Headers {
    let as_text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let in_file: BTreeMap<String, Value> = match entry.endpoint.starts_with("headers") {
        true => serde_json::from_slice(body).unwrap_or_default(),
        false => BTreeMap::new(),
    };
    let both = entry.headers.iter().chain(&in_file);
    both.map(|(name, value)| (name, as_text(value))).collect()
}

/// The platform is the folder of the file, else the owner of the host.
fn platform(file: &Path, address: &Address) -> Result<Platform, String> {
    let mut folders = file.components().filter_map(|it| it.as_os_str().to_str());
    if let Some(platform) = folders.find_map(|it| it.parse().ok()) {
        return Ok(platform);
    }
    let hosts = [
        ("instagram.com", Platform::Instagram),
        ("facebook.com", Platform::Facebook),
        ("tiktokapis.com", Platform::Tiktok),
        ("tiktok.com", Platform::Tiktok),
        ("googleapis.com", Platform::Youtube),
        ("google.com", Platform::Youtube),
        ("youtube.com", Platform::Youtube),
    ];
    let is = |host: &&(&str, Platform)| {
        let name = address.host();
        name == host.0
            || name
                .strip_suffix(host.0)
                .is_some_and(|it| it.ends_with('.'))
    };
    hosts
        .iter()
        .find(is)
        .map(|(_, platform)| *platform)
        .ok_or_else(|| {
            "neither the file's folder nor the endpoint's host names a platform".to_owned()
        })
}

/// What Meta's data deletion callback must be answered with.
fn is_our_reply(body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |field: &str| json.get(field).and_then(Value::as_str).unwrap_or_default();
    let code = text("confirmation_code");
    let is_code = !code.is_empty() && code.bytes().all(|it| it.is_ascii_alphanumeric());
    is_code && text("url").starts_with("https://")
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ManifestError> {
    let bytes = read_at_most(path, limit + 1)?;
    match bytes.len() as u64 > limit {
        true => Err(ManifestError::NotAManifest {
            path: path.to_owned(),
            reason: format!("it has more than {limit} bytes"),
        }),
        false => Ok(bytes),
    }
}

fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, ManifestError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|source| ManifestError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(bytes)
}
