//! Probes under way: a task each, at most so many at a time. Aborting one is safe, for it only
//! reads the network and its script's process group ends with it.
use super::Inbox;
use crate::{
    checkers::{
        Outcome,
        io::{ProbeContext, probe},
    },
    config::model::CheckerKind,
    director::{CheckerId, Event, Probe},
    machine::io::Inbound,
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Semaphore, task::AbortHandle};

/// Open at once, where the limit of open files allows it: others wait their turn. So many that
/// thousands of servers which do not answer keep nobody from the others.
const AT_ONCE: u64 = 16384;
/// Commands at once: processes cost more than sockets.
const COMMANDS: usize = 1024;
/// Files for everything else.
const OTHER_FILES: u64 = 64;

#[derive(Debug)]
pub(super) struct Probes {
    /// Without those that have finished: a handle keeps its task's memory.
    running: Arc<Mutex<HashMap<CheckerId, AbortHandle>>>,
    turns: Arc<Semaphore>,
    /// Those of MISC_CHECK.
    commands: Arc<Semaphore>,
    events: Inbox,
}

impl Probes {
    pub(super) fn new(events: Inbox) -> Self {
        let turns = open_files().saturating_sub(OTHER_FILES).clamp(16, AT_ONCE);
        let turns = usize::try_from(turns).unwrap_or(16);
        Self {
            running: Arc::default(),
            turns: Arc::new(Semaphore::new(turns)),
            commands: Arc::new(Semaphore::new(turns.min(COMMANDS))),
            events,
        }
    }

    pub(super) fn start(&self, checker: CheckerId, what: Probe, context: ProbeContext) {
        let turns = match what.kind() {
            Some(CheckerKind::Misc(_)) => &self.commands,
            Some(_) | None => &self.turns,
        };
        let (events, turns) = (self.events.clone(), Arc::clone(turns));
        let running = Arc::clone(&self.running);
        let task = tokio::spawn(async move {
            let outcome = match (turns.acquire().await, what.kind()) {
                (Ok(_turn), Some(kind)) => probe(kind, what.request, &context).await,
                (Err(_), _) | (_, None) => Outcome::local("it is not configured any more"),
            };
            lock(&running).remove(&checker);
            let event = Event::ProbeFinished { checker, outcome };
            if events.send(Inbound::Event(event)).await.is_err() {
                tracing::debug!("a probe ended after the director");
            }
        });
        lock(&self.running).insert(checker, task.abort_handle());
    }

    pub(super) fn cancel(&self, checker: CheckerId) {
        if let Some(task) = lock(&self.running).remove(&checker) {
            task.abort();
        }
    }

    pub(super) fn cancel_all(&self) {
        for (_, task) in lock(&self.running).drain() {
            task.abort();
        }
    }
}

/// How many files this process may open: the usual 1024 is raised where we may.
fn open_files() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return AT_ONCE };
    let wanted = (AT_ONCE + OTHER_FILES).min(hard);
    if wanted <= soft {
        return soft;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::debug!("limit of open files: {error}");
            soft
        }
    }
}

fn lock(
    running: &Mutex<HashMap<CheckerId, AbortHandle>>,
) -> MutexGuard<'_, HashMap<CheckerId, AbortHandle>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
