//! A kernel in memory that answers as the real one does, for tests of whatever talks to it.
use super::{IpvsError, IpvsKernel};
use crate::ipvs::{
    DaemonRole, Observed, Refusal, Step, SyncDaemon, Table, Timeouts,
    table::{Counters, Service, ServiceCounters, ServiceKey},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Clones share one kernel: a test keeps one to look in and to interfere.
#[derive(Clone, Debug, Default)]
pub struct FakeKernel(Arc<Mutex<State>>);

/// What is in it, and what was done to it.
#[derive(Debug, Default)]
pub struct State {
    pub table: Table,
    pub timeouts: Option<Timeouts>,
    pub daemons: Vec<SyncDaemon>,
    /// Every step in order, refused ones too.
    pub log: Vec<Step>,
    pub dumps: usize,
    /// Schedulers without a module.
    pub missing_schedulers: BTreeSet<String>,
    /// The next steps of this description (see [`Step`]'s `Display`) are refused.
    pub refuse: BTreeMap<String, Refusal>,
    /// The next call fails as a whole.
    pub fail_next: bool,
}

impl FakeKernel {
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self(Arc::new(Mutex::new(State { table, ..State::default() })))
    }

    /// To look in, and to interfere as somebody else would.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, operation: &'static str) -> Result<MutexGuard<'_, State>, IpvsError> {
        let mut state = self.state();
        if std::mem::take(&mut state.fail_next) {
            return Err(IpvsError::Malformed { operation });
        }
        Ok(state)
    }
}

impl State {
    /// What the kernel does with one step (spec: IPVS netlink §3).
    ///
    /// # Errors
    /// The errno it answers with; nothing has changed then.
    pub fn apply(&mut self, step: &Step) -> Result<(), Refusal> {
        self.log.push(step.clone());
        if let Some(refusal) = self.refuse.get(&step.to_string()) {
            return Err(*refusal);
        }
        let services = &mut self.table.0;
        match step {
            Step::AddService { key, .. } if services.contains_key(key) => Err(Refusal::EEXIST),
            Step::EditService { key, .. } if !services.contains_key(key) => Err(Refusal::ESRCH),
            Step::AddService { service, .. } | Step::EditService { service, .. }
                if self.missing_schedulers.contains(&service.scheduler) =>
            {
                Err(Refusal::ENOENT)
            }
            Step::AddService { key, service } | Step::EditService { key, service } => {
                let mut made = (**service).clone();
                made.destinations =
                    services.get(key).map(|old| old.destinations.clone()).unwrap_or_default();
                services.insert(*key, Arc::new(made));
                Ok(())
            }
            Step::DeleteService { key } => services.remove(key).map(|_| ()).ok_or(Refusal::ESRCH),
            Step::AddDestination { service, at, destination } => {
                let service = Arc::make_mut(services.get_mut(service).ok_or(Refusal::ESRCH)?);
                if service.destinations.contains_key(at) {
                    return Err(Refusal::EEXIST);
                }
                service.destinations.insert(*at, *destination);
                Ok(())
            }
            Step::EditDestination { service, at, destination } => {
                let service = Arc::make_mut(services.get_mut(service).ok_or(Refusal::ESRCH)?);
                let is = service.destinations.get_mut(at).ok_or(Refusal::ENOENT)?;
                *is = *destination;
                Ok(())
            }
            Step::DeleteDestination { service, at } => {
                let service = Arc::make_mut(services.get_mut(service).ok_or(Refusal::ESRCH)?);
                service.destinations.remove(at).map(|_| ()).ok_or(Refusal::ENOENT)
            }
        }
    }
}

/// The real one answers from another thread: whoever asks has to wait, and others go on.
async fn elsewhere() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

impl IpvsKernel for FakeKernel {
    async fn dump(&mut self) -> Result<Observed, IpvsError> {
        elsewhere().await;
        let mut state = self.begin("list the services")?;
        state.dumps += 1;
        let mut counters = Counters::new();
        for (key, service) in &state.table.0 {
            let at = service.destinations.keys();
            let destinations = at.map(|at| (*at, Default::default())).collect();
            counters.insert(*key, ServiceCounters { destinations, ..Default::default() });
        }
        // Nothing of a dump shares memory with what anybody wanted.
        let own =
            |(key, service): (&ServiceKey, &Arc<Service>)| (*key, Arc::new((**service).clone()));
        Ok(Observed { table: Table(state.table.0.iter().map(own).collect()), counters })
    }

    async fn run(&mut self, steps: &[Step]) -> Result<Vec<Result<(), Refusal>>, IpvsError> {
        elsewhere().await;
        let mut state = self.begin("change the table")?;
        Ok(steps.iter().map(|step| state.apply(step)).collect())
    }

    async fn flush(&mut self) -> Result<(), IpvsError> {
        self.begin("empty the table")?.table.0.clear();
        Ok(())
    }

    async fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        let state = self.begin("report the timeouts")?;
        Ok(state.timeouts.unwrap_or(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 }))
    }

    async fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), IpvsError> {
        self.begin("set the timeouts")?.timeouts = Some(timeouts);
        Ok(())
    }

    async fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        Ok(self.begin("list the sync daemons")?.daemons.clone())
    }

    async fn start_daemon(&mut self, daemon: SyncDaemon) -> Result<(), IpvsError> {
        let mut state = self.begin("start the sync daemon")?;
        state.daemons.retain(|running| running.role != daemon.role);
        state.daemons.push(daemon);
        Ok(())
    }

    async fn keep_daemon(&mut self, daemon: SyncDaemon) -> Result<(), IpvsError> {
        let mut state = self.begin("start the sync daemon")?;
        if state.daemons.iter().all(|running| running.role != daemon.role) {
            state.daemons.push(daemon);
        }
        Ok(())
    }

    async fn stop_daemon(&mut self, role: DaemonRole) -> Result<(), IpvsError> {
        self.begin("stop the sync daemon")?.daemons.retain(|running| running.role != role);
        Ok(())
    }
}
