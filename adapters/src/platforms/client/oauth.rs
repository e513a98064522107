//! OAuth, the same to callers whatever a platform makes of it: ask, redeem, renew, revoke.

use crate::platforms::{Class, Failure, ProfileFound, Secret, Token};
use crate::vault::credentials::{AccountAccess, Tokens};
use async_trait::async_trait;
use domain::Timestamp;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// An app of ours at a platform.
#[derive(Clone, Debug)]
pub struct App {
    /// Its public id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Where the platform sends the person back to, exactly as it is registered there.
    pub redirect_uri: String,
}

/// What a consent gave.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The platform's id of the person.
    pub person: String,
    /// The tokens.
    pub tokens: Tokens,
    /// What they allow.
    pub scopes: BTreeSet<String>,
    /// The accounts that they serve; none where the person has none.
    pub accounts: Vec<Offered>,
}

/// An account that a grant serves.
#[derive(Clone)]
pub struct Offered {
    /// Its side of the platform.
    pub access: AccountAccess,
    /// What the person knows it by.
    pub name: Option<String>,
    /// Its profile, where it was read already.
    pub profile: Option<Box<ProfileFound>>,
}

// Ids and names are personal data.
impl std::fmt::Debug for Offered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Offered(..)")
    }
}

impl Offered {
    /// An account whose profile was read, under a name that the person knows.
    pub(super) fn of(profile: Box<ProfileFound>, name: Option<String>) -> Self {
        Self {
            access: AccountAccess {
                platform_account_id: profile.text.platform_account_id.clone(),
                other_id: profile.other_id.as_ref().map(|id| id.0.clone()),
                access: None,
            },
            name,
            profile: Some(profile),
        }
    }
}

/// A platform's OAuth.
#[async_trait]
pub trait OAuth: Send + Sync {
    /// The scopes that are asked for.
    fn scopes(&self) -> &'static [&'static str];

    /// Those of them without which there is nothing to read.
    fn required(&self) -> &'static [&'static str];

    /// Whether it takes a PKCE challenge.
    fn takes_pkce(&self) -> bool;

    /// The address where the person consents.
    fn authorize_url(&self, state: &Secret, verifier: Option<&Secret>) -> String;

    /// What a callback's code is good for. A code is good once.
    async fn redeem(
        &self,
        code: &Secret,
        verifier: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Granted, Failure>;

    /// An account's profile as it is now.
    async fn profile(
        &self,
        tokens: &Tokens,
        access: &AccountAccess,
    ) -> Result<Box<ProfileFound>, Failure>;

    /// Whether the tokens are to be renewed before the next call.
    fn is_due(&self, tokens: &Tokens, now: Timestamp) -> bool;

    /// Whether they can be renewed at all.
    fn can_renew(&self, tokens: &Tokens) -> bool;

    /// New tokens for old ones. Without a refresh token in them the old one holds.
    async fn renew(&self, tokens: &Tokens, now: Timestamp) -> Result<Tokens, Failure>;

    /// Whether the platform can be told that a grant has ended.
    fn can_revoke(&self) -> bool;

    /// Tells it. A grant that is gone already is no failure.
    async fn revoke(&self, tokens: &Tokens) -> Result<(), Failure>;
}

/// A token reply as it is kept.
pub(super) fn tokens(token: Token, now: Timestamp) -> Tokens {
    let end = |life: Option<Duration>| {
        let micros = i64::try_from(life?.as_micros()).ok()?;
        Some(now.saturating_add_micros(micros))
    };
    Tokens {
        access_expires_at: end(token.expires_in),
        refresh_expires_at: end(token.refresh_expires_in),
        access: token.access,
        refresh: token.refresh,
        obtained_at: now,
    }
}

/// The fields that redeem a code (RFC 6749, 4.1.3; RFC 7636, 4.5).
pub(super) fn code_fields(
    app: &App,
    code: &Secret,
    verifier: Option<&Secret>,
) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", super::text(code)),
        ("redirect_uri", app.redirect_uri.clone()),
    ];
    fields.extend(verifier.map(|it| ("code_verifier", super::text(it))));
    fields
}

/// The fields that renew a token (RFC 6749, 6).
pub(super) fn refresh_fields(old: &Tokens) -> Result<Vec<(&'static str, String)>, Failure> {
    let missing = || Failure::new(Class::AuthExpired, "no_refresh_token");
    let refresh = old.refresh.as_ref().ok_or_else(missing)?;
    Ok(vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", super::text(refresh)),
    ])
}

/// What was granted. Where the platform does not say, it is what was asked for (RFC 6749, 5.1).
pub(super) fn granted(said: Option<BTreeSet<String>>, asked: &[&str]) -> BTreeSet<String> {
    said.unwrap_or_else(|| set(asked))
}

pub(super) fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The address of a standard consent page (RFC 6749, 4.1.1), with PKCE as RFC 7636 has it. Each of
/// `scopes` is separated by a space from the next.
pub(super) fn standard_url(
    page: String,
    app: &App,
    state: &Secret,
    verifier: Option<&Secret>,
    scopes: &[&str],
    more: &[(&'static str, &'static str)],
) -> String {
    let page = AuthUrl::new(page).expect("addresses of platforms are written by us");
    let redirect = RedirectUrl::new(app.redirect_uri.clone());
    let client = BasicClient::new(ClientId::new(app.client_id.clone()))
        .set_auth_uri(page)
        .set_redirect_uri(redirect.expect("PUBLIC_URL was checked when it was read"));
    let state = state.expose().to_owned();
    let mut request = client
        .authorize_url(|| CsrfToken::new(state))
        .add_scopes(scopes.iter().map(|&scope| Scope::new(scope.to_owned())));
    for (name, value) in more {
        request = request.add_extra_param(*name, *value);
    }
    if let Some(verifier) = verifier {
        let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        request = request.set_pkce_challenge(challenge);
    }
    let (url, _) = request.url();
    url.into()
}

/// Whether less than `margin` of a token's life is left. One whose end is not known is taken as is:
/// the platform says when it is over.
pub(super) fn ends_within(tokens: &Tokens, margin: Duration, now: Timestamp) -> bool {
    let margin = i64::try_from(margin.as_micros()).unwrap_or(i64::MAX);
    let end = tokens.access_expires_at;
    end.is_some_and(|end| end <= now.saturating_add_micros(margin))
}
