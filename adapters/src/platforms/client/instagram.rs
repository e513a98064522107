//! Instagram Login for professional accounts: a short token for the code, a long one for that, and
//! then a token that renews itself.
//!
//! Source: Instagram API with Instagram Login, business login.

use super::oauth::{App, Granted, OAuth, Offered, ends_within, granted, set, standard_url, tokens};
use super::{GRAPH_VERSION, profile_of, token_of};
use crate::platforms::transport::{Body, Request, Transport};
use crate::platforms::{Call, Class, Endpoint, Failure, Grant, ProfileFound, Secret};
use crate::vault::credentials::{AccountAccess, Tokens};
use async_trait::async_trait;
use domain::{Platform, Timestamp};
use std::time::Duration;

const GRAPH: &str = "graph.instagram.com";
const BASIC: &str = "instagram_business_basic";
const SCOPES: [&str; 2] = [BASIC, "instagram_business_manage_insights"];
const FIELDS: [&str; 11] = [
    "id",
    "user_id",
    "username",
    "name",
    "account_type",
    "profile_picture_url",
    "followers_count",
    "follows_count",
    "media_count",
    "biography",
    "website",
];

/// Long tokens live for 60 days; one with less than this left is renewed.
const RENEW_AHEAD: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// A token that is younger is refused a renewal.
const YOUNGEST: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct InstagramLogin {
    app: App,
    transport: Transport,
}

impl InstagramLogin {
    pub(super) fn new(app: App, transport: Transport) -> Self {
        Self { app, transport }
    }

    async fn me(&self, access: &Secret) -> Result<Box<ProfileFound>, Failure> {
        let mut call = Call::to(Endpoint::Profile);
        call.api_version = Some(GRAPH_VERSION.to_owned());
        let request = Request::get(call, GRAPH, format!("/{GRAPH_VERSION}/me"))
            .fields(&FIELDS)
            .param("access_token", super::text(access));
        let found = profile_of(self.transport.look(Platform::Instagram, request).await?)?;
        found.ok_or_else(|| Failure::new(Class::Transient, "no_profile"))
    }
}

#[async_trait]
impl OAuth for InstagramLogin {
    fn scopes(&self) -> &'static [&'static str] {
        &SCOPES
    }

    fn required(&self) -> &'static [&'static str] {
        &[BASIC]
    }

    fn takes_pkce(&self) -> bool {
        false
    }

    fn authorize_url(&self, state: &Secret, verifier: Option<&Secret>) -> String {
        let page = self
            .transport
            .address("www.instagram.com", "/oauth/authorize");
        standard_url(page, &self.app, state, verifier, &[&SCOPES.join(",")], &[])
    }

    async fn redeem(
        &self,
        code: &Secret,
        _: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Granted, Failure> {
        let mut call = Call::to(Endpoint::Token(Grant::Code));
        call.scopes = Some(set(&SCOPES));
        let body = Body::Multipart(vec![
            ("client_id", self.app.client_id.clone()),
            ("client_secret", super::text(&self.app.client_secret)),
            ("grant_type", "authorization_code".to_owned()),
            ("redirect_uri", self.app.redirect_uri.clone()),
            ("code", super::text(code)),
        ]);
        let request = Request::post(call, "api.instagram.com", "/oauth/access_token", body);
        let short = token_of(self.transport.ask(Platform::Instagram, request).await?)?;
        let scopes = granted(short.scopes.clone(), &SCOPES);
        let call = Call::to(Endpoint::Token(Grant::Exchange));
        let request = Request::get(call, GRAPH, "/access_token")
            .param("grant_type", "ig_exchange_token")
            .param("client_secret", super::text(&self.app.client_secret))
            .param("access_token", super::text(&short.access));
        let long = token_of(self.transport.look(Platform::Instagram, request).await?)?;
        let tokens = tokens(long, now);
        // Without the scope the question is refused: the caller says which scope is missing.
        let profile = match scopes.contains(BASIC) {
            true => Some(self.me(&tokens.access).await?),
            false => None,
        };
        let offered = |profile: Box<ProfileFound>| {
            let name = profile.text.handle.clone();
            Offered::of(profile, name)
        };
        let accounts: Vec<_> = profile.map(offered).into_iter().collect();
        // Messages about the person name them by the id that is our app's alone.
        let first = accounts.first().map(|it| &it.access);
        let known = first.map(|it| it.other_id.as_ref().unwrap_or(&it.platform_account_id));
        Ok(Granted {
            person: known.cloned().or(short.account_id).unwrap_or_default(),
            tokens,
            scopes,
            accounts,
        })
    }

    async fn profile(
        &self,
        tokens: &Tokens,
        _: &AccountAccess,
    ) -> Result<Box<ProfileFound>, Failure> {
        self.me(&tokens.access).await
    }

    fn is_due(&self, tokens: &Tokens, now: Timestamp) -> bool {
        let youngest = i64::try_from(YOUNGEST.as_micros()).unwrap_or(i64::MAX);
        let is_old_enough = tokens.obtained_at.saturating_add_micros(youngest) <= now;
        is_old_enough && ends_within(tokens, RENEW_AHEAD, now)
    }

    fn can_renew(&self, _: &Tokens) -> bool {
        true
    }

    async fn renew(&self, old: &Tokens, now: Timestamp) -> Result<Tokens, Failure> {
        let call = Call::to(Endpoint::Token(Grant::Refresh));
        let request = Request::get(call, GRAPH, "/refresh_access_token")
            .param("grant_type", "ig_refresh_token")
            .param("access_token", super::text(&old.access));
        let found = self.transport.look(Platform::Instagram, request).await?;
        Ok(tokens(token_of(found)?, now))
    }

    /// None is documented: the token is wiped here, and the person removes the app there.
    fn can_revoke(&self) -> bool {
        false
    }

    async fn revoke(&self, _: &Tokens) -> Result<(), Failure> {
        Ok(())
    }
}
