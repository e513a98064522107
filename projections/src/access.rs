//! Whose data a caller may see. Every query that finds accounts takes a scope, so that no route
//! can forget it; the others take an account that was found so.

use domain::CreatorId;
use std::collections::BTreeSet;

/// All creators, or a named set of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everybody's data.
    AllCreators,
    /// Only these creators' data.
    Creators(BTreeSet<CreatorId>),
}

impl Scope {
    /// Whether the creator's data may be seen.
    pub fn allows(&self, creator: &CreatorId) -> bool {
        match self {
            Self::AllCreators => true,
            Self::Creators(creators) => creators.contains(creator),
        }
    }

    /// The creators as an SQL argument: null stands for all.
    pub(crate) fn creators(&self) -> Option<Vec<&str>> {
        match self {
            Self::AllCreators => None,
            Self::Creators(creators) => Some(creators.iter().map(CreatorId::as_str).collect()),
        }
    }

    /// The condition, as SQL, that a column's creator is one of those in an argument. It stands
    /// alone, so that a plan made for any arguments still goes by an index.
    pub(crate) fn condition(&self, column: &str, argument: &str) -> String {
        match self {
            Self::AllCreators => format!("{argument}::text[] is null"),
            Self::Creators(_) => format!("{column} = any({argument})"),
        }
    }
}
