//! The errors of the Graph API, by code and subcode; never by type or HTTP status, which vary.
//!
//! Sources: Graph API "Handling Errors" and "Rate Limits", Pages API error codes, Instagram
//! Platform error codes.

use crate::platforms::call::{Call, Endpoint};
use crate::platforms::class::Class;
use crate::platforms::failure::{Code, Failure, Fault};
use crate::platforms::reply::Reply;
use crate::platforms::understood::Understood;
use crate::platforms::usage::Usage;
use serde_json::Value;

/// The error of a reply.
struct GraphError<'v> {
    code: i64,
    subcode: i64,
    message: &'v str,
    is_transient: bool,
}

/// Takes a reply's JSON, or what its error means. Errors that mean "nothing to know" are answers.
pub(in crate::platforms) fn check(
    call: &Call,
    reply: &Reply,
) -> Result<Result<Value, Understood>, Failure> {
    let json = reply.json()?;
    let usage = Usage::of_meta(reply.headers());
    let Some(error) = GraphError::of(&json) else {
        return match reply.is_success() {
            true => Ok(Ok(json)),
            false => Err(reply.failure(!json.is_null())),
        };
    };
    let class = error.class(call, reply.status());
    // Who revokes what is gone has what he wanted.
    let class = match (call.endpoint, class) {
        (Endpoint::Revoke, Class::AuthExpired) => Class::OkAlreadyRevoked,
        (_, class) => class,
    };
    let code = Code::new(match error.subcode {
        0 => error.code.to_string(),
        subcode => format!("{}/{subcode}", error.code),
    });
    if class.is_answer() {
        return Ok(Err(Understood {
            code: Some(code),
            ..Understood::bare(class)
        }));
    }
    Err(Failure {
        wait: (class == Class::RateLimited)
            .then(|| usage.wait(reply.headers()))
            .flatten(),
        fault: error.fault(class, call),
        ..Failure::new(class, code.as_str())
    })
}

/// A token that `debug_token` calls invalid, with the error it names.
pub(in crate::platforms) fn of_invalid_token(data: &Value) -> Failure {
    let error = data.get("error").unwrap_or(&Value::Null);
    let number = |name| error.get(name).and_then(number).unwrap_or_default();
    let found = GraphError {
        code: number("code"),
        subcode: number("subcode"),
        message: "",
        is_transient: false,
    };
    let class = match found.code {
        0 => Class::AuthExpired,
        _ => found.class(&Call::to(Endpoint::TokenFacts), 200),
    };
    Failure::new(class, format!("{}/{}", found.code, found.subcode))
}

fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

impl<'v> GraphError<'v> {
    fn of(json: &'v Value) -> Option<Self> {
        // Instagram's token endpoint answers flat.
        let (error, message) = match json.get("error") {
            Some(error) if !error.is_null() => (error, "message"),
            _ if json.get("error_type").is_some() => (json, "error_message"),
            _ => return None,
        };
        let number = |name| error.get(name).and_then(number);
        Some(Self {
            code: number("code").unwrap_or_default(),
            subcode: number("error_subcode").unwrap_or_default(),
            message: error
                .get(message)
                .and_then(Value::as_str)
                .unwrap_or_default(),
            is_transient: error.get("is_transient") == Some(&Value::Bool(true)),
        })
    }

    fn says(&self, words: &str) -> bool {
        self.message.to_ascii_lowercase().contains(words)
    }

