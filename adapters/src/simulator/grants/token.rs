//! Tokens that carry what they stand for, signed so that none can be made up.

use super::super::scopes::Scopes;
use super::super::world::AccountKey;
use data_encoding::BASE64URL_NOPAD;
use domain::Platform;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a token's content, and of its signature.
const CONTENT: usize = 50;
const SIGNATURE: usize = 16;

/// What a person agreed to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::simulator) struct Grant {
    pub(in crate::simulator) id: u64,
    pub(in crate::simulator) platform: Platform,
    pub(in crate::simulator) creator: u32,
    /// The accounts, a bit each by ordinal: the Pages that were chosen, or the one account.
    pub(in crate::simulator) accounts: u8,
    pub(in crate::simulator) scopes: Scopes,
    /// What was asked for, granted or not.
    pub(in crate::simulator) asked: Scopes,
    /// How often the person had taken everything back when the token was made.
    pub(in crate::simulator) generation: u16,
    /// The how manieth refresh token it is.
    pub(in crate::simulator) rotation: u32,
    /// When the person agreed, in Unix seconds.
    pub(in crate::simulator) since: i64,
}

impl Grant {
    /// The accounts that the grant is for.
    pub(in crate::simulator) fn accounts(&self) -> impl Iterator<Item = AccountKey> + use<> {
        let (bits, creator, platform) = (self.accounts, self.creator, self.platform);
        let ordinals = (0..8).filter(move |ordinal| bits & 1 << ordinal != 0);
        ordinals.map(move |ordinal| AccountKey {
            creator,
            platform,
            ordinal,
        })
    }

    /// Whether the grant is for an account.
    pub(in crate::simulator) fn is_for(&self, account: AccountKey) -> bool {
        self.accounts().any(|it| it == account)
    }

    /// Whether it has a scope.
    pub(in crate::simulator) fn has(&self, scope: &str) -> bool {
        self.scopes.has(self.platform, scope)
    }
}

/// What a token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::simulator) enum Kind {
    /// Calls, for an hour or so.
    Access = 1,
    /// Calls, for weeks.
    Long = 2,
    /// Calls for one Page.
    Page = 3,
    /// New access tokens.
    Refresh = 4,
}

/// A token, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::simulator) struct Token {
    pub(in crate::simulator) grant: Grant,
    pub(in crate::simulator) kind: Kind,
    /// In Unix seconds.
    pub(in crate::simulator) issued: i64,
    /// In Unix seconds; `None` is never.
    pub(in crate::simulator) expires: Option<i64>,
}

/// Makes tokens and reads them.
pub(super) struct Signer([u8; 8]);

impl Signer {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.to_be_bytes())
    }

    pub(super) fn sign(&self, token: &Token) -> String {
        let mut bytes = encode(token);
        bytes.extend(self.signature(&bytes));
        let text = BASE64URL_NOPAD.encode(&bytes);
        format!("{}{text}", prefix(token.grant.platform, token.kind))
    }

    pub(super) fn read(&self, text: &str) -> Option<Token> {
        let all = [Kind::Access, Kind::Long, Kind::Page, Kind::Refresh];
        let bare = Platform::ALL.into_iter().find_map(|platform| {
            all.iter()
                .find_map(|kind| text.strip_prefix(prefix(platform, *kind)))
        })?;
        let bytes = BASE64URL_NOPAD.decode(bare.as_bytes()).ok()?;
        let (content, signature) = bytes.split_at_checked(CONTENT)?;
        let token = decode(content)?;
        let is_ours = self.signature(content) == signature;
        let is_named_so = text.starts_with(prefix(token.grant.platform, token.kind));
        (is_ours && is_named_so).then_some(token)
    }

    fn signature(&self, content: &[u8]) -> Vec<u8> {
        let mut key = [0; 64];
        for (to, from) in key.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&key.into());
        mac.update(content);
        let bytes = mac.finalize().into_bytes();
        bytes.iter().copied().take(SIGNATURE).collect()
    }
}

/// How tokens of a kind begin, as the platforms' do.
fn prefix(platform: Platform, kind: Kind) -> &'static str {
    match (platform, kind) {
        (Platform::Facebook, _) => "EAA",
        (Platform::Instagram, _) => "IGAA",
        (Platform::Tiktok, Kind::Refresh) => "rft.",
        (Platform::Tiktok, _) => "act.",
        (Platform::Youtube, Kind::Refresh) => "1//0",
        (Platform::Youtube, _) => "ya29.",
    }
}

fn encode(token: &Token) -> Vec<u8> {
    let grant = &token.grant;
    let mut bytes = Vec::with_capacity(CONTENT + SIGNATURE);
    bytes.push(grant.platform as u8);
    bytes.push(token.kind as u8);
    bytes.push(grant.accounts);
    bytes.extend(grant.creator.to_be_bytes());
    bytes.extend(grant.id.to_be_bytes());
    bytes.extend(grant.scopes.0.to_be_bytes());
    bytes.extend(grant.asked.0.to_be_bytes());
    bytes.extend(grant.generation.to_be_bytes());
    bytes.extend(grant.rotation.to_be_bytes());
    bytes.extend(grant.since.to_be_bytes());
    bytes.extend(token.issued.to_be_bytes());
    bytes.extend(token.expires.unwrap_or(i64::MAX).to_be_bytes());
    bytes.push(0);
    bytes
}

fn decode(content: &[u8]) -> Option<Token> {
    let mut rest = content;
    let platform = *Platform::ALL.get(usize::from(u8::from_be_bytes(take(&mut rest)?)))?;
    let kind = match u8::from_be_bytes(take(&mut rest)?) {
        1 => Kind::Access,
        2 => Kind::Long,
        3 => Kind::Page,
        4 => Kind::Refresh,
        _ => return None,
    };
    let grant = Grant {
        platform,
        accounts: u8::from_be_bytes(take(&mut rest)?),
        creator: u32::from_be_bytes(take(&mut rest)?),
        id: u64::from_be_bytes(take(&mut rest)?),
        scopes: Scopes(u16::from_be_bytes(take(&mut rest)?)),
        asked: Scopes(u16::from_be_bytes(take(&mut rest)?)),
        generation: u16::from_be_bytes(take(&mut rest)?),
        rotation: u32::from_be_bytes(take(&mut rest)?),
        since: i64::from_be_bytes(take(&mut rest)?),
    };
    let issued = i64::from_be_bytes(take(&mut rest)?);
    let expires = i64::from_be_bytes(take(&mut rest)?);
    Some(Token {
        grant,
        kind,
        issued,
        expires: (expires != i64::MAX).then_some(expires),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}
