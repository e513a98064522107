//! The readers against the fixtures, and against replies that are broken on purpose.

mod broken;
mod samples;
mod vectors;

use super::{Address, Call, Failure, Headers, Reply, Understood, reader};
use domain::Platform;
use serde_json::Value;
use std::path::PathBuf;

/// The folder of the fixtures.
fn folder() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("tests/fixtures/platforms/samples")
}

/// The bytes of a fixture.
fn bytes(file: &str) -> Vec<u8> {
    let path = folder().join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A response of the fixtures: platform, call, status and body.
struct Sample {
    file: String,
    platform: Platform,
    call: Call,
    status: u16,
    body: Vec<u8>,
}

/// Every response of the fixtures.
fn responses() -> Vec<Sample> {
    let manifest: Value = serde_json::from_slice(&bytes("manifest.json")).expect("a manifest");
    let entries = manifest.as_array().expect("a list").iter();
    let responses = entries.filter(|entry| entry["direction"] == "response");
    let samples: Vec<_> = responses.map(sample).collect();
    assert!(samples.len() > 50, "{}", samples.len());
    samples
}

fn sample(entry: &Value) -> Sample {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let file = text("file");
    let platform = file.split('/').next().and_then(|it| it.parse().ok());
    let platform: Platform = platform.expect("the folder is a platform");
    let call = reader(platform).call(&text("method"), &Address::parse(&text("endpoint")));
    let status = entry["http_status"].as_u64().expect("a status");
    Sample {
        platform,
        call,
        status: u16::try_from(status).expect("a status"),
        body: bytes(&file),
        file,
    }
}

impl Sample {
    fn understand(&self) -> Result<Understood, Failure> {
        self.with(self.body.clone())
    }

    fn with(&self, body: Vec<u8>) -> Result<Understood, Failure> {
        let reply = Reply::new(self.status, Headers::default(), body);
        reader(self.platform).understand(&self.call, &reply)
    }
}
