//! One hash over the tips of many streams: a Merkle tree in the manner of RFC 6962.
//!
//! A leaf is SHA-256 over a zero byte, the length of the stream's name as a 64-bit big-endian
//! number, the name, the last revision as a 64-bit big-endian number, and the last event's hash.
//! A node is SHA-256 over a byte of one, its left and its right child. The left child holds the
//! largest power of two of leaves that leaves any for the right one. Leaves are in the order of
//! the bytes of their streams' names. Over nothing at all, the root is SHA-256 of nothing.

use super::ChainHash;
use super::verify::Tip;
use sha2::{Digest, Sha256};

/// Takes leaves in their order and holds one hash for each level of the tree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Whole subtrees from the left, with how many leaves each has: ever smaller powers of two.
    subtrees: Vec<(u64, [u8; 32])>,
    leaves: u64,
}

impl Tree {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the tip of the next stream.
    pub fn push(&mut self, stream: &str, tip: Tip) {
        self.leaves += 1;
        let mut size = 1;
        let mut hash = leaf(stream, tip);
        while let Some((_, left)) = self.subtrees.pop_if(|(left, _)| *left == size) {
            hash = node(&left, &hash);
            size *= 2;
        }
        self.subtrees.push((size, hash));
    }

    /// How many leaves there are.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root.
    pub fn root(mut self) -> ChainHash {
        let Some((_, mut hash)) = self.subtrees.pop() else {
            return ChainHash(Sha256::digest([]).into());
        };
        while let Some((_, left)) = self.subtrees.pop() {
            hash = node(&left, &hash);
        }
        ChainHash(hash)
    }
}

fn leaf(stream: &str, tip: Tip) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update((stream.len() as u64).to_be_bytes());
    hash.update(stream.as_bytes());
    hash.update(tip.revision.to_be_bytes());
    hash.update(tip.hash.0);
    hash.finalize().into()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(n: u8) -> Tip {
        Tip {
            revision: n.into(),
            hash: ChainHash([n; 32]),
        }
    }

    fn name(n: u8) -> String {
        format!("account-{n:03}")
    }

    /// The definition, word for word.
    fn defined(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            many => {
                let left = (many.len().next_power_of_two() / 2).max(1);
                node(&defined(&many[..left]), &defined(&many[left..]))
            }
        }
    }

    #[test]
    fn the_tree_is_the_defined_one_at_every_size() {
        for size in 0..70 {
            let mut tree = Tree::new();
            (0..size).for_each(|n| tree.push(&name(n), tip(n)));
            let leaves: Vec<_> = (0..size).map(|n| leaf(&name(n), tip(n))).collect();
            assert_eq!(tree.leaves(), u64::from(size));
            assert_eq!(tree.root().0, defined(&leaves), "{size} leaves");
        }
    }

    #[test]
    fn the_root_is_the_one_that_the_documented_format_gives() {
        // Worked out with Python's hashlib.
        let mut tree = Tree::new();
        (1..=3).for_each(|n| tree.push(&name(n), tip(n)));
        assert_eq!(
            tree.root().to_string(),
            "17c023a5521caaaef326b6e71466eabc3181ef39611f9adf611a0a6ba06b492a"
        );
    }

    #[test]
    fn every_part_of_a_tip_counts() {
        let root = |stream: &str, tip: Tip| {
            let mut tree = Tree::new();
            tree.push(stream, tip);
            tree.root()
        };
        let original = root("account-1", tip(1));
        assert_ne!(original, root("account-2", tip(1)));
        let (mut later, mut other) = (tip(1), tip(1));
        later.revision += 1;
        other.hash.0[31] ^= 1;
        assert_ne!(original, root("account-1", later));
        assert_ne!(original, root("account-1", other));
    }
}
