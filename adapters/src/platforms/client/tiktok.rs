//! TikTok's Login Kit: OAuth with a name of its own for the client, commas between scopes, and a
//! PKCE challenge in hex where a desktop app is registered.
//!
//! Sources: Login Kit for Web, Login Kit for Desktop, OAuth token management, user info.

use super::oauth::{
    App, Granted, OAuth, Offered, code_fields, ends_within, granted, refresh_fields, set, tokens,
};
use super::{profile_of, token_of};
use crate::platforms::signature::pkce_challenge_tiktok;
use crate::platforms::transport::{Body, Request, Transport};
use crate::platforms::{Call, Class, Endpoint, Failure, Grant, ProfileFound, Secret};
use crate::vault::credentials::{AccountAccess, Tokens};
use async_trait::async_trait;
use domain::{Platform, Timestamp};
use reqwest::Url;
use std::collections::BTreeSet;
use std::time::Duration;

const HOST: &str = "open.tiktokapis.com";
const BASIC: &str = "user.info.basic";
const SCOPES: [&str; 4] = [BASIC, "user.info.profile", "user.info.stats", "video.list"];

/// Which fields a scope opens: asking for one without its scope fails the whole call.
const FIELDS: [(&str, &[&str]); 3] = [
    (
        BASIC,
        &[
            "open_id",
            "union_id",
            "avatar_url",
            "avatar_large_url",
            "display_name",
        ],
    ),
    (
        "user.info.profile",
        &[
            "bio_description",
            "profile_deep_link",
            "profile_web_link",
            "is_verified",
            "username",
        ],
    ),
    (
        "user.info.stats",
        &[
            "follower_count",
            "following_count",
            "likes_count",
            "video_count",
        ],
    ),
];

/// Access tokens live for a day; one that ends this soon is renewed before a sync begins.
const RENEW_AHEAD: Duration = Duration::from_secs(2 * 60 * 60);

pub(super) struct TiktokLogin {
    app: App,
    transport: Transport,
}

impl TiktokLogin {
    pub(super) fn new(app: App, transport: Transport) -> Self {
        Self { app, transport }
    }

    fn token_request(&self, grant: Grant, mut fields: Vec<(&'static str, String)>) -> Request {
        fields.push(("client_key", self.app.client_id.clone()));
        fields.push(("client_secret", super::text(&self.app.client_secret)));
        let mut call = Call::to(Endpoint::Token(grant));
        call.api_version = Some("v2".to_owned());
        call.scopes = Some(set(&SCOPES));
        Request::post(call, HOST, "/v2/oauth/token/", Body::Form(fields))
    }

    async fn user(
        &self,
        access: &Secret,
        scopes: &BTreeSet<String>,
    ) -> Result<Box<ProfileFound>, Failure> {
        let open = FIELDS.iter().filter(|(scope, _)| scopes.contains(*scope));
        let fields: Vec<&str> = open.flat_map(|(_, fields)| *fields).copied().collect();
        let mut call = Call::to(Endpoint::Profile);
        call.api_version = Some("v2".to_owned());
        let request = Request::get(call, HOST, "/v2/user/info/")
            .fields(&fields)
            .bearer(access);
        let found = profile_of(self.transport.look(Platform::Tiktok, request).await?)?;
        found.ok_or_else(|| Failure::new(Class::Transient, "no_profile"))
    }
}

#[async_trait]
impl OAuth for TiktokLogin {
    fn scopes(&self) -> &'static [&'static str] {
        &SCOPES
    }

    fn required(&self) -> &'static [&'static str] {
        &[BASIC]
    }

    /// Only an app for the desktop, which comes back to this very machine, may and must.
    fn takes_pkce(&self) -> bool {
        let redirect = Url::parse(&self.app.redirect_uri);
        redirect.is_ok_and(|url| {
            let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
            url.scheme() == "http" && is_local && url.port().is_some()
        })
    }

    fn authorize_url(&self, state: &Secret, verifier: Option<&Secret>) -> String {
        let page = self
            .transport
            .address("www.tiktok.com", "/v2/auth/authorize/");
        let mut url = Url::parse(&page).expect("addresses of platforms are written by us");
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_key", &self.app.client_id)
            .append_pair("response_type", "code")
            .append_pair("scope", &SCOPES.join(","))
            .append_pair("redirect_uri", &self.app.redirect_uri)
            .append_pair("state", state.expose());
        if let Some(verifier) = verifier {
            query
                .append_pair("code_challenge", &pkce_challenge_tiktok(verifier))
                .append_pair("code_challenge_method", "S256");
        }
        drop(query);
        url.into()
    }

    async fn redeem(
        &self,
        code: &Secret,
        verifier: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Granted, Failure> {
        let fields = code_fields(&self.app, code, verifier);
        let request = self.token_request(Grant::Code, fields);
        let token = token_of(self.transport.ask(Platform::Tiktok, request).await?)?;
        let scopes = granted(token.scopes.clone(), &SCOPES);
        let person = token.account_id.clone();
        let tokens = tokens(token, now);
        // Without the scope the question is refused: the caller says which scope is missing.
        let profile = match scopes.contains(BASIC) {
            true => Some(self.user(&tokens.access, &scopes).await?),
            false => None,
        };
        let offered = |profile: Box<ProfileFound>| {
            let name = profile.text.name.clone();
            Offered::of(profile, name)
        };
        let accounts: Vec<_> = profile.map(offered).into_iter().collect();
        let first = accounts.first();
        let known = first.map(|it| it.access.platform_account_id.clone());
        Ok(Granted {
            person: person.or(known).unwrap_or_default(),
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
        self.user(&tokens.access, &set(&SCOPES)).await
    }

    fn is_due(&self, tokens: &Tokens, now: Timestamp) -> bool {
        ends_within(tokens, RENEW_AHEAD, now)
    }

    fn can_renew(&self, tokens: &Tokens) -> bool {
        tokens.refresh.is_some()
    }

    /// Asked once: the refresh token may change with every answer, also with one that is lost.
    async fn renew(&self, old: &Tokens, now: Timestamp) -> Result<Tokens, Failure> {
        let request = self.token_request(Grant::Refresh, refresh_fields(old)?);
        let found = self.transport.ask(Platform::Tiktok, request).await?;
        Ok(tokens(token_of(found)?, now))
    }

    fn can_revoke(&self) -> bool {
        true
    }

    async fn revoke(&self, tokens: &Tokens) -> Result<(), Failure> {
        let fields = vec![
            ("client_key", self.app.client_id.clone()),
            ("client_secret", super::text(&self.app.client_secret)),
            ("token", super::text(&tokens.access)),
        ];
        let call = Call::to(Endpoint::Revoke);
        let request = Request::post(call, HOST, "/v2/oauth/revoke/", Body::Form(fields));
        let found = self.transport.look(Platform::Tiktok, request).await;
        found.map(drop)
    }
}
