//! Turns an intent into a command of the domain: hashes ids, fingerprints texts, seals what is new.

use crate::PostMark;
use crate::intent::{Intent, Profile};
use crate::ports::{AccountKey, Subject, VaultError};
use crate::text::{PostText, ProfileText};
use domain::account::{
    AccountReading, Command, ConnectAccount, ImportAccount, PostReading, PostsReading,
    ProfileReading, SnapshotMetric,
};
use domain::{AccountId, PostKey, Sealed};

/// A command whose page of posts still lacks what is known of them.
pub(crate) struct Prepared {
    pub(crate) command: Command,
    /// The plain texts of a page's posts, in its order; sealed only where they are news.
    texts: Vec<Vec<u8>>,
}

/// Seals and hashes once, outside any retry. Without a key only that which seals nothing can be
/// prepared: for anything else there is [`VaultError::NoKey`].
pub(crate) fn prepare(
    account: AccountId,
    intent: Intent,
    key: Option<&dyn AccountKey>,
) -> Result<Prepared, VaultError> {
    let key = || key.ok_or(VaultError::NoKey(account));
    let mut texts = vec![];
    let command = match intent {
        Intent::Import {
            creator,
            platform,
            source,
            profile,
        } => {
            let profile = seal_reading(profile, key()?)?;
            Command::ImportAccount(ImportAccount {
                creator,
                platform,
                source,
                profile,
            })
        }
        Intent::Connect(connection) => Command::ConnectAccount(ConnectAccount {
            command_id: connection.command_id,
            creator: connection.creator,
            platform: connection.platform,
            scopes: connection.scopes,
            route: connection.route,
            consent: connection.consent,
            profile: seal_reading(connection.profile, key()?)?,
        }),
        Intent::RecordSync(sync) => Command::RecordSync(sync),
        Intent::SnapshotAccount {
            observed_at,
            period,
            values,
            provenance,
            profile,
        } => {
            let seal = |text| seal_profile(&text, key()?);
            let profile = profile.map(seal).transpose()?;
            let reading = AccountReading {
                observed_at,
                period,
                values,
                provenance,
                profile,
            };
            Command::SnapshotMetric(SnapshotMetric::Account(reading))
        }
        Intent::SnapshotPosts {
            observed_at,
            provenance,
            posts,
        } => {
            let key = key()?;
            let mut readings = Vec::with_capacity(posts.len());
            for post in posts {
                let name = key.post_key(&post.text.platform_post_id);
                let plain = plain(&post.text)?;
                // A bare id is sealed once, and never takes the place of a title.
                let text_fingerprint =
                    (!post.text.is_bare()).then(|| key.fingerprint(Subject::Post(name), &plain));
                readings.push(PostReading {
                    post: name,
                    published_at: post.published_at,
                    values: post.values,
                    text_fingerprint,
                    text: None,
                    known: None,
                });
                texts.push(plain);
            }
            let reading = PostsReading {
                observed_at,
                provenance,
                posts: readings,
            };
            Command::SnapshotMetric(SnapshotMetric::Posts(reading))
        }
        Intent::Disconnect {
            command_id,
            reason,
            at,
        } => Command::Disconnect {
            command_id,
            reason,
            at,
        },
        Intent::Erase(erase) => Command::EraseAccount(erase),
    };
    Ok(Prepared { command, texts })
}

impl Prepared {
    /// The posts that the command speaks of.
    pub(crate) fn posts(&self) -> impl Iterator<Item = PostKey> + '_ {
        let page = match &self.command {
            Command::SnapshotMetric(SnapshotMetric::Posts(page)) => page.posts.as_slice(),
            _ => &[],
        };
        page.iter().map(|post| post.post)
    }

    /// Fills in what is known of the page's posts, and seals the texts that are news.
    pub(crate) fn inform<'a>(
        &mut self,
        mark_of: impl Fn(&PostKey) -> Option<&'a PostMark>,
        key: Option<&dyn AccountKey>,
    ) -> Result<(), VaultError> {
        let (Command::SnapshotMetric(SnapshotMetric::Posts(page)), Some(key)) =
            (&mut self.command, key)
        else {
            return Ok(());
        };
        for (post, plain) in page.posts.iter_mut().zip(&self.texts) {
            post.known = mark_of(&post.post).copied();
            let known_text = post.known.and_then(|known| known.text);
            let same = match post.text_fingerprint {
                Some(fingerprint) => known_text == Some(fingerprint),
                None => known_text.is_some(),
            };
            if same {
                post.text = None;
            } else if post.text.is_none() {
                post.text = Some(key.seal(Subject::Post(post.post), plain)?);
            }
        }
        Ok(())
    }
}

fn seal_reading(profile: Profile, key: &dyn AccountKey) -> Result<ProfileReading, VaultError> {
    let sealed = seal_profile(&profile.text, key)?;
    Ok(ProfileReading {
        observed_at: profile.observed_at,
        sealed,
    })
}

fn seal_profile(text: &ProfileText, key: &dyn AccountKey) -> Result<Sealed, VaultError> {
    let plain = serde_json::to_vec(text).map_err(|e| VaultError::Unavailable(e.to_string()))?;
    key.seal(Subject::Profile, &plain)
}

fn plain(text: &PostText) -> Result<Vec<u8>, VaultError> {
    serde_json::to_vec(text).map_err(|e| VaultError::Unavailable(e.to_string()))
}
