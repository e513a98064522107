//! Who follows: by age, gender, country and city.

use super::account::Account;
use super::followers::scaled;
use crate::noise::between;
use domain::Timestamp;

const SHARE: u64 = 91;

const AGES: [(&str, i64); 7] = [
    ("13-17", 6),
    ("18-24", 27),
    ("25-34", 34),
    ("35-44", 17),
    ("45-54", 9),
    ("55-64", 5),
    ("65+", 2),
];
const GENDERS: [(&str, i64); 3] = [("F", 52), ("M", 43), ("U", 5)];
const COUNTRIES: [(&str, i64); 8] = [
    ("US", 30),
    ("BR", 16),
    ("DE", 13),
    ("IL", 12),
    ("IN", 11),
    ("EG", 9),
    ("JP", 6),
    ("FR", 3),
];
const CITIES: [(&str, i64); 6] = [
    ("São Paulo, São Paulo (state)", 26),
    ("New York, New York", 22),
    ("القاهرة, القاهرة", 18),
    ("Tel Aviv, Tel Aviv District", 14),
    ("Berlin, Berlin", 12),
    ("東京, 東京都", 8),
];

impl Account {
    /// Followers by one or two dimensions (`age`, `gender`, `country`, `city`), the largest part
    /// first; none for a dimension that there is not.
    pub fn audience_by(&self, keys: &[&str], at: Timestamp) -> Vec<(Vec<String>, i64)> {
        let followers = self.followers(at);
        let mut parts: Vec<(Vec<String>, i64)> = vec![(Vec::new(), followers)];
        for (usage, key) in (0_u64..).zip(keys) {
            let table: &[(&str, i64)] = match *key {
                "age" => &AGES,
                "gender" => &GENDERS,
                "country" => &COUNTRIES,
                "city" => &CITIES,
                _ => return Vec::new(),
            };
            let weight = |(index, (_, percent)): (i64, &(&str, i64))| {
                percent * between(self.seed, index, SHARE + usage, 60, 140)
            };
            let all: i64 = (0_i64..).zip(table).map(weight).sum();
            let split = |(names, count): &(Vec<String>, i64)| -> Vec<(Vec<String>, i64)> {
                let of = |(index, entry): (i64, &(&str, i64))| {
                    let mut names = names.clone();
                    names.push(entry.0.to_owned());
                    (names, scaled(*count, weight((index, entry)), all))
                };
                (0_i64..).zip(table).map(of).collect()
            };
            parts = parts.iter().flat_map(split).collect();
        }
        parts.retain(|(_, count)| *count > 0);
        parts.sort_by_key(|(_, count)| -count);
        parts
    }
}
