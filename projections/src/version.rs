//! Versions of read models: each is a set of tables whose names carry its number, with the code
//! that keeps and reads them.
//!
//! The code's SQL says `accounts_vN` for the tables of whichever version is meant. What is sent to
//! Postgres says `accounts_v1`: a statement never changes its meaning, prepared or not, and several
//! versions are kept by the same code.

use crate::projection::Projection;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What stands for a version's number in the names of tables.
const PLACE: &str = "_vN";

/// One version of a read model.
#[derive(Clone)]
pub struct Version {
    /// The code that keeps its tables.
    pub projection: Arc<dyn Projection>,
    /// The number that its tables carry.
    pub number: i32,
}

impl Version {
    /// The read model's name.
    pub fn name(&self) -> &'static str {
        self.projection.name()
    }

    /// SQL with this version's tables for those of its read model.
    pub fn render(&self, sql: &str) -> String {
        render(sql, |name| (name == self.name()).then_some(self.number))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name(), self.number)
    }
}

/// The version of each read model that an answer is taken from, chosen once for the whole answer.
#[derive(Clone, Debug, Default)]
pub struct Versions(Vec<Chosen>);

/// One read model's version as a reader chose it.
#[derive(Clone, Debug)]
struct Chosen {
    name: String,
    number: i32,
    contract: i32,
}

impl Versions {
    /// With this version of one more read model.
    #[must_use]
    pub fn with(mut self, name: &str, number: i32, contract: i32) -> Self {
        let name = name.to_owned();
        self.0.push(Chosen {
            name,
            number,
            contract,
        });
        self
    }

    /// The contract of the code that keeps a read model's version, where there is one.
    pub fn contract(&self, name: &str) -> Option<i32> {
        self.chosen(name).map(|chosen| chosen.contract)
    }

    /// SQL with these versions' tables. A read model without a version stays as it is written,
    /// and Postgres says that there is no such table.
    pub fn render(&self, sql: &str) -> String {
        render(sql, |name| self.chosen(name).map(|chosen| chosen.number))
    }

    fn chosen(&self, name: &str) -> Option<&Chosen> {
        self.0.iter().find(|chosen| chosen.name == name)
    }
}

fn render(sql: &str, number: impl Fn(&str) -> Option<i32>) -> String {
    let mut rendered = String::with_capacity(sql.len() + 16);
    let mut rest = sql;
    while let Some(at) = rest.find(PLACE) {
        let before = &rest[..at];
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = before.rfind(|c| !is_of_name(c)).map_or(0, |end| end + 1);
        rendered.push_str(before);
        match number(&before[name..]) {
            Some(number) => rendered.push_str(&format!("_v{number}")),
            None => rendered.push_str(PLACE),
        }
        rest = &rest[at + PLACE.len()..];
    }
    rendered.push_str(rest);
    rendered
}

/// What code and tables agree on: the statements that make the tables, without comments and
/// spaces, and the code's contract. In hex.
pub fn fingerprint(projection: &dyn Projection) -> String {
    let mut hash = Sha256::new();
    hash.update(projection.contract().to_be_bytes());
    hash.update([u8::from(projection.is_sharded())]);
    for sql in [projection.tables(), projection.indexes()] {
        let lines = sql.lines().map(|line| match line.find("--") {
            Some(comment) => &line[..comment],
            None => line,
        });
        for word in lines.flat_map(str::split_whitespace) {
            hash.update(word);
            hash.update(" ");
        }
        hash.update("\n");
    }
    let digest = hash.finalize();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_gets_its_read_models_number() {
        let versions = Versions::default()
            .with("top_posts", 12, 1)
            .with("accounts", 3, 1);
        let sql = "select from top_posts_vN_history h, accounts_vN where top_posts_vN.post = $1";
        assert_eq!(
            versions.render(sql),
            "select from top_posts_v12_history h, accounts_v3 where top_posts_v12.post = $1"
        );
        // Neither a name that ends like another's nor a read model that is not there.
        let others = "from best_top_posts_vN, posts_vN, _vN";
        assert_eq!(versions.render(others), others);
        assert_eq!(versions.render("accounts_vN"), "accounts_v3");
    }

    #[test]
    fn a_fingerprint_is_of_statements_and_not_of_their_layout() {
        struct Model(&'static str, i32);
        #[async_trait::async_trait]
        impl Projection for Model {
            fn name(&self) -> &'static str {
                "model"
            }
            fn contract(&self) -> i32 {
                self.1
            }
            fn tables(&self) -> &'static str {
                self.0
            }
            async fn apply(
                &self,
                _: &crate::Tables<'_>,
                _: &[crate::Applied],
            ) -> Result<(), crate::ProjectionError> {
                Ok(())
            }
        }
        let first = fingerprint(&Model("create table a (\n  b int -- so\n);", 1));
        assert_eq!(first, fingerprint(&Model("create table a ( b int );", 1)));
        assert_ne!(first, fingerprint(&Model("create table a ( b int8 );", 1)));
        assert_ne!(first, fingerprint(&Model("create table a ( b int );", 2)));
        assert_eq!(first.len(), 32);
    }
}
