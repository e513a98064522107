//! Errors as RFC 9457 problem details: a stable code, the field at fault, never an inner cause.

mod causes;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap, fmt};
use utoipa::openapi::{Ref, RefOr, Response as ResponseSpec};
use utoipa::{IntoResponses, ToSchema};

/// The name of the shared error response in the OpenAPI document.
pub(super) const RESPONSE_NAME: &str = "Problem";
/// The media type of every error.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, as programs tell it apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    Unauthorized,
    RoleNotAllowed,
    NotFound,
    Erased,
    InvalidParameter,
    UnknownMetric,
    UnknownFormula,
    WindowBackwards,
    UnsupportedAxis,
    MethodNotAllowed,
    BodyTooLarge,
    Internal,
    NotYetProjected,
    NotReady,
    NotNow,
    PlatformNotConfigured,
    ConnectionRefused,
    SignatureInvalid,
    Unavailable,
    Timeout,
}

impl Code {
    /// Every code, for the documentation.
    pub(super) const ALL: [Self; 20] = [
        Self::Unauthorized,
        Self::RoleNotAllowed,
        Self::NotFound,
        Self::Erased,
        Self::InvalidParameter,
        Self::UnknownMetric,
        Self::UnknownFormula,
        Self::WindowBackwards,
        Self::UnsupportedAxis,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::Internal,
        Self::NotYetProjected,
        Self::NotReady,
        Self::NotNow,
        Self::PlatformNotConfigured,
        Self::ConnectionRefused,
        Self::SignatureInvalid,
        Self::Unavailable,
        Self::Timeout,
    ];

    const fn parts(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as Status;
        match self {
            Self::Unauthorized => (
                "unauthorized",
                Status::UNAUTHORIZED,
                "A valid API key is needed",
            ),
            Self::RoleNotAllowed => (
                "role_not_allowed",
                Status::FORBIDDEN,
                "The key's role may not do this",
            ),
            Self::NotFound => ("not_found", Status::NOT_FOUND, "Not found"),
            Self::Erased => ("erased", Status::GONE, "The account was erased"),
            Self::InvalidParameter => (
                "invalid_parameter",
                Status::BAD_REQUEST,
                "A parameter is not valid",
            ),
            Self::UnknownMetric => (
                "unknown_metric",
                Status::BAD_REQUEST,
                "There is no such metric",
            ),
            Self::UnknownFormula => (
                "unknown_formula",
                Status::BAD_REQUEST,
                "There is no such formula",
            ),
            Self::WindowBackwards => (
                "window_backwards",
                Status::BAD_REQUEST,
                "The window ends before it begins",
            ),
            Self::UnsupportedAxis => (
                "unsupported_axis",
                Status::BAD_REQUEST,
                "This question is answered for now only",
            ),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                Status::METHOD_NOT_ALLOWED,
                "Method not allowed",
            ),
            Self::BodyTooLarge => (
                "body_too_large",
                Status::PAYLOAD_TOO_LARGE,
                "The body is too large",
            ),
            Self::Internal => (
                "internal",
                Status::INTERNAL_SERVER_ERROR,
                "Something went wrong here",
            ),
            Self::NotYetProjected => (
                "not_yet_projected",
                Status::SERVICE_UNAVAILABLE,
                "Not there yet",
            ),
            Self::NotReady => (
                "not_ready",
                Status::SERVICE_UNAVAILABLE,
                "The read models are not up to date",
            ),
            Self::NotNow => ("not_now", Status::CONFLICT, "Not as things stand now"),
            Self::PlatformNotConfigured => (
                "platform_not_configured",
                Status::CONFLICT,
                "The platform is not set up here",
            ),
            Self::ConnectionRefused => (
                "connection_refused",
                Status::CONFLICT,
                "The account was not connected",
            ),
            Self::SignatureInvalid => (
                "signature_invalid",
                Status::FORBIDDEN,
                "The message is not believed",
            ),
            Self::Unavailable => (
                "unavailable",
                Status::SERVICE_UNAVAILABLE,
                "Not available right now",
            ),
            Self::Timeout => (
                "timeout",
                Status::GATEWAY_TIMEOUT,
                "The answer took too long",
            ),
        }
    }

    /// The stable name.
    pub(super) const fn name(self) -> &'static str {
        self.parts().0
    }
}

