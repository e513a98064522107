//! What a simulated platform answers, before it goes over the wire.

use serde_json::Value;

/// An answer.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
}

/// The body of an answer.
#[derive(Clone)]
pub(super) enum Body {
    Json(Value),
    Html(String),
    Empty,
    /// Something is wrong with the line itself.
    Broken(Broken),
}

/// What can be wrong with the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// No answer comes.
    Hang,
    /// The answer comes byte by byte.
    Drip,
    /// Half of an answer comes, as if it were whole.
    Truncated,
    /// The connection breaks in the midst of an answer.
    CutOff,
    /// The connection is reset.
    Reset,
    /// The answer has 100 MB.
    Huge,
    /// Lists within lists, very deep.
    Nested,
    /// Bytes that are no text.
    NotUtf8,
}

impl Answer {
    /// JSON.
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    /// A good answer.
    pub(super) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    /// A page for people.
    pub(super) fn html(status: u16, page: String) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Html(page),
        }
    }

    /// The way elsewhere.
    pub(super) fn redirect(to: String) -> Self {
        Self {
            status: 302,
            headers: vec![("location", to)],
            body: Body::Empty,
        }
    }

    /// The same with one header more.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
