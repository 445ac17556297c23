//! Looking: all probes of a configuration, many at a time, within a bound of time.
//!
//! Probes are futures of one task, not tasks: dropping them ends what they do.
#![allow(clippy::disallowed_methods, reason = "this is the shell: it may touch the outside world")]
mod addresses;
mod adverts;
mod checkers;
mod filters;
mod machine;

use super::Found;
use crate::config::{Config, look::Topic, source::Sources};
use futures_util::{StreamExt, stream};
use std::{future::Future, io, pin::Pin, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Probes under way at a time.
const AT_ONCE: usize = 128;

/// One thing to look at. It sends nothing but what it needs to see, and changes nothing.
pub struct Probe {
    /// What the report calls it where there is no time for it.
    topic: Topic,
    subject: String,
    look: Pin<Box<dyn Future<Output = Found>>>,
}

impl Probe {
    pub fn new(
        topic: Topic,
        subject: impl Into<String>,
        look: impl Future<Output = Found> + 'static,
    ) -> Self {
        Self { topic, subject: subject.into(), look: Box::pin(look) }
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe")
            .field("topic", &self.topic)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'p> {
    pub done: usize,
    pub of: usize,
    /// What was looked at last; empty at first.
    pub subject: &'p str,
}

/// Looks at everything that the configuration needs. Nothing takes longer than `limit`.
///
/// # Errors
/// When the system gives no event loop.
pub fn look(
    config: &Config,
    sources: &Sources,
    limit: Duration,
    progress: impl FnMut(Progress<'_>),
) -> io::Result<Found> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found =
        runtime.block_on(async { run(probes(config, sources, limit), limit, progress).await });
    // A name that is still being looked up is nobody's business any more.
    runtime.shutdown_background();
    Ok(found)
}

/// Those that wait longest first.
fn probes(config: &Config, sources: &Sources, limit: Duration) -> Vec<Probe> {
    let parts = [
        machine::probes(config, sources, limit),
        addresses::probes(config),
        checkers::probes(config),
    ];
    parts.into_iter().flatten().collect()
}

/// What was found stands in the order of the probes, whichever was done first.
async fn run(probes: Vec<Probe>, limit: Duration, mut progress: impl FnMut(Progress<'_>)) -> Found {
    let until = Instant::now() + limit;
    let of = probes.len();
    progress(Progress { done: 0, of, subject: "" });
    let one = |(number, probe): (usize, Probe)| async move {
        let Probe { topic, subject, look } = probe;
        // What begins too late sends nothing.
        let in_time =
            if Instant::now() < until { timeout_at(until, look).await.ok() } else { None };
        let found = in_time.unwrap_or_else(|| {
            let mut found = Found::default();
            found.unknown(topic, &*subject, "no time was left");
            found
        });
        (number, subject, found)
    };
    let mut under_way =
        stream::iter(probes.into_iter().enumerate()).map(one).buffer_unordered(AT_ONCE);
    let mut all = vec![];
    while let Some((number, subject, found)) = under_way.next().await {
        all.push((number, found));
        progress(Progress { done: all.len(), of, subject: &subject });
    }
    all.sort_by_key(|(number, _)| *number);
    let mut together = Found::default();
    all.into_iter().for_each(|(_, found)| together.append(found));
    together
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::look::LookState;

    #[test]
    fn what_takes_too_long_is_said_and_the_rest_is_in_order() {
        let probe = |name: &'static str, takes: u64| {
            Probe::new(Topic::Interface, name, async move {
                tokio::time::sleep(Duration::from_millis(takes)).await;
                let mut found = Found::default();
                found.good(Topic::Interface, name, "1");
                found
            })
        };
        let mut seen = vec![];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let probes = vec![probe("slow", 60_000), probe("b", 20), probe("a", 1)];
        let found = runtime.block_on(run(probes, Duration::from_millis(200), |progress| {
            seen.push((progress.done, progress.subject.to_owned()));
        }));
        let states: Vec<_> =
            found.looks.iter().map(|look| (look.subject.as_str(), look.state)).collect();
        assert_eq!(
            states,
            [("slow", LookState::Unknown), ("b", LookState::Good), ("a", LookState::Good)]
        );
        let seen: Vec<_> = seen.iter().map(|(done, subject)| (*done, subject.as_str())).collect();
        assert_eq!(seen, [(0, ""), (1, "a"), (2, "b"), (3, "slow")]);
    }
}
