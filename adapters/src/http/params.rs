//! Path and query parameters: each read once, every mistake named, nothing unknown let by.

use super::problem::{Code, Problem};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::{Uri, request::Parts};
use data_encoding::BASE64URL_NOPAD;
use domain::{Platform, Position};
use std::{collections::BTreeMap, fmt, str::FromStr};
use utoipa::IntoParams;

/// The longest list in one answer, unless a route says otherwise.
pub(super) const MAX_LIMIT: i64 = 100;
const DEFAULT_LIMIT: i64 = 50;
/// The longest id of a platform, in bytes.
const MAX_PLATFORM_ID: usize = 256;

/// The parameters of a request. What was taken is gone: what is left at the end is unknown.
#[derive(Debug, Default)]
pub(super) struct Params {
    path: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
}

/// What a route takes from its parameters. A handler asks for it with [`Asked`].
pub(super) trait Take: Sized + Send {
    fn take(params: &mut Params) -> Result<Self, Problem>;
}

/// The extractor of parameters: refuses what is malformed, given twice or unknown.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: Take> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = match RawPathParams::from_request_parts(parts, state).await {
            Ok(path) => path
                .iter()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
            Err(RawPathParamsRejection::MissingPathParams(_)) => BTreeMap::new(),
            Err(rejection) => return Err(not_utf8(&rejection.body_text())),
        };
        let mut params = Params {
            path,
            query: Params::query_of(&parts.uri)?,
        };
        let taken = T::take(&mut params)?;
        params.finish()?;
        Ok(Self(taken))
    }
}

/// The rejection names the parameter only in its text, between backticks.
fn not_utf8(text: &str) -> Problem {
    let field = text.split('`').nth(1).unwrap_or("path").to_owned();
    Problem::invalid(field, "its percent-encoded bytes are not UTF-8")
}

impl Params {
    fn query_of(uri: &Uri) -> Result<BTreeMap<String, String>, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            Problem::new(
                Code::InvalidParameter,
                "the query is not a list of name=value pairs",
            )
        })?;
        let mut query = BTreeMap::new();
        for (name, value) in pairs {
            if query.contains_key(&name) {
                return Err(Problem::invalid(
                    cut(&name),
                    "this parameter is given twice",
                ));
            }
            query.insert(name, value);
        }
        Ok(query)
    }

    /// A parameter of the query as it was written.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.query.remove(name)
    }

    /// A parameter of the query that has a form.
    pub(super) fn parsed<T>(&mut self, name: &'static str) -> Result<Option<T>, Problem>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let parse = |text: String| text.parse::<T>().map_err(|e| malformed(name, &e));
        self.text(name).map(parse).transpose()
    }

    /// A whole number between bounds.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        (least, most): (i64, i64),
    ) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text
            .parse::<i64>()
            .ok()
            .filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| {
            let expected = if most == i64::MAX {
                format!("expected a whole number from {least} on")
            } else {
                format!("expected a whole number from {least} to {most}")
            };
            Problem::invalid(name, format!("'{}': {expected}", cut(&text)))
        })
    }

    /// A segment of the path that has a form.
    pub(super) fn segment<T>(&mut self, name: &'static str) -> Result<T, Problem>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        // The route's template and the handler's parameters stand side by side.
        let text = self.path.remove(name);
        let text = text.ok_or_else(|| Problem::internal(format!("no {name} in the path")))?;
        text.parse::<T>().map_err(|e| malformed(name, &e))
    }

    fn finish(self) -> Result<(), Problem> {
        match self.query.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Problem::invalid(
                cut(&name),
                "this route has no parameter of this name",
            )),
        }
    }

    #[cfg(test)]
    pub(super) fn of_query(query: &str) -> Result<Self, Problem> {
        let uri = format!("/?{query}").parse().unwrap();
        Ok(Self {
            path: BTreeMap::new(),
            query: Self::query_of(&uri)?,
        })
    }
}

fn malformed(name: &'static str, error: &impl fmt::Display) -> Problem {
    Problem::invalid(name, error.to_string())
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

macro_rules! take_all {
    ($($first:ident $(, $rest:ident)*;)*) => {$(
        impl<$first: Take $(, $rest: Take)*> Take for ($first, $($rest,)*) {
            fn take(params: &mut Params) -> Result<Self, Problem> {
                Ok(($first::take(params)?, $($rest::take(params)?,)*))
            }
        }
    )*};
}

take_all! {
    A, B;
    A, B, C;
    A, B, C, D;
}

impl Take for () {
    fn take(_: &mut Params) -> Result<Self, Problem> {
        Ok(())
    }
}

/// Which part of a list.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Where to go on: `next_cursor` of the answer before this one.
    #[param(value_type = Option<String>)]
    cursor: Option<String>,
    /// How many at most, 1 to 100; 50, if left out.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100)]
    pub(super) limit: i64,
}

