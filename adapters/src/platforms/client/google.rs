//! Google's OAuth for YouTube channels: the standard, with offline access.
//!
//! Sources: OAuth 2 for web server applications; YouTube Data API, channels.

use super::oauth::{
    App, Granted, OAuth, Offered, code_fields, ends_within, granted, refresh_fields, standard_url,
    tokens,
};
use super::{profile_of, token_of};
use crate::platforms::transport::{Body, Request, Transport};
use crate::platforms::{Call, Class, Endpoint, Failure, Grant, ProfileFound, Secret};
use crate::vault::credentials::{AccountAccess, Tokens};
use async_trait::async_trait;
use domain::{Platform, Timestamp};
use std::time::Duration;

const READONLY: &str = "https://www.googleapis.com/auth/youtube.readonly";
const ANALYTICS: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";
const SCOPES: [&str; 2] = [READONLY, ANALYTICS];

/// Access tokens live for an hour; one that ends this soon is renewed first.
const RENEW_AHEAD: Duration = Duration::from_secs(5 * 60);

pub(super) struct GoogleLogin {
    app: App,
    transport: Transport,
}

impl GoogleLogin {
    pub(super) fn new(app: App, transport: Transport) -> Self {
        Self { app, transport }
    }

    fn token_request(&self, grant: Grant, mut fields: Vec<(&'static str, String)>) -> Request {
        fields.push(("client_id", self.app.client_id.clone()));
        fields.push(("client_secret", super::text(&self.app.client_secret)));
        let mut call = Call::to(Endpoint::Token(grant));
        call.scopes = Some(super::oauth::set(&SCOPES));
        Request::post(call, "oauth2.googleapis.com", "/token", Body::Form(fields))
    }

    async fn channel(&self, access: &Secret) -> Result<Option<Box<ProfileFound>>, Failure> {
        let mut call = Call::to(Endpoint::Profile);
        call.api_version = Some("v3".to_owned());
        let request = Request::get(call, "www.googleapis.com", "/youtube/v3/channels")
            .param("part", "id,snippet,contentDetails,statistics")
            .param("mine", "true")
            .bearer(access);
        profile_of(self.transport.look(Platform::Youtube, request).await?)
    }
}

#[async_trait]
impl OAuth for GoogleLogin {
    fn scopes(&self) -> &'static [&'static str] {
        &SCOPES
    }

    fn required(&self) -> &'static [&'static str] {
        &[READONLY]
    }

    fn takes_pkce(&self) -> bool {
        true
    }

    fn authorize_url(&self, state: &Secret, verifier: Option<&Secret>) -> String {
        let page = self
            .transport
            .address("accounts.google.com", "/o/oauth2/v2/auth");
        // Without the prompt a second consent brings no refresh token.
        let more = [
            ("access_type", "offline"),
            ("prompt", "consent"),
            ("include_granted_scopes", "true"),
        ];
        standard_url(page, &self.app, state, verifier, &SCOPES, &more)
    }

    async fn redeem(
        &self,
        code: &Secret,
        verifier: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Granted, Failure> {
        let fields = code_fields(&self.app, code, verifier);
        let request = self.token_request(Grant::Code, fields);
        let token = token_of(self.transport.ask(Platform::Youtube, request).await?)?;
        let scopes = granted(token.scopes.clone(), &SCOPES);
        let tokens = tokens(token, now);
        // Without the scope the question is refused: the caller says which scope is missing.
        let channel = match scopes.contains(READONLY) {
            true => self.channel(&tokens.access).await?,
            false => None,
        };
        let offered = |profile: Box<ProfileFound>| {
            let name = profile.text.name.clone();
            Offered::of(profile, name)
        };
        let accounts: Vec<_> = channel.map(offered).into_iter().collect();
        let first = accounts.first();
        let person = first.map(|it| it.access.platform_account_id.clone());
        Ok(Granted {
            person: person.unwrap_or_default(),
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
        let channel = self.channel(&tokens.access).await?;
        channel.ok_or_else(|| Failure::new(Class::NoChannel, "no_channel"))
    }

    fn is_due(&self, tokens: &Tokens, now: Timestamp) -> bool {
        ends_within(tokens, RENEW_AHEAD, now)
    }

    fn can_renew(&self, tokens: &Tokens) -> bool {
        tokens.refresh.is_some()
    }

    async fn renew(&self, old: &Tokens, now: Timestamp) -> Result<Tokens, Failure> {
        let request = self.token_request(Grant::Refresh, refresh_fields(old)?);
        let found = self.transport.look(Platform::Youtube, request).await?;
        Ok(tokens(token_of(found)?, now))
    }

    fn can_revoke(&self) -> bool {
        true
    }

    async fn revoke(&self, tokens: &Tokens) -> Result<(), Failure> {
        // The refresh token outlives the access token, and either ends the grant.
        let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
        let call = Call::to(Endpoint::Revoke);
        let body = Body::Form(vec![("token", super::text(token))]);
        let request = Request::post(call, "oauth2.googleapis.com", "/revoke", body);
        let found = self.transport.look(Platform::Youtube, request).await;
        found.map(drop)
    }
}
