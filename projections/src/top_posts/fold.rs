//! One post as it is folded in memory: pure, so that the SQL around it stays plain.

use super::numbers::{ER_VIEWS_INGREDIENTS, METRICS, Numbers};
use crate::projection::ProjectionError;
use domain::Timestamp;
use domain::account::PostObserved;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a batch made of a post's row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// Nothing: the row stands as it was read.
    None,
    /// There was no row.
    New,
    /// The row differs.
    Known,
}

/// A post's row. `known_at` holds, for each known metric, the moment of its last known value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Post {
    pub(super) account: Uuid,
    pub(super) published_at: Option<Timestamp>,
    pub(super) observed_at: Timestamp,
    pub(super) observations: i64,
    pub(super) numbers: Numbers,
    pub(super) known_at: [Option<Timestamp>; METRICS.len()],
    /// Which of the numbers the newest observation itself gives.
    pub(super) in_newest: [bool; METRICS.len()],
    /// The metrics that the newest observation found hidden.
    pub(super) hidden: Vec<String>,
    /// `er_views@1` as ranked, and the moment of the observation that defines it.
    pub(super) er_views: Option<(i64, Timestamp)>,
    /// Whether a number that the row shows was withheld for its own moment since: what holds
    /// instead, the history tells.
    pub(super) taken_back: bool,
    pub(super) revision: i64,
    pub(super) change: Change,
}

impl Post {
    pub(super) fn new(account: Uuid, observed_at: Timestamp, revision: i64) -> Self {
        Self {
            account,
            published_at: None,
            observed_at,
            observations: 0,
            numbers: Numbers::default(),
            known_at: [None; METRICS.len()],
            in_newest: [false; METRICS.len()],
            hidden: vec![],
            er_views: None,
            taken_back: false,
            revision,
            change: Change::New,
        }
    }

    /// Notes that an event of the stream was taken in.
    pub(super) fn reach(&mut self, revision: i64) {
        self.revision = revision;
        if self.change == Change::None {
            self.change = Change::Known;
        }
    }

    /// Takes an observation in. Late ones fill in what newer ones lack.
    pub(super) fn observe(&mut self, at: Timestamp, numbers: &Numbers, hidden: &[String]) {
        self.observations += 1;
        if at >= self.observed_at {
            hidden.clone_into(&mut self.hidden);
            self.in_newest = numbers.0.map(|number| number.is_some());
        }
        self.observed_at = self.observed_at.max(at);
        for place in 0..METRICS.len() {
            if let Some(value) = numbers.0[place]
                && self.known_at[place].is_none_or(|known| known <= at)
            {
                self.numbers.0[place] = Some(value);
                self.known_at[place] = Some(at);
            }
        }
        if let Some(ranked) = numbers.er_views_ranked()
            && self.er_views.is_none_or(|(_, known)| known <= at)
        {
            self.er_views = Some((ranked, at));
        }
        self.taken_back |= self.is_taken_back(at, hidden);
    }

    /// Whether withholding these metrics at this moment concerns what the row shows.
    fn is_taken_back(&self, at: Timestamp, hidden: &[String]) -> bool {
        let hides = |place: usize| hidden.iter().any(|name| name == METRICS[place].name());
        let number = |place| self.known_at[place] == Some(at) && hides(place);
        let stands_on = self.er_views.map(|(_, since)| since);
        (0..METRICS.len()).any(number)
            || (stands_on == Some(at) && ER_VIEWS_INGREDIENTS.into_iter().any(hides))
    }

    /// What the newest observation said, which an unchanged one repeats.
    pub(super) fn newest_numbers(&self) -> Numbers {
        let mut newest = self.numbers;
        for (number, given) in newest.0.iter_mut().zip(self.in_newest) {
            *number = number.filter(|_| given);
        }
        newest
    }

    pub(super) fn describe(&mut self, post: &PostObserved, at: Timestamp) {
        // A correction of the publication time counts if it is not older than what is held.
        if post.published_at.is_some() && (self.published_at.is_none() || at >= self.observed_at) {
            self.published_at = post.published_at;
        }
    }

    /// The metrics whose last known value is not the newest observation's, as the row has it.
    pub(super) fn older(&self) -> Option<String> {
        let older: BTreeMap<_, _> = METRICS
            .iter()
            .zip(self.known_at)
            .zip(self.in_newest)
            .filter(|(_, in_newest)| !in_newest)
            .filter_map(|((metric, known), _)| Some((metric.name(), known?)))
            .collect();
        if older.is_empty() {
            None
        } else {
            serde_json::to_string(&older).ok()
        }
    }

    /// The reverse of [`Self::older`], for a row that was read.
    pub(super) fn restore_known_at(&mut self, older: Option<&str>) -> Result<(), ProjectionError> {
        let older: BTreeMap<String, Timestamp> = match older {
            Some(text) => {
                serde_json::from_str(text).map_err(|e| ProjectionError::Corrupt(e.to_string()))?
            }
            None => BTreeMap::new(),
        };
        for (place, metric) in METRICS.iter().enumerate() {
            let known = self.numbers.0[place].is_some();
            let since = older.get(metric.name()).copied();
            self.in_newest[place] = known && since.is_none();
            self.known_at[place] = known.then(|| since.unwrap_or(self.observed_at));
        }
        Ok(())
    }
}
