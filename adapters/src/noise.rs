//! Numbers that look random and are not: the same for the same seed, index and use.

/// Mixes a seed, an index such as a day and a use into 64 bits (SplitMix64's finaliser).
pub(crate) fn mix(seed: u64, index: i64, usage: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(index.cast_unsigned().wrapping_mul(0xbf58_476d_1ce4_e5b9))
        .wrapping_add(usage.wrapping_mul(0x94d0_49bb_1331_11eb));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from `low` to `high`, both included.
pub(crate) fn between(seed: u64, index: i64, usage: u64, low: i64, high: i64) -> i64 {
    let span = (high - low + 1).cast_unsigned().max(1);
    low + (mix(seed, index, usage) % span).cast_signed()
}

/// True in about one of `n` cases.
pub(crate) fn one_in(seed: u64, index: i64, usage: u64, n: u64) -> bool {
    mix(seed, index, usage).is_multiple_of(n.max(1))
}
