//! The platforms: how their replies and messages are understood, and how they are called.
//!
//! A platform is a line in [`reader`] and a folder. A [`Call`] says what was asked, a [`Reply`] what
//! came back; the reader makes of them either something [`Understood`] or a [`Failure`]. Readers
//! are pure, tolerate what they do not know, and never make up a number.

mod address;
mod call;
mod callback;
mod class;
pub mod client;
mod facebook;
mod failure;
mod instagram;
mod json;
pub mod manifest;
mod meta;
mod moment;
mod notice;
mod posts;
mod reading;
mod reply;
mod secret;
pub mod signature;
#[cfg(test)]
mod tests;
mod tiktok;
mod tokens;
pub mod transport;
mod understood;
mod usage;
mod youtube;

pub use address::Address;
pub use call::{Call, Endpoint, Grant};
pub use callback::{Callback, Consent, InvalidCallback};
pub use class::{Class, UnknownClass};
pub use failure::{Code, Failure, Fault, Wait};
pub use json::{Doubt, Why};
pub use notice::{NotANotice, Notice, What};
pub use reading::Reading;
pub use reply::{Headers, MAX_BODY_BYTES, NoReply, Reply};
pub use secret::Secret;
pub use understood::{
    Accounts, Content, Cursor, Figure, FigureUnit, Form, Insights, ManagedAccount, PostFound,
    PostsFound, ProfileFound, SecretId, Token, TokenFacts, Understood,
};
pub use usage::Usage;

use domain::Platform;

/// What an adapter knows of its platform's replies.
pub trait Reader: Sync {
    /// What a call to this address asks for.
    fn call(&self, method: &str, address: &Address) -> Call;

    /// What a reply says, or why it is no answer.
    fn understand(&self, call: &Call, reply: &Reply) -> Result<Understood, Failure>;

    /// What a message says. Its signature has been verified before.
    fn notices(&self, body: &[u8]) -> Result<Vec<Notice>, NotANotice>;
}

/// The registry: the reader of each platform.
pub fn reader(platform: Platform) -> &'static dyn Reader {
    match platform {
        Platform::Facebook => &facebook::READER,
        Platform::Instagram => &instagram::READER,
        Platform::Tiktok => &tiktok::Tiktok,
        Platform::Youtube => &youtube::Youtube,
    }
}
