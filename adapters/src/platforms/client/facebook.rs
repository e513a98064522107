//! Facebook Login for Pages: a long token of the person, and for each Page a token of its own.
//!
//! Sources: Facebook Login, access tokens; Graph API, user accounts, permissions.

use super::oauth::{App, Granted, OAuth, Offered, granted, set, standard_url, tokens};
use super::{GRAPH_VERSION, profile_of, token_of};
use crate::platforms::signature::meta_appsecret_proof;
use crate::platforms::transport::{Request, Transport};
use crate::platforms::{
    Call, Class, Content, Cursor, Endpoint, Failure, Grant, ManagedAccount, ProfileFound, Secret,
};
use crate::vault::credentials::{AccountAccess, Tokens};
use async_trait::async_trait;
use domain::{Platform, Timestamp};
use std::collections::BTreeSet;

const GRAPH: &str = "graph.facebook.com";
const LIST: &str = "pages_show_list";
const READ: &str = "pages_read_engagement";
const SCOPES: [&str; 4] = [LIST, READ, "pages_read_user_content", "read_insights"];
const FIELDS: [&str; 8] = [
    "id",
    "name",
    "username",
    "about",
    "followers_count",
    "fan_count",
    "link",
    "picture{url}",
];

/// The most pages of the list of Pages that are read, and Pages on each.
const MAX_LISTS: usize = 10;
const PAGES_A_LIST: &str = "100";

pub(super) struct FacebookLogin {
    app: App,
    transport: Transport,
}

impl FacebookLogin {
    pub(super) fn new(app: App, transport: Transport) -> Self {
        Self { app, transport }
    }

    /// A question to the Graph API, with the proof that it is our app that asks.
    fn graph(&self, call: Call, path: &str, access: &Secret) -> Request {
        let call = Call {
            api_version: Some(GRAPH_VERSION.to_owned()),
            ..call
        };
        Request::get(call, GRAPH, format!("/{GRAPH_VERSION}{path}"))
            .param("access_token", super::text(access))
            .param(
                "appsecret_proof",
                meta_appsecret_proof(&self.app.client_secret, access),
            )
    }

    fn token_request(&self, grant: Grant) -> Request {
        let mut call = Call::to(Endpoint::Token(grant));
        call.api_version = Some(GRAPH_VERSION.to_owned());
        Request::get(call, GRAPH, format!("/{GRAPH_VERSION}/oauth/access_token"))
            .param("client_id", self.app.client_id.clone())
            .param("client_secret", super::text(&self.app.client_secret))
    }

    async fn permissions(&self, access: &Secret) -> Result<Option<BTreeSet<String>>, Failure> {
        let mut call = Call::to(Endpoint::Scopes);
        call.scopes = Some(set(&SCOPES));
        let request = self.graph(call, "/me/permissions", access);
        let found = self.transport.look(Platform::Facebook, request).await?;
        Ok(match found.content {
            Content::Scopes(scopes) => Some(scopes),
            _ => None,
        })
    }

    async fn node(
        &self,
        id: &str,
        access: &Secret,
        fields: &[&str],
    ) -> Result<Box<ProfileFound>, Failure> {
        let call = Call::to(Endpoint::Profile);
        let request = self.graph(call, &format!("/{id}"), access).fields(fields);
        let found = profile_of(self.transport.look(Platform::Facebook, request).await?)?;
        found.ok_or_else(|| Failure::new(Class::Transient, "no_profile"))
    }

    /// The Pages that the person manages and let us see.
    async fn pages(&self, access: &Secret) -> Result<Vec<ManagedAccount>, Failure> {
        let mut pages = vec![];
        let mut next: Option<Cursor> = None;
        for _ in 0..MAX_LISTS {
            let mut request = self
                .graph(Call::to(Endpoint::Accounts), "/me/accounts", access)
                .fields(&["id", "name", "access_token"])
                .param("limit", PAGES_A_LIST);
            if let Some(Cursor(after)) = next.take() {
                request = request.param("after", after);
            }
            let found = self.transport.look(Platform::Facebook, request).await?;
            if let Content::Accounts(found) = found.content {
                pages.extend(found.accounts);
                next = found.next;
            }
            if next.is_none() {
                break;
            }
        }
        Ok(pages)
    }
}

#[async_trait]
impl OAuth for FacebookLogin {
    fn scopes(&self) -> &'static [&'static str] {
        &SCOPES
    }

    fn required(&self) -> &'static [&'static str] {
        &[LIST, READ]
    }

    fn takes_pkce(&self) -> bool {
        false
    }

    fn authorize_url(&self, state: &Secret, verifier: Option<&Secret>) -> String {
        let path = format!("/{GRAPH_VERSION}/dialog/oauth");
        let page = self.transport.address("www.facebook.com", &path);
        standard_url(page, &self.app, state, verifier, &[&SCOPES.join(",")], &[])
    }

    async fn redeem(
        &self,
        code: &Secret,
        _: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Granted, Failure> {
        let request = self
            .token_request(Grant::Code)
            .param("redirect_uri", self.app.redirect_uri.clone())
            .param("code", super::text(code));
        let short = token_of(self.transport.ask(Platform::Facebook, request).await?)?;
        let request = self
            .token_request(Grant::Exchange)
            .param("grant_type", "fb_exchange_token")
            .param("fb_exchange_token", super::text(&short.access));
        let long = token_of(self.transport.look(Platform::Facebook, request).await?)?;
        let tokens = tokens(long, now);
        let scopes = granted(self.permissions(&tokens.access).await?, &SCOPES);
        let me = self.node("me", &tokens.access, &["id"]).await?;
        // Without the scope the question is refused: the caller says which scope is missing.
        let pages = match scopes.contains(LIST) {
            true => self.pages(&tokens.access).await?,
            false => vec![],
        };
        let offered = |page: ManagedAccount| Offered {
            access: AccountAccess {
                platform_account_id: page.id,
                other_id: None,
                access: page.access,
            },
            name: page.name,
            profile: None,
        };
        Ok(Granted {
            person: me.text.platform_account_id,
            tokens,
            scopes,
            accounts: pages.into_iter().map(offered).collect(),
        })
    }

    async fn profile(
        &self,
        tokens: &Tokens,
        access: &AccountAccess,
    ) -> Result<Box<ProfileFound>, Failure> {
        let token = access.access.as_ref().unwrap_or(&tokens.access);
        self.node(&access.platform_account_id, token, &FIELDS).await
    }

    /// Tokens of Pages have no end, and nothing renews a person's but their own visit.
    fn is_due(&self, _: &Tokens, _: Timestamp) -> bool {
        false
    }

    fn can_renew(&self, _: &Tokens) -> bool {
        false
    }

    async fn renew(&self, old: &Tokens, _: Timestamp) -> Result<Tokens, Failure> {
        Ok(old.clone())
    }

    fn can_revoke(&self) -> bool {
        true
    }

    async fn revoke(&self, tokens: &Tokens) -> Result<(), Failure> {
        let mut call = Call::to(Endpoint::Revoke);
        call.api_version = Some(GRAPH_VERSION.to_owned());
        let path = format!("/{GRAPH_VERSION}/me/permissions");
        let request = Request::delete(call, GRAPH, path)
            .param("access_token", super::text(&tokens.access))
            .param(
                "appsecret_proof",
                meta_appsecret_proof(&self.app.client_secret, &tokens.access),
            );
        match self.transport.look(Platform::Facebook, request).await {
            // A token that is dead already has nothing left to revoke.
            Err(failure) if failure.needs_person() => Ok(()),
            found => found.map(drop),
        }
    }
}
