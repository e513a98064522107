//! Progress of long work: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how far something is, with its rate and the time left.
pub(crate) struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    total: u64,
    /// What was there before this run, which says nothing of its speed.
    from: u64,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    pub(crate) fn new(what: &'static str, total: u64, from: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template(
                "{prefix:10} {wide_bar} {percent:>3}%  {msg}  {eta} left",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(what);
            bar.set_position(from);
            bar.reset_eta();
            bar
        });
        let now = Instant::now();
        Self {
            what,
            bar,
            total,
            from,
            started: now,
            last_line: now,
        }
    }

    /// Shows where the work is, of the total, and how many things that were.
    pub(crate) fn show(&mut self, done: u64, things: u64, unit: &str) {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let rate = things as f64 / seconds;
        let message = format!("{things} {unit}, {rate:.0}/s");
        if let Some(bar) = &self.bar {
            bar.set_position(done.min(self.total));
            bar.set_message(message);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let part = done as f64 / self.total.max(1) as f64;
            let gone = done.saturating_sub(self.from) as f64;
            let left = seconds * self.total.saturating_sub(done) as f64 / gone.max(1.0);
            eprintln!(
                "{}: {:.0}%, {message}, about {left:.0} s left",
                self.what,
                part * 100.0
            );
        }
    }

    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
