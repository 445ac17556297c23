//! The kernel's table of virtual servers: what it holds, what we want, and the steps from one to the other.
pub mod codec;
pub mod daemon;
pub mod io;
pub mod plan;
pub mod reconciler;
pub mod refusal;
pub mod table;

pub use daemon::{DaemonRole, SyncDaemon, Timeouts};
pub use plan::{Owned, Step, plan};
pub use reconciler::{Drift, Next, Problem, Reconciler};
pub use refusal::Refusal;
pub use table::{
    Counters, Destination, DestinationCounters, DestinationKey, Mask, Observed, Persistence,
    Service, ServiceCounters, ServiceKey, Stats, Table,
};
