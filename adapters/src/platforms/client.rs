//! Clients of the platforms: what is asked of them, in the terms of their readers.

mod facebook;
mod google;
mod instagram;
mod oauth;
mod tiktok;

pub use oauth::{App, Granted, OAuth, Offered};

use super::transport::Transport;
use super::{Class, Secret};
use super::{Content, Failure, ProfileFound, Token, Understood};
use domain::Platform;
use std::sync::Arc;

/// The version of Meta's Graph API that is asked (v25.0 of 2026-02-18 holds until 2028-07-29).
pub(super) const GRAPH_VERSION: &str = "v25.0";

/// The registry: the OAuth client of each platform, for an app of ours there.
pub fn oauth(platform: Platform, app: App, transport: Transport) -> Arc<dyn OAuth> {
    match platform {
        Platform::Facebook => Arc::new(facebook::FacebookLogin::new(app, transport)),
        Platform::Instagram => Arc::new(instagram::InstagramLogin::new(app, transport)),
        Platform::Tiktok => Arc::new(tiktok::TiktokLogin::new(app, transport)),
        Platform::Youtube => Arc::new(google::GoogleLogin::new(app, transport)),
    }
}

/// The token that a reply must hold.
fn token_of(found: Understood) -> Result<Token, Failure> {
    match found.content {
        Content::Token(token) => Ok(token),
        _ => Err(Failure::new(Class::Transient, "no_token")),
    }
}

/// The profile that a reply must hold.
fn profile_of(found: Understood) -> Result<Option<Box<ProfileFound>>, Failure> {
    match found.content {
        Content::Profile(profile) => Ok(Some(profile)),
        _ if found.class == Class::OkNoChannel => Ok(None),
        _ => Err(Failure::new(Class::Transient, "no_profile")),
    }
}

/// A token's text, for the platforms that want it as a parameter.
fn text(token: &Secret) -> String {
    token.expose().to_owned()
}