    fn class(&self, call: &Call, status: u16) -> Class {
        if let Endpoint::Token(_) = call.endpoint
            && let Some(class) = self.class_of_token_call()
        {
            return class;
        }
        if self.says("reduce the amount of data") {
            return Class::RetrySmallerPage;
        }
        if let Some(class) = self.class_of_publishing() {
            return class;
        }
        match (self.code, self.subcode) {
            // The call needs a Page's token and got a person's: our own mistake.
            (190, 2_069_032) => Class::ConfigError,
            (190 | 102, _) => Class::AuthExpired,
            (10, _) if self.says("not enough viewers") => Class::OkNoData,
            (3 | 10 | 200..=299, _) => Class::Permission,
            (100, 33) | (803, _) => Class::NotFoundOrPermission,
            // Media from before the account was a business's; a Page with too few followers.
            (100, 2_108_006 | 2_874_008) => Class::OkNoData,
            (4 | 17 | 32 | 613 | 80_000..=80_014, _) => Class::RateLimited,
            (368 | 506 | 1_609_005, _) => Class::Policy,
            // The app's id, or the addresses that it may use.
            (101 | 191, _) => Class::ConfigError,
            // A breakdown that a metric does not have is answered like this too.
            (1, _) if is_insights(call) && self.says("unknown error has occurred") => {
                Class::TransientOrInvalid
            }
            (-1 | 1 | 2 | 341, _) => Class::Transient,
            _ if self.is_transient => Class::Transient,
            (100 | 2500 | 3001, _) => Class::InvalidRequest,
            _ if status == 429 => Class::RateLimited,
            _ if status >= 500 => Class::Transient,
            _ => Class::InvalidRequest,
        }
    }

    /// Where a token is asked for, code 100 and 400 stand for many things that only words tell
    /// apart.
    fn class_of_token_call(&self) -> Option<Class> {
        if self.says("redirect_uri") || self.subcode == 36_008 {
            return Some(Class::ConfigError);
        }
        if matches!(self.subcode, 36_007 | 36_009) {
            return Some(Class::AuthCodeInvalid);
        }
        if !matches!(self.code, 1 | 100 | 101 | 400) {
            return None;
        }
        if self.says("24 hours") {
            return Some(Class::RefreshTooEarly);
        }
        // Not about the method: this is how a token that is bad, expired or of an older kind is
        // answered.
        if self.says("unsupported request - method type") {
            return Some(Class::AuthExpired);
        }
        let code_words = ["matching code", "authorization code", "verification code"];
        if code_words.iter().any(|words| self.says(words)) {
            return Some(Class::AuthCodeInvalid);
        }
        let app_words = [
            "client secret",
            "client_secret",
            "client id",
            "client_id",
            "platform app",
        ];
        let is_app = app_words.iter().any(|words| self.says(words));
        is_app.then_some(Class::ConfigError)
    }

    fn class_of_publishing(&self) -> Option<Class> {
        Some(match (self.code, self.subcode) {
            (9007, _) => Class::NotReady,
            (-1, 2_207_001 | 2_207_032 | 2_207_053) | (-2, 2_207_003 | 2_207_020) => {
                Class::Transient
            }
            (4, 2_207_051) | (25, 2_207_050) => Class::Policy,
            (9, 2_207_042) => Class::RateLimited,
            (24, 2_207_006 | 2_207_008) => Class::NotFound,
            (352 | 9004 | 36_000 | 36_001 | 36_003 | 36_004, 2_207_000..=2_207_999) => {
                Class::PublishFailed
            }
            _ => return None,
        })
    }

    fn fault(&self, class: Class, call: &Call) -> Option<Fault> {
        if class != Class::InvalidRequest {
            return None;
        }
        // "metric[2] must be one of the following values: ..."
        let index = self.message.split_once("metric[").and_then(|(_, rest)| {
            let (digits, _) = rest.split_once(']')?;
            digits.parse().ok()
        });
        if index.is_some() || self.says("valid insights metric") || self.subcode == 1_504_028 {
            return Some(Fault::Metric { index });
        }
        if self.says("'limit' parameter") {
            return Some(Fault::PageSize);
        }
        if self.says("nonexisting field") {
            return Some(Fault::Field);
        }
        is_insights(call).then_some(Fault::Query)
    }
}

