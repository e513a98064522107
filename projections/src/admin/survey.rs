//! How the read models stand beside the log, for those who watch: what a scrape shows, and what
//! readiness goes by. Asked of the database and the log, so it is true also while no engine runs.

use super::{AdminError, Administration, Standing, State};
use domain::Position;
use std::fmt;
use std::time::Duration;

/// All versions beside the log.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The position of the log's last event; nothing, if there is none.
    pub head: Option<Position>,
    /// How all versions stand, by name and number.
    pub standings: Vec<Standing>,
    /// How many events the log has, where its positions say so.
    events: Option<u64>,
    /// The read models that this program has the code of.
    names: Vec<&'static str>,
}

impl Administration {
    /// How all versions stand beside the log.
    pub async fn survey(&self) -> Result<Survey, AdminError> {
        let standings = self.list().await?;
        // Afterwards: no version stands beyond it.
        let head = self.feed.head().await?;
        let events = match head {
            Some(head) => self.feed.distance(None, head),
            None => Some(0),
        };
        let mut names: Vec<_> = self.projections.iter().map(|code| code.name()).collect();
        names.dedup();
        Ok(Survey {
            head,
            standings,
            events,
            names,
        })
    }
}

/// A read model that does not have what it should have, and why.
#[derive(Clone, PartialEq, Debug)]
pub struct Behind {
    /// The read model.
    pub name: String,
    /// Its live version; nothing, if it has none.
    pub version: Option<i32>,
    /// Why.
    pub why: Why,
}

/// Why a read model is behind.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Why {
    /// It has not been at the head of the log yet, or is not there at all.
    NeverFilled,
    /// A shard of it was halted by a failure.
    Halted,
    /// It lacks events.
    Lags {
        /// How many; nothing, if they are too many to count.
        events: Option<u64>,
        /// For how long the first of them has waited; nothing, if it cannot be read.
        seconds: Option<f64>,
    },
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(version) = self.version {
            write!(f, "@{version}")?;
        }
        match self.why {
            Why::NeverFilled => write!(f, " was never filled"),
            Why::Halted => write!(f, " is halted by a failure"),
            Why::Lags { events, seconds } => {
                match seconds {
                    Some(seconds) => write!(f, " is behind by {seconds:.0} s")?,
                    None => write!(f, " is behind and cannot read the next event")?,
                }
                match events {
                    Some(events) => write!(f, " ({events} events)"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Survey {
    /// The live read models that are further behind than this, were never filled, or are halted.
    pub fn behind(&self, most: Duration) -> Vec<Behind> {
        let found = self.names.iter().filter_map(|name| {
            let mut standings = self.standings.iter();
            let live = standings.find(|standing| standing.live && standing.name == *name);
            let why = match live {
                Some(live) => why(live, most)?,
                None => Why::NeverFilled,
            };
            Some(Behind {
                name: (*name).to_owned(),
                version: live.map(|live| live.version),
                why,
            })
        });
        found.collect()
    }

    /// Which part of the log's events a version was given, from 0 to 1. Where positions do not tell
    /// how many events there are, those of the live version count; nothing, if that has none.
    pub fn filled_ratio(&self, standing: &Standing) -> Option<f64> {
        let given = |standing: &Standing| (standing.events + standing.skipped) as f64;
        let of_live = || {
            let mut live = self.standings.iter();
            let live = live.find(|other| other.live && other.name == standing.name)?;
            Some(given(live))
        };
        let all = self.events.map(|events| events as f64).or_else(of_live)?;
        let is_there = self.events == Some(0);
        match all > 0.0 {
            true => Some((given(standing) / all).min(1.0)),
            false => is_there.then_some(1.0),
        }
    }
}

fn why(live: &Standing, most: Duration) -> Option<Why> {
    match live.state {
        State::Halted => return Some(Why::Halted),
        State::Filling | State::Paused => return Some(Why::NeverFilled),
        State::Live | State::Ready => {}
    }
    let (events, seconds) = (live.lag_events, live.lag_seconds);
    let is_late = seconds.is_none_or(|seconds| seconds > most.as_secs_f64());
    (events != Some(0) && is_late).then_some(Why::Lags { events, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(version: i32, live: bool, state: State) -> Standing {
        Standing {
            name: "accounts".to_owned(),
            version,
            contract: 1,
            fingerprint: None,
            live,
            state,
            position: None,
            lag_events: Some(0),
            lag_seconds: Some(0.0),
            rate: 0.0,
            events: 30,
            skipped: 10,
            fault: None,
            replaces: None,
            parked: vec![],
        }
    }

    fn survey(standings: Vec<Standing>) -> Survey {
        Survey {
            head: None,
            standings,
            events: Some(80),
            names: vec!["accounts"],
        }
    }

    fn said(standings: Vec<Standing>) -> Vec<String> {
        let behind = survey(standings).behind(Duration::from_secs(60));
        behind.iter().map(Behind::to_string).collect()
    }

    #[test]
    fn a_live_read_model_must_be_there_and_near_the_head() {
        assert_eq!(said(vec![]), ["accounts was never filled"]);
        assert!(said(vec![standing(1, true, State::Live)]).is_empty());
        let filling = standing(1, true, State::Filling);
        assert_eq!(said(vec![filling]), ["accounts@1 was never filled"]);
        let halted = standing(2, true, State::Halted);
        assert_eq!(said(vec![halted]), ["accounts@2 is halted by a failure"]);
        let lagging = |seconds, events| Standing {
            lag_seconds: seconds,
            lag_events: events,
            ..standing(1, true, State::Live)
        };
        assert!(said(vec![lagging(Some(60.0), Some(7))]).is_empty());
        assert_eq!(
            said(vec![lagging(Some(61.0), Some(7))]),
            ["accounts@1 is behind by 61 s (7 events)"]
        );
        assert_eq!(
            said(vec![lagging(Some(61.0), None)]),
            ["accounts@1 is behind by 61 s"]
        );
        assert_eq!(
            said(vec![lagging(None, Some(7))]),
            ["accounts@1 is behind and cannot read the next event (7 events)"]
        );
        // What the log itself keeps for others leaves nothing to read.
        assert!(said(vec![lagging(None, Some(0))]).is_empty());
    }

    #[test]
    fn what_is_not_live_does_not_count() {
        let beside = standing(2, false, State::Halted);
        assert!(said(vec![standing(1, true, State::Live), beside]).is_empty());
    }

    #[test]
    fn a_version_is_as_full_as_its_part_of_the_log() {
        let filling = standing(2, false, State::Filling);
        let known = survey(vec![]);
        assert_eq!(known.filled_ratio(&filling), Some(0.5));
        let live = Standing {
            events: 160,
            skipped: 0,
            ..standing(1, true, State::Live)
        };
        let unknown = Survey {
            events: None,
            ..survey(vec![live])
        };
        assert_eq!(unknown.filled_ratio(&filling), Some(0.25));
        let empty = Survey {
            events: Some(0),
            ..survey(vec![])
        };
        assert_eq!(empty.filled_ratio(&filling), Some(1.0));
    }
}
