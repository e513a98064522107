//! The page that a person sees at the end of a consent: it says how it went, in words, and tells the
//! page that opened it, at one origin only. It holds no token, and no code or state either.

use super::super::problem::Problem;
use crate::connect::{Finished, Outcome, Refusal};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use std::collections::BTreeSet;

/// What the opener is told.
#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    outcome: &'static str,
    words: &'a str,
    platform: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    account_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    choice_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_scopes: Vec<&'a str>,
}

impl<'a> Message<'a> {
    fn of(finished: &'a Finished, words: &'a str) -> Self {
        let none = BTreeSet::new;
        let (accounts, choice_id, missing) = match &finished.outcome {
            Outcome::Connected { accounts, missing } => (accounts.as_slice(), None, Some(missing)),
            Outcome::Finishing { accounts } => (accounts.as_slice(), None, None),
            Outcome::Choose { choice_id, missing } => (&[][..], Some(choice_id), Some(missing)),
            Outcome::Refused(_) => (&[][..], None, None),
        };
        let missing = missing.map_or_else(none, |it| it.iter().map(String::as_str).collect());
        Self {
            r#type: "social-ledger/connection",
            outcome: finished.outcome.code(),
            words,
            platform: finished.platform.name(),
            account_ids: accounts.iter().map(ToString::to_string).collect(),
            choice_id: choice_id.map(ToString::to_string),
            missing_scopes: missing.into_iter().collect(),
        }
    }
}

fn status(outcome: &Outcome) -> StatusCode {
    match outcome {
        Outcome::Connected { .. } | Outcome::Choose { .. } => StatusCode::OK,
        Outcome::Finishing { .. } => StatusCode::ACCEPTED,
        Outcome::Refused(refusal) => match refusal {
            Refusal::PlatformUnavailable | Refusal::PlatformRefused => StatusCode::BAD_GATEWAY,
            Refusal::PlatformMisconfigured => StatusCode::BAD_GATEWAY,
            Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::NotConfigured | Refusal::AnotherCreator => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        },
    }
}

/// JSON that can stand in a script: nothing in it ends the script or begins markup.
fn for_script(value: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_string(value).map_err(Problem::internal)?;
    let escaped = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    Ok(escaped)
}

/// The page for an outcome. Only the dashboard's origin can read the message.
pub(super) fn page(finished: &Finished, origin: Option<&str>) -> Result<Response, Problem> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(Problem::internal)?;
    let nonce = BASE64URL_NOPAD.encode(&random);
    let words = finished.outcome.words(finished.platform);
    let message = for_script(&Message::of(finished, &words))?;
    let origin = for_script(&origin)?;
    // The words are ours: no text of a platform's or a person's is in the page.
    let html = format!(
        "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Social Ledger</title>
<style nonce=\"{nonce}\">body {{ font: 1rem/1.5 system-ui; margin: 3rem auto; max-width: 30rem; \
         padding: 0 1rem }}</style>
<p id=\"words\" data-outcome=\"{code}\">{words}</p>
<p>You can close this window.</p>
<script nonce=\"{nonce}\">
history.replaceState(null, \"\", location.pathname);
const message = {message}, origin = {origin};
if (window.opener && origin) {{
  window.opener.postMessage(message, origin);
  if (message.account_ids || message.choice_id) window.close();
}}
</script>
</html>
",
        code = finished.outcome.code(),
    );
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers: [(HeaderName, String); 5] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((status(&finished.outcome), headers, html).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_ends_its_script() {
        let text = for_script(&"</script><!--&\u{2028}").expect("JSON");
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        let back: String = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back, "</script><!--&\u{2028}");
    }
}
