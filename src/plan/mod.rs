//! A file against the kernel: what differs, which steps a reload or a start takes, and what they
//! cost. Pure: whoever asks reads the kernel and the daemon's status first.
mod json;
mod network;
mod render;
mod steps;
mod sync;
mod table;
mod text;

pub use json::json;
pub use network::Thing;
pub use render::{Shown, render};
pub use steps::{Act, Cost, PlannedStep};

use crate::{
    config::model::Config,
    ipvs::{Observed, ServiceKey, SyncDaemon, Timeouts},
    net::{LinkView, RouteView},
    status::Snapshot,
};

/// What the kernel holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kernel {
    /// None: `ip_vs` is not loaded, so there is no table.
    pub ipvs: Option<IpvsView>,
    pub links: Vec<LinkView>,
    pub routes: Vec<RouteView>,
    pub rules: Vec<crate::base::Rule>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpvsView {
    pub observed: Observed,
    /// None where the file sets none.
    pub timeouts: Option<Timeouts>,
    pub daemons: Vec<SyncDaemon>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whether a daemon runs: the steps are a reload's, else a start's.
    pub daemon: bool,
    pub sections: Vec<Section>,
    /// In the order in which they are taken.
    pub steps: Vec<PlannedStep>,
    /// Services of others: never touched.
    pub foreign: Vec<ServiceKey>,
    pub notes: Vec<Note>,
}

/// What belongs together.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub title: Title,
    pub mark: Mark,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Title {
    Service(ServiceKey),
    Timeouts,
    SyncDaemon,
    /// `static_ipaddress`, `static_routes`, `static_rules`.
    Statics,
    /// State as the daemon tells it; None: it knows no such instance.
    Instance {
        name: String,
        state: Option<String>,
    },
    /// What the daemon holds and the file does not name any more.
    Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Same,
    /// The file has it, the kernel not.
    Add,
    /// The kernel has it, the file not.
    Remove,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub mark: Mark,
    /// In the words of the configuration language, so the same in every language.
    pub text: String,
    pub remark: Option<Remark>,
}

/// What is to be said of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Not in the table, or at weight 0, because a checker says so.
    Down { checker: String, reason: String },
    /// Not in the table until its alpha checker has passed.
    Waits,
    /// Checkers set another weight than the file.
    Weighs { configured: u32 },
    /// The sorry server serves in its place.
    Sorry,
    /// The instance is not master here.
    NotHeld,
    /// Nobody knows before the election.
    Election,
    /// Left by a predecessor: a start takes it away, and the election decides.
    Leftover,
    /// On this machine although the instance is not master.
    Stray,
    /// The daemon has put it in and somebody has taken it out; the daemon puts it back by itself.
    Lost,
    /// The same, marked `no_track`: only a restart puts it back.
    LostUntracked,
    /// The daemon had started it, and does not look after it.
    Stopped,
    /// Another one is in its place.
    LeadsElsewhere,
}

/// About the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    NotLoaded,
    /// A part of the daemon has not answered: what it knows is missing.
    Daemon(String),
    /// A sync daemon that is not ours.
    ForeignDaemon(String),
}

/// Compares. `status` is the running daemon's; None where none runs.
#[must_use]
pub fn compare(config: &Config, kernel: &Kernel, status: Option<&Snapshot>) -> Plan {
    let mut plan = Plan {
        daemon: status.is_some(),
        sections: vec![],
        steps: vec![],
        foreign: vec![],
        notes: vec![],
    };
    let notes = status.map_or(&[][..], |status| &status.notes);
    plan.notes.extend(notes.iter().cloned().map(Note::Daemon));
    network::compare(&config.vrrp, kernel, status, &mut plan);
    table::compare(config, kernel, status, &mut plan);
    sync::compare(config, kernel, status, &mut plan);
    plan
}

impl Plan {
    #[must_use]
    pub fn differs(&self) -> bool {
        self.sections.iter().any(Section::differs)
    }
}

impl Section {
    fn new(title: Title) -> Self {
        Self { title, mark: Mark::Same, lines: vec![] }
    }

    #[must_use]
    pub fn differs(&self) -> bool {
        self.mark != Mark::Same || self.lines.iter().any(|line| line.mark != Mark::Same)
    }

    /// Whether there is more to say than that all is as it should be.
    #[must_use]
    pub fn is_worth_a_word(&self) -> bool {
        self.differs() || self.lines.iter().any(|line| line.remark.is_some())
    }

    fn line(&mut self, mark: Mark, text: String, remark: Option<Remark>) {
        self.lines.push(Line { mark, text, remark });
    }
}
