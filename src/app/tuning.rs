//! What the configuration says of a process as such: its name, its nice value, real-time priority,
//! processors and limits, whether it may be swapped out, and the umask of what it makes.
use crate::{
    config::model::{GlobalDefs, Scheduling},
    ipc::Child,
};
use nix::{
    errno::Errno,
    sched::{CpuSet, sched_setaffinity},
    sys::{
        mman::{MlockAllFlags, mlockall, munlockall},
        resource::{RLIM_INFINITY, Resource, setrlimit},
        stat::{Mode, umask},
    },
    unistd::Pid,
};
use std::{
    ffi::CString,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// keepalived's: nobody but the owner reads or writes what we make, and nobody executes it.
const UMASK: u32 = 0o177;
/// How often a process looks whether it runs late.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
struct TuningError {
    what: String,
    source: Errno,
}

/// The umask of the command line, which the file cannot override, else the file's.
pub(super) fn set_umask(global: &GlobalDefs, given: Option<u32>) {
    let bits = given.or(global.process.umask).unwrap_or(UMASK);
    umask(Mode::from_bits_truncate(bits));
}

/// For `ps -C`, `pidof` and `killall`: who was started through /proc/self/exe would be called `exe`.
pub(super) fn name(name: Option<&str>) {
    let name = name.unwrap_or("ldirector");
    let set = CString::new(name).map_err(|_| Errno::EINVAL);
    if let Err(error) = set.and_then(|name| nix::sys::prctl::set_name(&name)) {
        tracing::debug!("naming the process {name}: {error}");
    }
}

/// How this child runs: a reload changes what differs, and undoes only what had been asked for.
#[derive(Debug)]
pub(super) struct Tuned {
    child: Child,
    /// Of the command line.
    umask: Option<u32>,
    applied: Scheduling,
    raising: Option<Raising>,
}

/// The task that raises the priority, and what it was started with.
#[derive(Debug)]
struct Raising {
    highest: u8,
    late: Duration,
    from: u8,
    task: JoinHandle<()>,
}

impl Drop for Raising {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tuned {
    pub(super) fn new(child: Child, umask: Option<u32>) -> Self {
        Self { child, umask, applied: Scheduling::default(), raising: None }
    }

    /// Makes this process as the configuration wants it; what fails is logged and left. Within a
    /// runtime.
    pub(super) fn apply(&mut self, global: &GlobalDefs) {
        let wanted = of(global, self.child);
        let before = std::mem::replace(&mut self.applied, wanted.clone());
        set_umask(global, self.umask);
        name(wanted.name.as_deref());
        for step in [affinity, memory, limit, schedule] {
            if let Err(error) = step(wanted, &before) {
                tracing::warn!("{error}");
            }
        }
        let highest = global.process.max_auto_priority;
        let late = global.process.min_auto_priority_delay;
        let from = wanted.rt_priority.unwrap_or(0);
        let same = |raising: &Raising| {
            raising.highest == highest && raising.late == late && raising.from == from
        };
        if !self.raising.as_ref().is_some_and(same) {
            self.raising = (highest > from).then(|| {
                let task = tokio::spawn(raise_when_late(from, highest, late));
                Raising { highest, late, from, task }
            });
        }
    }
}

const fn of(global: &GlobalDefs, child: Child) -> &Scheduling {
    match child {
        Child::Vrrp => &global.process.vrrp,
        Child::Checkers => &global.process.checkers,
        Child::Bfd => &global.process.bfd,
    }
}

fn affinity(wanted: &Scheduling, before: &Scheduling) -> Result<(), TuningError> {
    if wanted.cpus == before.cpus {
        return Ok(());
    }
    let error = |source| TuningError { what: format!("cpu_affinity {:?}", wanted.cpus), source };
    let mut set = CpuSet::new();
    let all = 0..CpuSet::count();
    let chosen: Vec<usize> =
        if wanted.cpus.is_empty() { all.collect() } else { wanted.cpus.clone() };
    for cpu in chosen {
        set.set(cpu).map_err(error)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).map_err(error)
}

fn memory(wanted: &Scheduling, before: &Scheduling) -> Result<(), TuningError> {
    let error = |source| TuningError { what: "no_swap".to_owned(), source };
    match (wanted.no_swap, before.no_swap) {
        (true, false) => {
            let all = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE;
            mlockall(all).map_err(error)
        }
        (false, true) => munlockall().map_err(error),
        (true, true) | (false, false) => Ok(()),
    }
}

/// The kernel ends a process that computes for longer under real-time scheduling; the parent starts
/// it again.
fn limit(wanted: &Scheduling, before: &Scheduling) -> Result<(), TuningError> {
    if wanted.rt_limit == before.rt_limit {
        return Ok(());
    }
    let micros = wanted
        .rt_limit
        .and_then(|limit| u64::try_from(limit.as_micros()).ok())
        .unwrap_or(RLIM_INFINITY);
    setrlimit(Resource::RLIMIT_RTTIME, micros, micros)
        .map_err(|source| TuningError { what: format!("rlimit_rttime {micros}"), source })
}

fn schedule(wanted: &Scheduling, before: &Scheduling) -> Result<(), TuningError> {
    let same = wanted.rt_priority == before.rt_priority && wanted.nice == before.nice;
    if same {
        return Ok(());
    }
    set_nice(wanted.nice.unwrap_or(0))?;
    set_policy(wanted.rt_priority.unwrap_or(0))
}

fn set_nice(nice: i8) -> Result<(), TuningError> {
    #[allow(unsafe_code, reason = "setpriority(2) has no safe wrapper in nix")]
    // SAFETY: it takes numbers only.
    let answer = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, i32::from(nice)) };
    Errno::result(answer)
        .map(|_| ())
        .map_err(|source| TuningError { what: format!("priority {nice}"), source })
}

/// SCHED_RR at this priority; 0: SCHED_OTHER. Programs that we start get neither that nor a nice
/// value below 0.
fn set_policy(priority: u8) -> Result<(), TuningError> {
    let policy = if priority == 0 { libc::SCHED_OTHER } else { libc::SCHED_RR };
    let parameter = libc::sched_param { sched_priority: i32::from(priority) };
    #[allow(unsafe_code, reason = "sched_setscheduler(2) has no safe wrapper in nix")]
    // SAFETY: the kernel reads the parameter, which lives until the call returns.
    let answer = unsafe {
        libc::sched_setscheduler(0, policy | libc::SCHED_RESET_ON_FORK, &raw const parameter)
    };
    Errno::result(answer)
        .map(|_| ())
        .map_err(|source| TuningError { what: format!("rt_priority {priority}"), source })
}

/// Raises this process's real-time priority whenever it runs late (keepalived.conf(5),
/// max_auto_priority).
async fn raise_when_late(mut priority: u8, highest: u8, late: Duration) {
    while priority < highest {
        let due = Instant::now() + LOOK;
        tokio::time::sleep_until(due.into()).await;
        let by = due.elapsed();
        if by < late {
            continue;
        }
        priority += 1;
        if let Err(error) = set_policy(priority) {
            tracing::warn!("{error}");
            return;
        }
        tracing::info!("{} ms late: real-time priority is {priority} from now on", by.as_millis());
    }
}