/// An error on its way to the caller. The outermost layer writes its body: see [`render`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
}

impl Problem {
    pub(super) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            field: None,
        }
    }

    /// Names the parameter at fault.
    pub(super) fn on(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(super) fn invalid(
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Code::InvalidParameter, detail).on(field)
    }

    /// The same answer for what does not exist and for what the caller may not see, so that
    /// nothing can be learned from the difference.
    pub(super) fn not_found(what: &'static str) -> Self {
        Self::new(
            Code::NotFound,
            format!("there is no such {what}, or this key may not see it"),
        )
    }

    /// A fault of ours: the cause goes to the log, not to the caller.
    pub(super) fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            Code::Internal,
            "the fault is on this side; the request id leads to its cause",
        )
    }

    /// Something needed cannot be reached: the cause goes to the log, not to the caller.
    pub(super) fn unavailable(cause: impl fmt::Display) -> Self {
        tracing::warn!(%cause, "a request cannot be answered");
        Self::new(
            Code::Unavailable,
            "something that is needed cannot be reached; try again soon",
        )
    }

    #[cfg(test)]
    pub(super) fn parts(&self) -> (Code, Option<&str>) {
        (self.code, self.field.as_deref())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.parts().1.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An error, after RFC 9457.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemDetails {
    /// The kind of error as a URI: `urn:social-ledger:problem:` and the code.
    r#type: String,
    /// The kind of error in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this very request.
    detail: String,
    /// The kind of error, stable: programs tell errors apart by it.
    code: &'static str,
    /// The parameter at fault, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Names this request in our logs; also in the header `x-request-id`.
    request_id: String,
}

/// Writes the body of a problem, if the response is one; only here is the request's id known.
pub(super) fn render(response: Response, request_id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(problem) = parts.extensions.remove::<Problem>() else {
        return Response::from_parts(parts, body);
    };
    let (code, status, title) = problem.code.parts();
    let details = ProblemDetails {
        r#type: format!("urn:social-ledger:problem:{code}"),
        title,
        status: status.as_u16(),
        detail: problem.detail.into_owned(),
        code,
        field: problem.field.map(Cow::into_owned),
        request_id: request_id.to_owned(),
    };
    let json = serde_json::to_vec(&details).expect("plain text and numbers are JSON");
    let headers = &mut parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if problem.code == Code::Unauthorized {
        let challenge = HeaderValue::from_static("Bearer realm=\"social-ledger\"");
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Response::from_parts(parts, Body::from(json))
}

/// The error responses of every operation in the OpenAPI document.
pub(super) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<ResponseSpec>> {
        let problem = || RefOr::Ref(Ref::from_response_name(RESPONSE_NAME));
        BTreeMap::from([("4XX".to_owned(), problem()), ("5XX".to_owned(), problem())])
    }
}

/// Answers every path that no route has.
pub(super) async fn unknown_route() -> Problem {
    Problem::new(
        Code::NotFound,
        "there is no such route; /v1/openapi.json lists them all",
    )
}

/// The same where there are only metrics.
pub(super) async fn only_metrics() -> Problem {
    Problem::new(Code::NotFound, "only /metrics is served here")
}

/// Answers a method that a route does not have.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "the header Allow names the methods of this route",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_problem_is_rendered_with_its_request() {
        let problem = Problem::invalid("limit", "too large");
        let response = render(problem.into_response(), "r-1");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let unauthorized = Problem::new(Code::Unauthorized, "no key");
        let response = render(unauthorized.into_response(), "r-2");
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
