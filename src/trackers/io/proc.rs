//! Reads /proc on other threads: the command line of a process whose memory is locked (it waits for a
//! dead file server) makes its reader wait as well. Such a process is left out until that has ended.
//!
//! Tasks: one blocking thread for each look that is under way, and one for each process that holds its
//! reader up; the runtime owns them.
use crate::{
    config::model::{ProcessMatch, TrackProcess},
    trackers::matches,
};
use std::{
    collections::BTreeSet,
    fs, io,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A process that is being read at two looks in a row, so far apart, holds its reader up.
const PATIENCE: Duration = Duration::from_secs(1);

/// This machine's.
pub(super) static PROC: LazyLock<Proc> = LazyLock::new(|| Proc::new(Process::read, PATIENCE));

type ReadProcess = dyn Fn(i32, CommandLine) -> Option<Process> + Send + Sync;

/// See the file's head.
#[derive(Clone)]
pub(super) struct Proc {
    read: Arc<ReadProcess>,
    patience: Duration,
    /// Processes that hold a reader up.
    stuck: Arc<Mutex<BTreeSet<i32>>>,
}

/// Whether anybody asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandLine {
    Wanted,
    Unwanted,
}

/// What a look has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// For each tracked one who matches.
    pub(super) matching: Vec<BTreeSet<i32>>,
    /// Who could not be read.
    pub(super) unread: BTreeSet<i32>,
}

impl Proc {
    pub(super) fn new(
        read: impl Fn(i32, CommandLine) -> Option<Process> + Send + Sync + 'static,
        patience: Duration,
    ) -> Self {
        Self { read: Arc::new(read), patience, stuck: Arc::default() }
    }

    /// Looks at one process, or at all. None: one of them has got stuck meanwhile; from now on it is
    /// left out, so that the next look ends.
    pub(super) async fn look(
        &self,
        pid: Option<i32>,
        processes: &Arc<[TrackProcess]>,
    ) -> io::Result<Option<Found>> {
        let current = Arc::new(Mutex::new(None));
        let (proc, reading, processes) =
            (self.clone(), Arc::clone(&current), Arc::clone(processes));
        let mut work = tokio::task::spawn_blocking(move || {
            let pids = match pid {
                Some(pid) => vec![pid],
                None => pids()?,
            };
            Ok(proc.read_all(&pids, &processes, &reading))
        });
        let mut before = None;
        loop {
            if let Ok(done) = tokio::time::timeout(self.patience, &mut work).await {
                return done.map_err(io::Error::other)?.map(Some);
            }
            let current = lock(&current);
            match *current {
                Some(pid) if before == Some(pid) => {
                    tracing::warn!(
                        "track_process: process {pid} cannot be read: its memory is locked"
                    );
                    lock(&self.stuck).insert(pid);
                    return Ok(None);
                }
                now => before = now,
            }
        }
    }

    fn read_all(
        &self,
        pids: &[i32],
        processes: &[TrackProcess],
        current: &Mutex<Option<i32>>,
    ) -> Found {
        let asks = |p: &TrackProcess| matches!(p.which, ProcessMatch::CommandLine { .. });
        let command_line =
            if processes.iter().any(asks) { CommandLine::Wanted } else { CommandLine::Unwanted };
        let matching = vec![BTreeSet::new(); processes.len()];
        let mut found = Found { matching, unread: BTreeSet::new() };
        for &pid in pids {
            if lock(&self.stuck).contains(&pid) {
                found.unread.insert(pid);
                continue;
            }
            *lock(current) = Some(pid);
            let process = (self.read)(pid, command_line);
            let mut current = lock(current);
            *current = None;
            // Whoever waited for us may have given up meanwhile; others need not, from now on.
            lock(&self.stuck).remove(&pid);
            drop(current);
            let Some(process) = process else { continue };
            for (pids, wanted) in found.matching.iter_mut().zip(processes) {
                if matches(&wanted.which, &process.comm, &process.cmdline) {
                    pids.insert(pid);
                }
            }
        }
        found
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pids() -> io::Result<Vec<i32>> {
    let mut found = vec![];
    for entry in fs::read_dir("/proc")? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(found)
}

/// A process that runs.
#[derive(Clone, Debug)]
pub(super) struct Process {
    comm: Vec<u8>,
    cmdline: Vec<u8>,
}

impl Process {
    /// None for one that is gone, or only waits to be buried.
    fn read(pid: i32, command_line: CommandLine) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // `PID (NAME) STATE ...`; the name may hold anything, brackets too.
        let start = stat.iter().position(|byte| *byte == b'(')? + 1;
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let comm = stat.get(start..end)?.to_vec();
        let state = stat.get(end + 2)?;
        if matches!(state, b'Z' | b'X') {
            return None;
        }
        // No name rules a command line out: that of a script is its file's, and the line begins with
        // its interpreter.
        let cmdline = match command_line {
            CommandLine::Unwanted => vec![],
            CommandLine::Wanted => fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default(),
        };
        Some(Self { comm, cmdline })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Spanned;
    use std::sync::mpsc;

    fn named(name: &str) -> TrackProcess {
        TrackProcess {
            name: Spanned::default(),
            which: ProcessMatch::Name(name.to_owned()),
            weight: 0,
            reverse: false,
            quorum: 1,
            quorum_max: None,
            fork_delay: Duration::ZERO,
            terminate_delay: Duration::ZERO,
        }
    }

    #[tokio::test]
    async fn a_process_that_holds_its_reader_up_is_left_out_until_it_lets_go() {
        let (let_go, held) = mpsc::channel::<()>();
        let (held, readers) = (Mutex::new(held), Arc::new(Mutex::new(vec![])));
        let log = Arc::clone(&readers);
        let read = move |pid, _| {
            log.lock().unwrap().push(pid);
            if pid == 7 && held.lock().unwrap().recv().is_err() {
                return None;
            }
            Some(Process { comm: b"x".to_vec(), cmdline: vec![] })
        };
        let proc = Proc::new(read, Duration::from_millis(30));
        let processes = Arc::from([named("x"), named("y")]);
        let look = async |pid| proc.look(Some(pid), &processes).await.unwrap();
        let found = |pids: &[i32], unread: &[i32]| {
            let matching = vec![pids.iter().copied().collect(), BTreeSet::new()];
            Some(Found { matching, unread: unread.iter().copied().collect() })
        };
        assert_eq!(look(6).await, found(&[6], &[]));
        assert_eq!(look(7).await, None);
        assert_eq!(look(7).await, found(&[], &[7]), "left out");
        assert_eq!(look(8).await, found(&[8], &[]));
        assert_eq!(*readers.lock().unwrap(), [6, 7, 8], "one thread waits");
        let_go.send(()).unwrap();
        let_go.send(()).unwrap();
        for _ in 0..1000 {
            if look(7).await == found(&[7], &[]) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it is read no more");
    }

    #[test]
    fn a_process_is_read_with_what_is_asked_for() {
        let pid = std::process::id().try_into().unwrap();
        let bare = Process::read(pid, CommandLine::Unwanted).unwrap();
        assert!(!bare.comm.is_empty() && bare.cmdline.is_empty(), "{bare:?}");
        let whole = Process::read(pid, CommandLine::Wanted).unwrap();
        assert!(whole.cmdline.ends_with(b"\0"), "{whole:?}");
        assert!(Process::read(i32::MAX, CommandLine::Wanted).is_none());
    }
}
