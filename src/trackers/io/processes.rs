//! Counts the processes of `vrrp_track_process`: looks at /proc once and then listens to the
//! kernel's process events; where those are refused it looks again every second, and says so once.
use super::{
    Watch,
    proc_events::{ProcEvent, ProcEvents},
};
use crate::{
    config::model::{ProcessMatch, TrackProcess},
    trackers::{News, ProcessCount, Reading, Subject, matches},
};
use std::{
    collections::BTreeSet,
    fs, io,
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
        let mut watcher = Watcher { processes: processes.into(), counts, tell };
        if let Err(Gone) = watcher.run().await {
            tracing::debug!("nobody wants to know of processes any more");
        }
    }))
}

struct Watcher {
    processes: Arc<[TrackProcess]>,
    /// As many as `processes`.
    counts: Vec<ProcessCount>,
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
        let processes = Arc::clone(&self.processes);
        let found = tokio::task::spawn_blocking(move || scan(&processes)).await;
        let found = match found.map_err(io::Error::other).and_then(|found| found) {
            Ok(found) => found,
            Err(error) => {
                tracing::error!("track_process: reading /proc: {error}");
                return Ok(());
            }
        };
        for (at, pids) in found.into_iter().enumerate() {
            let verdict = self.counts.get_mut(at).and_then(|count| count.set(pids, Instant::now()));
            self.say(at, verdict).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, pid: i32) -> Result<(), Gone> {
        let found = Process::read(pid);
        let wanted = found.map(|process| {
            self.processes.iter().map(|p| process.is(&p.which)).collect::<Vec<bool>>()
        });
        self.update(pid, |at| wanted.as_ref().is_some_and(|w| w.get(at) == Some(&true))).await
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
        self.counts.iter().filter_map(ProcessCount::deadline).min()
    }

    async fn expire(&mut self) -> Result<(), Gone> {
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

/// For each of `processes` who matches now.
fn scan(processes: &[TrackProcess]) -> io::Result<Vec<BTreeSet<i32>>> {
    let mut found = vec![BTreeSet::new(); processes.len()];
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        let Some(process) = Process::read(pid) else { continue };
        for (pids, wanted) in found.iter_mut().zip(processes) {
            if process.is(&wanted.which) {
                pids.insert(pid);
            }
        }
    }
    Ok(found)
}

/// A process that runs.
struct Process {
    pid: i32,
    comm: Vec<u8>,
}

impl Process {
    /// None for one that is gone, or only waits to be buried.
    fn read(pid: i32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // `PID (NAME) STATE ...`; the name may hold anything, brackets too.
        let start = stat.iter().position(|byte| *byte == b'(')? + 1;
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let comm = stat.get(start..end)?.to_vec();
        let state = stat.get(end + 2)?;
        (!matches!(state, b'Z' | b'X')).then_some(Self { pid, comm })
    }

    /// The command line is read for those only who ask for it.
    fn is(&self, which: &ProcessMatch) -> bool {
        let cmdline = match which {
            ProcessMatch::Name(_) => vec![],
            ProcessMatch::CommandLine { .. } => {
                fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default()
            }
        };
        matches(which, &self.comm, &cmdline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{model::ParamMatch, source::Spanned};
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
