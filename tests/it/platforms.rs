//! The platforms' replies and signatures, as others kept them: `classify` gives each reply the class
//! that its manifest names, every vector verifies, and none that was tampered with does.

use adapters::platforms::signature::{
    meta_appsecret_proof, meta_signed_request, meta_webhook, pkce_challenge, pkce_challenge_tiktok,
    tiktok_webhook, webhook_challenge, websub,
};
use adapters::platforms::{Callback, Consent, Secret, reader};
use anyhow::{Context, ensure};
use domain::{Platform, Timestamp};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_program");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder beside this checkout that holds replies and vectors of the platforms.
fn kept_replies() -> anyhow::Result<Option<PathBuf>> {
    for entry in fs::read_dir(root().join(".."))? {
        let folder = entry?.path().join("platforms");
        if folder.join("vectors.json").is_file() && folder.join("observed").is_dir() {
            return Ok(Some(folder));
        }
    }
    eprintln!("skipped: there is no folder of kept replies beside this checkout");
    Ok(None)
}

fn classify(manifest: &Path) -> anyhow::Result<Output> {
    let mut command = Command::new(PROGRAM);
    command
        .args(["classify", "--json", "--manifest"])
        .arg(manifest);
    command.output().context("running classify")
}

/// Every entry of a manifest has its class, and none is passed over.
fn all_fit(manifest: &Path) -> anyhow::Result<usize> {
    let entries: Vec<Value> = serde_json::from_slice(&fs::read(manifest)?)?;
    let output = classify(manifest)?;
    let (lines, errors) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "{errors}\n{lines}");
    for (entry, line) in entries.iter().zip(lines.lines()) {
        let found: Value = serde_json::from_str(line)?;
        ensure!(
            found["file"] == entry["file"] && found["found"] == entry["expect"],
            "{line}"
        );
    }
    ensure!(
        entries.len() == lines.lines().count(),
        "{} entries",
        entries.len()
    );
    Ok(entries.len())
}

#[test]
fn every_fixture_has_its_class() -> anyhow::Result<()> {
    let all = all_fit(&root().join("tests/fixtures/platforms/samples/manifest.json"))?;
    ensure!(all > 60, "{all}");
    Ok(())
}

#[test]
fn every_kept_reply_has_its_class() -> anyhow::Result<()> {
    let Some(folder) = kept_replies()? else {
        return Ok(());
    };
    for name in ["samples", "observed"] {
        let all = all_fit(&folder.join(name).join("manifest.json"))?;
        ensure!(all > 60, "{name}: {all}");
    }
    Ok(())
}