impl Take for Page {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        let limit = params
            .number("limit", (1, MAX_LIMIT))?
            .unwrap_or(DEFAULT_LIMIT);
        Ok(Self {
            cursor: params.text("cursor"),
            limit,
        })
    }
}

impl Page {
    /// The place that the cursor names.
    pub(super) fn after<T: FromStr>(&self) -> Result<Option<T>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let read = || {
            let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
            String::from_utf8(bytes).ok()?.parse().ok()
        };
        read().map(Some).ok_or_else(|| {
            Problem::invalid(
                "cursor",
                "expected next_cursor of an earlier answer of this route",
            )
        })
    }

    /// Cuts rows of which one more than the limit was asked for, and names where to go on.
    pub(super) fn cut<R>(&self, rows: &mut Vec<R>, place: impl Fn(&R) -> String) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return None;
        }
        rows.truncate(limit);
        rows.last()
            .map(|row| BASE64URL_NOPAD.encode(place(row).as_bytes()))
    }
}

/// Waiting for what a command has just written.
#[derive(Clone, Copy, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Wait, at most 5 seconds, until the answer shows the log up to this position: a token
    /// from the answer to a command, or `position` of an earlier answer.
    #[param(value_type = Option<String>)]
    pub(super) wait_for: Option<Position>,
}

impl Take for Wait {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            wait_for: params.parsed("wait_for")?,
        })
    }
}

/// A platform, in the query.
pub(super) fn platform(params: &mut Params) -> Result<Option<Platform>, Problem> {
    params.parsed("platform")
}

/// A platform's own id, in the query.
pub(super) fn platform_id(
    params: &mut Params,
    name: &'static str,
) -> Result<Option<String>, Problem> {
    let id = params.text(name);
    if id
        .as_ref()
        .is_some_and(|id| id.is_empty() || id.len() > MAX_PLATFORM_ID)
    {
        let expected = format!("expected the platform's own id, 1 to {MAX_PLATFORM_ID} bytes");
        return Err(Problem::invalid(name, expected));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(problem: &Problem) -> &str {
        let (code, field) = problem.parts();
        assert_eq!(code, Code::InvalidParameter);
        field.unwrap()
    }

    fn page(query: &str) -> Result<Page, Problem> {
        let mut params = Params::of_query(query)?;
        let page = Page::take(&mut params)?;
        params.finish().map(|()| page)
    }

    #[test]
    fn mistakes_name_the_parameter() {
        assert_eq!(page("limit=7").unwrap().limit, 7);
        assert_eq!(page("").unwrap().limit, DEFAULT_LIMIT);
        for query in [
            "limit=0",
            "limit=101",
            "limit=ten",
            "limit=",
            "limit=1&limit=2",
        ] {
            assert_eq!(field(&page(query).unwrap_err()), "limit", "{query}");
        }
        assert_eq!(field(&page("limmit=5").unwrap_err()), "limmit");
        let mut params = Params::of_query("platform=myspace").unwrap();
        assert_eq!(field(&platform(&mut params).unwrap_err()), "platform");
        let mut params = Params::of_query("wait_for=7").unwrap();
        assert_eq!(field(&Wait::take(&mut params).unwrap_err()), "wait_for");
        assert_eq!(field(&not_utf8("Invalid UTF-8 in `creator`")), "creator");
    }

    #[test]
    fn a_cursor_leads_to_the_rest() {
        let mut rows = vec![1, 2, 3];
        let cursor = page("limit=2")
            .unwrap()
            .cut(&mut rows, i32::to_string)
            .unwrap();
        assert_eq!(rows, [1, 2]);
        let next = page(&format!("limit=2&cursor={cursor}")).unwrap();
        assert_eq!(next.after::<i32>().unwrap(), Some(2));
        assert_eq!(next.cut(&mut vec![3], i32::to_string), None);
        assert_eq!(
            field(&page("cursor=x!").unwrap().after::<i32>().unwrap_err()),
            "cursor"
        );
    }

    #[test]
    fn values_are_decoded() {
        let mut params = Params::of_query("platform_post_id=-a%2Bb+c").unwrap();
        let id = platform_id(&mut params, "platform_post_id").unwrap();
        assert_eq!(id.as_deref(), Some("-a+b c"));
    }
}
