//! The kernel behind a trait: reads the table, carries out steps. `netlink` is the real one, `fake`
//! a table in memory for tests.
#![allow(clippy::disallowed_methods, reason = "this is the shell: it may touch the outside world")]
pub mod fake;
pub mod netlink;

use super::{DaemonRole, Observed, Refusal, Step, SyncDaemon, Timeouts};
use std::{future::Future, io};

/// The kernel's IPVS of one network namespace. One owner at a time: nobody else tells us about
/// changes, so whoever shares the table dumps it again now and then.
pub trait IpvsKernel: Send {
    /// The whole table, foreign services included.
    fn dump(&mut self) -> impl Future<Output = Result<Observed, IpvsError>> + Send;
    /// Carries out the steps in order, going on after a refusal. One result per step.
    fn run(
        &mut self,
        steps: &[Step],
    ) -> impl Future<Output = Result<Vec<Result<(), Refusal>>, IpvsError>> + Send;
    /// Empties the table: everybody's services.
    fn flush(&mut self) -> impl Future<Output = Result<(), IpvsError>> + Send;
    fn timeouts(&mut self) -> impl Future<Output = Result<Timeouts, IpvsError>> + Send;
    fn set_timeouts(
        &mut self,
        timeouts: Timeouts,
    ) -> impl Future<Output = Result<(), IpvsError>> + Send;
    /// The sync daemons that run.
    fn daemons(&mut self) -> impl Future<Output = Result<Vec<SyncDaemon>, IpvsError>> + Send;
    /// A daemon of that role which runs already is stopped first.
    fn start_daemon(
        &mut self,
        daemon: SyncDaemon,
    ) -> impl Future<Output = Result<(), IpvsError>> + Send;
    /// Starts it where none of its role runs; one that does stays as it is.
    fn keep_daemon(
        &mut self,
        daemon: SyncDaemon,
    ) -> impl Future<Output = Result<(), IpvsError>> + Send;
    /// Success also where none was running.
    fn stop_daemon(
        &mut self,
        role: DaemonRole,
    ) -> impl Future<Output = Result<(), IpvsError>> + Send;
}

/// Why nothing could be asked of the kernel; a refusal of a single step is a [`Refusal`].
#[derive(Debug, thiserror::Error)]
pub enum IpvsError {
    #[error(
        "this kernel has no IPVS ({detail}): load the module with `modprobe ip_vs` (in a container: \
         on the host), or install the kernel package that contains it"
    )]
    Absent { detail: String },
    #[error(
        "not allowed to use IPVS: run as root or give the process CAP_NET_ADMIN (a rootless \
         container or user namespace does not suffice)"
    )]
    NotPermitted,
    #[error("IPVS: cannot {operation}")]
    Socket {
        operation: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("IPVS: the kernel refused to {operation}: {refusal}")]
    Refused { operation: String, refusal: Refusal },
    #[error("IPVS: not understood what the kernel answered when asked to {operation}")]
    Malformed { operation: &'static str },
    #[error("IPVS: the thread that speaks to the kernel has ended")]
    Gone,
}