fn is_insights(call: &Call) -> bool {
    matches!(
        call.endpoint,
        Endpoint::AccountInsights | Endpoint::PostInsights
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::call::Grant;
    use crate::platforms::reply::Headers;
    use serde_json::json;

    fn found(endpoint: Endpoint, status: u16, error: Value) -> (Class, String, Option<Fault>) {
        let body = json!({ "error": error }).to_string();
        let reply = Reply::new(status, Headers::default(), body.into_bytes());
        match check(&Call::to(endpoint), &reply) {
            Ok(Ok(json)) => panic!("{json} is no error"),
            Ok(Err(answer)) => (answer.class, answer.code.expect("a code").to_string(), None),
            Err(failure) => (failure.class, failure.code.to_string(), failure.fault),
        }
    }

    #[test]
    fn code_and_subcode_decide_and_not_the_status() {
        for (status, error, class, code) in [
            (
                500,
                json!({"code": 613, "error_subcode": 1996}),
                Class::RateLimited,
                "613/1996",
            ),
            (
                400,
                json!({"code": "190", "error_subcode": "463"}),
                Class::AuthExpired,
                "190/463",
            ),
            (200, json!({"code": 190}), Class::AuthExpired, "190"),
            (
                400,
                json!({"code": 190, "error_subcode": 2069032}),
                Class::ConfigError,
                "190/2069032",
            ),
            (400, json!({"code": 102}), Class::AuthExpired, "102"),
            (403, json!({"code": 299}), Class::Permission, "299"),
            (400, json!({"code": 80005}), Class::RateLimited, "80005"),
            (
                400,
                json!({"code": 999, "is_transient": true}),
                Class::Transient,
                "999",
            ),
            (503, json!({"code": 999}), Class::Transient, "999"),
            (400, json!({"code": 999}), Class::InvalidRequest, "999"),
            (
                500,
                json!({"code": 1, "message": "Please reduce the amount of data you're asking for"}),
                Class::RetrySmallerPage,
                "1",
            ),
            (500, json!({"code": 1}), Class::Transient, "1"),
            (400, json!("not an object"), Class::InvalidRequest, "0"),
        ] {
            let result = found(Endpoint::Posts, status, error.clone());
            assert_eq!((result.0, result.1.as_str()), (class, code), "{error}");
        }
    }

    #[test]
    fn a_metric_at_fault_is_named_by_its_place() {
        let retired = json!({"code": 100, "message": "(#100) metric[2] must be one of: reach"});
        let (class, _, fault) = found(Endpoint::PostInsights, 400, retired);
        assert_eq!(class, Class::InvalidRequest);
        assert_eq!(fault, Some(Fault::Metric { index: Some(2) }));
        let one = json!({"code": 100, "message": "The value must be a valid insights metric"});
        let (_, _, fault) = found(Endpoint::AccountInsights, 400, one);
        assert_eq!(fault, Some(Fault::Metric { index: None }));
    }

    #[test]
    fn where_tokens_are_asked_for_words_decide() {
        for (message, class) in [
            (
                "Matching code was not found or was already used",
                Class::AuthCodeInvalid,
            ),
            (
                "Error validating verification code. Make sure your redirect_uri is identical",
                Class::ConfigError,
            ),
            ("Error validating client secret.", Class::ConfigError),
            ("Unsupported request - method type: get", Class::AuthExpired),
            ("created less than 24 hours ago", Class::RefreshTooEarly),
        ] {
            let error = json!({"code": 100, "message": message});
            let endpoint = Endpoint::Token(Grant::Unstated);
            assert_eq!(found(endpoint, 400, error).0, class, "{message}");
        }
        // Elsewhere the same words mean nothing.
        let elsewhere = json!({"code": 100, "message": "Unsupported request - method type: get"});
        assert_eq!(
            found(Endpoint::Posts, 400, elsewhere).0,
            Class::InvalidRequest
        );
    }

    #[test]
    fn what_is_gone_needs_no_revoking() {
        let gone = json!({"code": 190});
        assert_eq!(
            found(Endpoint::Revoke, 400, gone).0,
            Class::OkAlreadyRevoked
        );
    }
}
