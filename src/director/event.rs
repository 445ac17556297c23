//! What the director is told, and what it orders.
use crate::{
    checkers::{Outcome, ProbeRequest},
    config::model::{CheckerKind, DirectorConfig, GlobalDefs, TrackFile},
    ipvs::Table,
    net::NetEvent,
    notify::Notification,
    status::DirectorStatus,
};
use std::sync::Arc;

/// One checker of one real server of one service. Never used again within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckerId(pub u32);

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    ProbeFinished {
        checker: CheckerId,
        outcome: Outcome,
    },
    /// A tracked file holds this number; 0 where it is missing or empty.
    FileRead {
        name: String,
        number: i64,
    },
    /// A BFD session came up or went down.
    Bfd {
        name: String,
        up: bool,
    },
    /// What the kernel refuses at present, in one sentence; None: nothing.
    KernelError(Option<String>),
    Reload(Arc<DirectorConfig>, Arc<GlobalDefs>),
    /// After [`Action::WatchAddresses`]: all links first, then what changes.
    Net(NetEvent),
    ReportStatus(u64),
    /// Orderly: our services removed, [`Action::Exit`] last.
    Stop,
    /// [`Action::End`] has been carried out.
    Ended,
}

/// To be carried out in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    StartProbe {
        checker: CheckerId,
        probe: Probe,
    },
    /// Its outcome is of no interest any more.
    CancelProbe(CheckerId),
    /// From now on [`Event::Net`] is wanted; ordered once.
    WatchAddresses,
    /// These files instead of those of before; answer with [`Event::FileRead`], for each at once.
    WatchFiles(Vec<TrackFile>),
    /// The kernel is to hold this; a newer wish takes the place of one not yet fulfilled.
    Want(Table),
    Notify(Notification),
    Log(Level, String),
    /// Other global settings for whoever carries actions out; before a table that needs them.
    Settings(Arc<GlobalDefs>),
    /// To the parent, with the kernel's connections added.
    Report {
        request: u64,
        status: DirectorStatus,
        config: Arc<DirectorConfig>,
    },
    /// Leave the kernel as this says; answer with [`Event::Ended`].
    End(End),
    Exit,
}

impl Action {
    /// Within one answer the table comes before the words about it, and what it needs before that.
    pub(super) const fn turn(&self) -> u8 {
        match self {
            Self::Settings(_) => 0,
            Self::Want(_) => 1,
            Self::StartProbe { .. }
            | Self::CancelProbe(_)
            | Self::WatchAddresses
            | Self::WatchFiles(_)
            | Self::Notify(_)
            | Self::Log(..)
            | Self::Report { .. }
            | Self::End(_)
            | Self::Exit => 2,
        }
    }
}

/// What to probe: the checker's settings and, for several urls, which.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    pub config: Arc<DirectorConfig>,
    /// Indexes into the configuration: service, server, checker.
    pub at: (usize, usize, usize),
    pub request: ProbeRequest,
}

impl Probe {
    /// The settings; None cannot happen for a probe that the director made.
    #[must_use]
    pub fn kind(&self) -> Option<&CheckerKind> {
        let (service, server, checker) = self.at;
        let server = self.config.virtual_servers.get(service)?.real_servers.get(server)?;
        Some(&server.checkers.get(checker)?.kind)
    }
}

/// How the kernel is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Our services go.
    Remove,
    /// Everybody's services go (`lvs_flush_on_stop`).
    Flush,
    /// All stays (`-I`).
    Leave,
}

/// How loud a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Info,
}
