//! Who lives in the world: six creators with parts to play, and as many more as are asked for.

use crate::noise::{between, mix, one_in};
use domain::Platform;

/// What sets a creator apart.
#[derive(Clone, Debug)]
pub(super) struct Role {
    /// An invented name.
    pub(super) name: String,
    /// The stem of the handles.
    pub(super) handle: String,
    /// Followers of an account when its history begins.
    pub(super) followers: i64,
    /// Pages that the creator manages.
    pub(super) pages: u8,
    /// Channels that the creator has.
    pub(super) channels: u8,
    /// Whether likes are hidden on Instagram.
    pub(super) hides_likes: bool,
    /// Whether YouTube hides the subscribers.
    pub(super) hides_followers: bool,
    /// Whether Instagram shows no replies to stories, as in the EU.
    pub(super) in_eu: bool,
    /// Whether the older media are from before the account was a business's.
    pub(super) converted_late: bool,
}

/// Name, handle, followers, pages, channels.
const LEADS: [(&str, &str, i64, u8, u8); 6] = [
    ("Pip Quillfeather", "pip.quillfeather", 132_045, 2, 1),
    ("Odalys Marrowmint", "odalys.marrowmint", 2_400_311, 1, 1),
    ("Tobin Saltlantern", "tobin.saltlantern", 41, 1, 0),
    ("Yusra Cloudpepper", "yusra.cloudpepper", 18_220, 1, 1),
    ("Ziggy Thimblestorm", "ziggy.thimblestorm", 541_900, 1, 2),
    ("Noor Fennelwick", "noor.fennelwick", 4_118, 0, 1),
];

const FIRST: [&str; 16] = [
    "Bram", "Calla", "Dorrit", "Esme", "Faro", "Gilda", "Hesper", "Ivo", "Juno", "Kestrel", "Lumi",
    "Moss", "Nettle", "Orrin", "Perpetua", "Quince",
];
const LAST: [&str; 16] = [
    "Applegrove",
    "Bellwhistle",
    "Cinderloom",
    "Dewthimble",
    "Emberpatch",
    "Foxwaffle",
    "Gingerbridge",
    "Hollowpenny",
    "Inkpuddle",
    "Jasperkite",
    "Kettledove",
    "Lanternmoss",
    "Mapledrum",
    "Nutmegsky",
    "Oatspindle",
    "Pebblewren",
];

const SIZE: u64 = 1;
const FIRST_NAME: u64 = 2;
const LAST_NAME: u64 = 3;
const PAGES: u64 = 4;
const CHANNELS: u64 = 5;
const TRAIT: u64 = 6;

impl Role {
    /// How many accounts the creator has on a platform.
    pub(super) fn accounts(&self, platform: Platform) -> u8 {
        match platform {
            Platform::Facebook => self.pages,
            Platform::Instagram | Platform::Tiktok => 1,
            Platform::Youtube => self.channels,
        }
    }
}

/// The part of a creator.
pub(super) fn role(seed: u64, creator: u32) -> Role {
    if let Some(&(name, handle, followers, pages, channels)) = LEADS.get(creator as usize) {
        return Role {
            name: name.to_owned(),
            handle: handle.to_owned(),
            followers,
            pages,
            channels,
            hides_likes: creator == 3,
            hides_followers: creator == 3,
            in_eu: matches!(creator, 1 | 4),
            converted_late: creator == 5,
        };
    }
    let index = i64::from(creator);
    let pick = |usage, names: [&'static str; 16]| {
        let at = mix(0, index, usage) % 16;
        names.into_iter().nth(at as usize).unwrap_or_default()
    };
    let (first, last) = (pick(FIRST_NAME, FIRST), pick(LAST_NAME, LAST));
    // Few are large: each power of ten is as likely as the next.
    let power = 10_i64.pow(between(seed, index, SIZE, 1, 5) as u32);
    let one_in = |usage, n| one_in(seed, index, usage, n);
    Role {
        name: format!("{first} {last} {creator}"),
        handle: format!("{first}.{last}.{creator}").to_lowercase(),
        followers: between(seed, index, SIZE + 100, power, power * 9),
        pages: between(seed, index, PAGES, 0, 2) as u8,
        channels: u8::from(!one_in(CHANNELS, 8)) + u8::from(one_in(CHANNELS + 100, 10)),
        hides_likes: one_in(TRAIT, 9),
        hides_followers: one_in(TRAIT + 1, 12),
        in_eu: one_in(TRAIT + 2, 3),
        converted_late: one_in(TRAIT + 3, 10),
    }
}

/// The index of the creator with this handle or name. Names of those without a part end in it.
pub(super) fn find(hint: &str, creators: u32) -> Option<u32> {
    let is = |text: &str| text.eq_ignore_ascii_case(hint);
    let lead = LEADS
        .iter()
        .position(|(name, handle, ..)| is(name) || is(handle));
    if let Some(lead) = lead {
        return u32::try_from(lead).ok();
    }
    let digits = hint.rsplit(['.', ' ']).next()?;
    let index: u32 = digits.parse().ok().filter(|index| *index < creators)?;
    // Names do not depend on the seed.
    let role = role(0, index);
    (is(&role.name) || is(&role.handle)).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_found_by_handle_and_name() {
        for creator in [0, 3, 5, 6, 77, 99_999] {
            let role = role(7, creator);
            assert_eq!(find(&role.handle, 100_000), Some(creator));
            assert_eq!(find(&role.name, 100_000), Some(creator));
        }
        assert_eq!(find("nobody.99", 100_000), None);
        assert_eq!(find(&role(7, 50).handle, 50), None);
    }

    #[test]
    fn a_crowd_is_of_all_kinds() {
        let crowd: Vec<_> = (0..500).map(|it| role(1, it)).collect();
        let count = |is: fn(&Role) -> bool| crowd.iter().filter(|it| is(it)).count();
        assert!(count(|it| it.followers < 100) > 20);
        assert!(count(|it| it.followers > 100_000) > 50);
        assert!(count(|it| it.pages == 0) > 50 && count(|it| it.pages == 2) > 50);
        assert!(count(|it| it.channels == 0) > 10 && count(|it| it.channels == 2) > 10);
        assert!(count(|it| it.hides_likes) > 10 && count(|it| it.in_eu) > 50);
    }
}
