//! A request as the simulated platforms see it: the host it was meant for, and all parameters.

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use serde_json::Value;
use url::form_urlencoded;

/// The most parameters of one kind that are looked at.
const MAX_PARAMS: usize = 200;

/// Parameters in the order in which they came.
pub(super) type Params = Vec<(String, String)>;

/// One request.
pub(super) struct Asked {
    /// In capitals.
    pub(super) method: String,
    /// The host that the client believes to speak to.
    pub(super) host: String,
    /// The parts of the path, without the host.
    pub(super) path: Vec<String>,
    /// Parameters of the address.
    pub(super) query: Params,
    /// Fields of a urlencoded form.
    pub(super) form: Params,
    /// Fields of a multipart form.
    pub(super) multipart: Params,
    /// The body, if it is JSON.
    pub(super) json: Option<Value>,
    /// The token of the header `Authorization: Bearer`.
    pub(super) bearer: Option<String>,
    /// Where this simulator is, such as `http://127.0.0.1:4010`.
    pub(super) base: String,
}

fn parse(bytes: &[u8]) -> Params {
    let pairs = form_urlencoded::parse(bytes).take(MAX_PARAMS);
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn first<'p>(params: &'p Params, name: &str) -> Option<&'p str> {
    let found = params.iter().find(|(known, _)| known == name);
    found
        .map(|(_, value)| value.as_str())
        .filter(|it| !it.is_empty())
}

impl Asked {
    /// Takes a request apart. The first part of its path is the host.
    pub(super) fn new(parts: &Parts, body: &Bytes, base: &str) -> Self {
        let header = |name| {
            let value = parts.headers.get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let kind = header(CONTENT_TYPE).unwrap_or_default();
        let (mut form, mut multipart, mut json) = (Vec::new(), Vec::new(), None);
        if kind.starts_with("application/x-www-form-urlencoded") {
            form = parse(body);
        } else if let Some((_, boundary)) = kind.split_once("boundary=") {
            multipart = fields_of_multipart(boundary.trim_matches('"'), body);
        } else if kind.starts_with("application/json") {
            json = serde_json::from_slice(body).ok();
        }
        let decoded = |part: &str| {
            let name = format!("p={}", part.replace('+', "%2B"));
            let pair = form_urlencoded::parse(name.as_bytes()).next();
            pair.map_or_else(String::new, |(_, value)| value.into_owned())
        };
        let mut path = parts.uri.path().split('/').filter(|it| !it.is_empty());
        let host = path.next().unwrap_or_default().to_ascii_lowercase();
        let bearer = header(AUTHORIZATION)
            .and_then(|it| it.strip_prefix("Bearer ").map(|it| it.trim().to_owned()));
        Self {
            method: parts.method.as_str().to_owned(),
            host,
            path: path.map(decoded).collect(),
            query: parse(parts.uri.query().unwrap_or_default().as_bytes()),
            form,
            multipart,
            json,
            bearer,
            base: base.to_owned(),
        }
    }

    /// A parameter of the address.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// A field of a urlencoded form.
    pub(super) fn form(&self, name: &str) -> Option<&str> {
        first(&self.form, name)
    }

    /// A parameter, wherever it stands.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.form(name)
            .or_else(|| first(&self.multipart, name))
            .or_else(|| self.query(name))
    }

    /// All values of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let everywhere = self.form.iter().chain(&self.multipart).chain(&self.query);
        everywhere
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The parts of the path.
    pub(super) fn parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// This address with other parameters, in the layout of the simulator.
    pub(super) fn link(&self, replaced: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let is_replaced = |name: &String| replaced.iter().any(|(it, _)| *it == name);
        for (name, value) in self.query.iter().filter(|(name, _)| !is_replaced(name)) {
            query.append_pair(name, value);
        }
        query.extend_pairs(replaced.iter().filter(|(_, value)| !value.is_empty()));
        let path = self.path.join("/");
        format!("{}/{}/{path}?{}", self.base, self.host, query.finish())
    }
}

/// Fields of a multipart form (RFC 7578) that hold text.
fn fields_of_multipart(boundary: &str, body: &[u8]) -> Params {
    let text = String::from_utf8_lossy(body);
    let delimiter = format!("--{boundary}");
    let parts = text.split(delimiter.as_str()).skip(1).take(MAX_PARAMS);
    let field = |part: &str| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        let (name, _) = name.split_once('"')?;
        let value = value.strip_suffix("\r\n").unwrap_or(value);
        Some((name.to_owned(), value.to_owned()))
    };
    parts.filter_map(field).collect()
}

/// An address with parameters after it.
pub(super) fn with_params(address: &str, params: &[(&str, &str)]) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params);
    format!("{address}{joint}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn asked(request: axum::http::request::Builder, body: &str) -> Asked {
        let (parts, body) = request
            .body(Bytes::from(body.to_owned()))
            .expect("a request")
            .into_parts();
        Asked::new(&parts, &body, "http://sim")
    }

    #[test]
    fn the_first_part_of_the_path_is_the_host() {
        let request = Request::get("/graph.instagram.com/v25.0/me/media?limit=2&after=a%2Bb");
        let found = asked(request.header("authorization", "Bearer t"), "");
        assert_eq!(found.host, "graph.instagram.com");
        assert_eq!(found.parts(), ["v25.0", "me", "media"]);
        assert_eq!(found.query("after"), Some("a+b"));
        assert_eq!(found.bearer.as_deref(), Some("t"));
        assert_eq!(
            found.link(&[("after", "x y")]),
            "http://sim/graph.instagram.com/v25.0/me/media?limit=2&after=x+y"
        );
    }

    #[test]
    fn forms_are_read_in_both_kinds() {
        let request = Request::post("/api.instagram.com/oauth/access_token");
        let kind = "multipart/form-data; boundary=xx";
        let body = "--xx\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\na#b\r\n--xx--\r\n";
        let found = asked(request.header("content-type", kind), body);
        assert_eq!(
            (found.param("code"), found.form("code")),
            (Some("a#b"), None)
        );
        let request = Request::post("/open.tiktokapis.com/v2/oauth/token/");
        let kind = "application/x-www-form-urlencoded";
        let found = asked(request.header("content-type", kind), "code=a*0%21b&code=c");
        assert_eq!(found.form("code"), Some("a*0!b"));
        assert_eq!(found.all("code").count(), 2);
    }
}