#[test]
fn a_manifest_that_is_wrong_or_none_is_told() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("a.json"), "{}")?;
    let entry = |more: &str| {
        let common = r#""file":"a.json","direction":"response","method":"GET","http_status":200"#;
        format!(
            r#"[{{{common},"endpoint":"https://graph.facebook.com/v25.0/me/accounts",{more}}}]"#
        )
    };
    for (text, said) in [
        (
            entry(r#""expect":"ok""#),
            "1 of 1 entries have another class",
        ),
        (entry(r#""expect":"fine""#), "'fine' is not a class"),
        (
            entry("\"expect\":\"ok\"").replace("a.json", "../a.json"),
            "must lie in the manifest's folder",
        ),
        (
            entry("\"expect\":\"ok\"").replace("a.json", "b.json"),
            "cannot read",
        ),
        (
            entry("\"expect\":\"ok\"").replace("graph.facebook.com", "x.example"),
            "names a platform",
        ),
        ("{}".to_owned(), "is not a manifest"),
        ("[]".to_owned(), "it has no entries"),
        ("[{}]".to_owned(), "missing field"),
    ] {
        let manifest = folder.path().join("manifest.json");
        fs::write(&manifest, &text)?;
        let output = classify(&manifest)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && errors.contains(said),
            "{text}\n{errors}"
        );
    }
    Ok(())
}

/// The vectors, with the files that they sign.
struct Vectors {
    folder: PathBuf,
    json: Value,
}

impl Vectors {
    fn text(&self, path: &str) -> anyhow::Result<&str> {
        let found = self.json.pointer(path).and_then(Value::as_str);
        found.with_context(|| format!("no {path}"))
    }

    fn secret(&self, path: &str) -> anyhow::Result<Secret> {
        Ok(Secret::new(self.text(path)?))
    }

    /// The signed body, from whichever of the two folders has it.
    fn body(&self, of: &str) -> anyhow::Result<Vec<u8>> {
        let file = self.text(&format!("{of}/body_file"))?;
        let paths = ["samples", "observed"].map(|name| self.folder.join(name).join(file));
        let found = paths.iter().find_map(|path| fs::read(path).ok());
        found.with_context(|| format!("no {file}"))
    }

    fn negatives(&self, of: &str) -> anyhow::Result<Vec<&str>> {
        let all = self
            .json
            .pointer(&format!("{of}/negative"))
            .and_then(Value::as_object);
        let all = all.with_context(|| format!("no negatives of {of}"))?;
        Ok(all.values().filter_map(Value::as_str).collect())
    }
}

#[test]
fn every_vector_verifies_and_no_other() -> anyhow::Result<()> {
    let Some(folder) = kept_replies()? else {
        return Ok(());
    };
    let json = serde_json::from_slice(&fs::read(folder.join("vectors.json"))?)?;
    let vectors = Vectors { folder, json };
    meta(&vectors)?;
    tiktok_and_websub(&vectors)?;
    keys(&vectors)?;
    callbacks(&vectors)
}

fn meta(vectors: &Vectors) -> anyhow::Result<()> {
    let of = "/meta_signed_request";
    let secrets = [vectors.secret(&format!("{of}/app_secret"))?];
    let signed = vectors.text(&format!("{of}/signed_request"))?;
    let payload = meta_signed_request(&secrets, signed)?;
    let expected: Value = serde_json::from_str(vectors.text(&format!("{of}/payload_json"))?)?;
    ensure!(payload == expected, "{payload}");
    for negative in vectors.negatives(of)? {
        ensure!(
            meta_signed_request(&secrets, negative).is_err(),
            "{negative}"
        );
    }
    let of = "/meta_x_hub_signature_256";
    let secrets = [vectors.secret(&format!("{of}/app_secret"))?];
    let body = vectors.body(of)?;
    meta_webhook(&secrets, vectors.text(&format!("{of}/value"))?, &body)?;
    ensure!(reader(Platform::Instagram).notices(&body)?.len() == 1);
    for negative in vectors.negatives(of)? {
        ensure!(
            meta_webhook(&secrets, negative, &body).is_err(),
            "{negative}"
        );
    }
    let query = vectors.text(&format!("{of}/verify_get/query"))?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let params: Vec<_> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let challenge = webhook_challenge(&Secret::new("meatyhamhock"), &params)?;
    ensure!(challenge == vectors.text(&format!("{of}/verify_get/expect_body"))?);
    ensure!(webhook_challenge(&Secret::new("other"), &params).is_err());
    Ok(())
}

fn tiktok_and_websub(vectors: &Vectors) -> anyhow::Result<()> {
    let of = "/tiktok_signature";
    let secrets = [vectors.secret(&format!("{of}/client_secret"))?];
    let body = vectors.body(of)?;
    let seconds = vectors
        .json
        .pointer(&format!("{of}/timestamp"))
        .and_then(Value::as_i64);
    let seconds = seconds.context("no timestamp")?;
    let now = Timestamp::from_micros(seconds * 1_000_000).context("a time")?;
    let value = vectors.text(&format!("{of}/value"))?;
    tiktok_webhook(&secrets, value, &body, now)?;
    for negative in vectors.negatives(of)? {
        ensure!(
            tiktok_webhook(&secrets, negative, &body, now).is_err(),
            "{negative}"
        );
    }
    let later = now.saturating_add_micros(3_600_000_000);
    ensure!(tiktok_webhook(&secrets, value, &body, later).is_err());
    let of = "/websub_hub_signature";
    let (secret, body) = (
        vectors.secret(&format!("{of}/hub_secret"))?,
        vectors.body(of)?,
    );
    let value = vectors.text(&format!("{of}/value"))?;
    websub(&secret, value, &body)?;
    ensure!(websub(&secret, value, &body[1..]).is_err());
    ensure!(websub(&Secret::new("other"), value, &body).is_err());
    ensure!(reader(Platform::Youtube).notices(&body)?.len() == 1);
    Ok(())
}

fn keys(vectors: &Vectors) -> anyhow::Result<()> {
    let verifier = vectors.secret("/pkce/code_verifier")?;
    ensure!(pkce_challenge(&verifier) == vectors.text("/pkce/google_S256_base64url")?);
    ensure!(pkce_challenge_tiktok(&verifier) == vectors.text("/pkce/tiktok_S256_hex")?);
    let of = "/meta_appsecret_proof";
    let (secret, token) = (format!("{of}/app_secret"), format!("{of}/access_token"));
    let proof = meta_appsecret_proof(&vectors.secret(&secret)?, &vectors.secret(&token)?);
    ensure!(proof == vectors.text(&format!("{of}/appsecret_proof"))?);
    Ok(())
}

fn callbacks(vectors: &Vectors) -> anyhow::Result<()> {
    let code = |name: &str| -> anyhow::Result<(String, usize)> {
        match Callback::parse(vectors.text(&format!("/callbacks/{name}"))?)?.consent {
            Consent::Given { code, scopes } => {
                Ok((code.expose().to_owned(), scopes.map_or(0, |it| it.len())))
            }
            other => anyhow::bail!("{name}: {other:?}"),
        }
    };
    let given = |text: &str, scopes| (text.to_owned(), scopes);
    ensure!(code("instagram_code_with_suffix")? == given("AQBx-hBsH3example", 0));
    ensure!(code("tiktok")? == given("wFPH5DePZMb07BPJ*0!6410", 2));
    ensure!(code("google")? == given("4/0Aexample", 1));
    for name in ["instagram_denied", "tiktok_denied", "google_denied"] {
        let found = Callback::parse(vectors.text(&format!("/callbacks/{name}"))?)?;
        ensure!(matches!(found.consent, Consent::Denied), "{name}");
    }
    Ok(())
}
