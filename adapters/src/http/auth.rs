//! Who asks: every route but health needs a key, and some need a role.

use super::Services;
use super::problem::{Code, Problem};
use crate::api_keys::{self, Caller, Role, SecretHash};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, header, request::Parts};
use axum::middleware::Next;
use axum::response::Response;
use projections::engine::Checkpoint;
use std::sync::Arc;
use tracing::{Span, field};

/// Lets only requests with a valid key through, and tells the handlers who asks.
///
/// Where the read models stand is asked in the same statement: it depends on nothing, and must be
/// known before any row is read.
pub(super) async fn require_key(
    State(services): State<Arc<Services>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(secret) = bearer(request.headers()) else {
        return Err(Problem::new(
            Code::Unauthorized,
            "send the header 'Authorization: Bearer slk_...'",
        ));
    };
    let refused = || Problem::new(Code::Unauthorized, "this key does not exist or was revoked");
    let secret = SecretHash::of(secret).ok_or_else(refused)?;
    let client = services.client().await?;
    let admitted = api_keys::admit(&client, &secret).await?;
    drop(client);
    let (caller, held) = admitted.ok_or_else(refused)?;
    Span::current().record("key_id", field::display(caller.key_id));
    request.extensions_mut().insert(By(caller, Stood(held)));
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// Where every read model stood when the caller was let through.
#[derive(Clone, Debug)]
pub(super) struct Stood(pub(super) Vec<Checkpoint>);

/// The caller that [`require_key`] let through, as handlers take it.
#[derive(Clone)]
pub(super) struct By(pub(super) Caller, pub(super) Stood);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .remove::<Self>()
            .ok_or_else(|| Problem::internal("a route that needs a caller lets anybody in"))
    }
}

/// Refuses callers whose role is none of these.
pub(super) fn require_role(caller: &Caller, allowed: &[Role]) -> Result<(), Problem> {
    if allowed.contains(&caller.role) {
        return Ok(());
    }
    let names: Vec<_> = allowed.iter().map(|role| role.name()).collect();
    Err(Problem::new(
        Code::RoleNotAllowed,
        format!(
            "this key has the role {}; needed: {}",
            caller.role,
            names.join(" or ")
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_key_stands_in_the_authorization_header() {
        let found = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(text));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(found("Bearer slk_x").as_deref(), Some("slk_x"));
        assert_eq!(found("bearer slk_x").as_deref(), Some("slk_x"));
        assert_eq!(found("Basic slk_x"), None);
        assert_eq!(found("slk_x"), None);
    }
}
