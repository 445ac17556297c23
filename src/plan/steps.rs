//! What is done, and what it costs those who are connected.
use super::Thing;
use crate::ipvs::{DaemonRole, Step, SyncDaemon, Timeouts};

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStep {
    pub act: Act,
    pub cost: Cost,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Ipvs(Step),
    Timeouts(Timeouts),
    StopSync(DaemonRole),
    StartSync(SyncDaemon),
    Add(Thing),
    Remove(Thing),
}

/// What a step costs those who are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    Nothing,
    /// So many established connections are dropped.
    Drops(u64),
    /// Who is connected stays, nobody new comes.
    Drains,
    /// Connections to the address break, unless another director takes it over.
    Address,
    /// Packets take another way, or none.
    Path,
}

impl Cost {
    /// Whether established connections break.
    #[must_use]
    pub const fn drops(self) -> bool {
        match self {
            Self::Drops(_) | Self::Address | Self::Path => true,
            Self::Nothing | Self::Drains => false,
        }
    }
}
