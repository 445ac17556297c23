//! Counts the processes of `vrrp_track_process`: looks at /proc once and then listens to the
//! kernel's process events; where those are refused it looks again every second, and says so once.
use super::{
    Watch,
    proc::{Found, PROC},
    proc_events::{ProcEvent, ProcEvents},
};
use crate::{
    config::model::TrackProcess,
    trackers::{News, ProcessCount, Reading, Subject},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

const POLL: Duration = Duration::from_secs(1);

/// Starts watching. The verdict on each goes into `tell` at once, and again whenever it is another;
/// the task waits while that is full.
#[must_use]
pub fn watch(processes: Vec<TrackProcess>, tell: mpsc::Sender<News>) -> Watch {
    Watch(tokio::spawn(async move {
        let counts = processes.iter().map(ProcessCount::new).collect();
        let mut watcher = Watcher { processes: processes.into(), counts, again: None, tell };
        if let Err(Gone) = watcher.run().await {
            tracing::debug!("nobody wants to know of processes any more");
        }
    }))
}

struct Watcher {
    processes: Arc<[TrackProcess]>,
    /// As many as `processes`.
    counts: Vec<ProcessCount>,
    /// When to look everywhere, because somebody could not be read.
    again: Option<Instant>,
    tell: mpsc::Sender<News>,
}

/// Nobody listens.
struct Gone;

impl Watcher {
    async fn run(&mut self) -> Result<(), Gone> {
        self.look_everywhere().await?;
        let mut events = match ProcEvents::open().await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(
                    "track_process: the kernel tells of no processes here ({error}); looking at /proc every second"
                );
                return self.poll().await;
            }
        };
        // What has changed before we listened.
        self.look_everywhere().await?;
        loop {
            let heard = tokio::select! {
                event = events.next() => Some(event),
                () = until(self.deadline()) => None,
            };
            match heard {
                None => self.expire().await?,
                Some(Ok(ProcEvent::Changed(pid))) => self.look_at(pid).await?,
                Some(Ok(ProcEvent::Ended(pid))) => self.update(pid, |_| false).await?,
                Some(Ok(ProcEvent::Confirmed(_))) => {}
                Some(Err(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    tracing::debug!("process events were lost, looking everywhere");
                    self.look_everywhere().await?;
                }
                Some(Err(error)) => {
                    tracing::warn!("track_process: {error}; looking at /proc every second");
                    return self.poll().await;
                }
            }
        }
    }

    async fn poll(&mut self) -> Result<(), Gone> {
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let due = tokio::select! {
                _ = ticks.tick() => false,
                () = until(self.deadline()) => true,
            };
            if due { self.expire().await? } else { self.look_everywhere().await? }
        }
    }

    async fn look_everywhere(&mut self) -> Result<(), Gone> {
        self.again = None;
        let Some(found) = self.look(None).await else { return Ok(()) };
        for (at, mut pids) in found.matching.into_iter().enumerate() {
            let Some(count) = self.counts.get_mut(at) else { continue };
            // Who cannot be read is what it was.
            pids.extend(found.unread.iter().copied().filter(|pid| count.has(*pid)));
            let verdict = count.set(pids, Instant::now());
            self.say(at, verdict).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, pid: i32) -> Result<(), Gone> {
        match self.look(Some(pid)).await {
            Some(found) if found.unread.is_empty() => {
                let counts = |at: usize| found.matching.get(at).is_some_and(|m| m.contains(&pid));
                self.update(pid, counts).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whom it has not seen it wants to see later.
    async fn look(&mut self, pid: Option<i32>) -> Option<Found> {
        let found = match PROC.look(pid, &self.processes).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!("track_process: reading /proc: {error}");
                return None;
            }
        };
        if found.as_ref().is_none_or(|found| !found.unread.is_empty()) {
            self.again.get_or_insert_with(|| Instant::now() + POLL);
        }
        found
    }

    async fn update(&mut self, pid: i32, counts: impl Fn(usize) -> bool) -> Result<(), Gone> {
        for at in 0..self.counts.len() {
            let verdict = self
                .counts
                .get_mut(at)
                .and_then(|count| count.update(pid, counts(at), Instant::now()));
            self.say(at, verdict).await?;
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.counts.iter().filter_map(ProcessCount::deadline).chain(self.again).min()
    }

    async fn expire(&mut self) -> Result<(), Gone> {
        if self.again.is_some_and(|at| at <= Instant::now()) {
            self.look_everywhere().await?;
        }
        for at in 0..self.counts.len() {
            let verdict =
                self.counts.get_mut(at).and_then(|count| count.on_deadline(Instant::now()));
            self.say(at, verdict).await?;
        }
        Ok(())
    }

    async fn say(&self, at: usize, verdict: Option<bool>) -> Result<(), Gone> {
        let (Some(up), Some(process)) = (verdict, self.processes.get(at)) else { return Ok(()) };
        let name = process.name.value.clone();
        let word = if up { "achieved" } else { "lost" };
        tracing::info!("Quorum {word} for tracked process {name}");
        let news = News { subject: Subject::Process(name), reading: Reading::of(up) };
        self.tell.send(news).await.map_err(|_| Gone)
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        model::{ParamMatch, ProcessMatch},
        source::Spanned,
    };
    use std::process::Command;

    #[tokio::test]
    async fn a_process_that_comes_and_goes_is_told() {
        // No other test starts this one.
        let seconds = format!("86{}", std::process::id());
        let process = TrackProcess {
            name: Spanned { value: "p".into(), ..Spanned::default() },
            which: ProcessMatch::CommandLine {
                command: "sleep".into(),
                parameters: vec![seconds.clone()],
                rule: ParamMatch::Exact,
            },
            weight: 0,
            reverse: false,
            quorum: 1,
            quorum_max: None,
            fork_delay: Duration::ZERO,
            terminate_delay: Duration::ZERO,
        };
        let (tell, mut told) = mpsc::channel(8);
        let _watch = watch(vec![process], tell);
        let said =
            |up| Some(News { subject: Subject::Process("p".into()), reading: Reading::of(up) });
        assert_eq!(told.recv().await, said(false), "at once");
        let mut child = Command::new("sleep").arg(&seconds).spawn().unwrap();
        assert_eq!(told.recv().await, said(true));
        child.kill().unwrap();
        // Not buried yet: a zombie runs no more.
        assert_eq!(told.recv().await, said(false));
        child.wait().unwrap();
    }
}
