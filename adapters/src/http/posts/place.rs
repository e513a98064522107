//! Where a page of a post's history ends, as its cursor says it.

use domain::Timestamp;
use std::{fmt, str::FromStr};

/// A place in a post's history: a moment and a revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place(pub(super) Timestamp, pub(super) i64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.micros(), self.1)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, revision) = text.split_once('.').ok_or(())?;
        let at = micros
            .parse()
            .ok()
            .and_then(Timestamp::from_micros)
            .ok_or(())?;
        Ok(Self(at, revision.parse().map_err(|_| ())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back() {
        let at = "2026-03-01T00:00:00.000001Z";
        let place = Place(at.parse().expect("a time in RFC 3339"), 7);
        assert_eq!(place.to_string().parse(), Ok(place));
        assert_eq!("7".parse::<Place>(), Err(()));
    }
}
