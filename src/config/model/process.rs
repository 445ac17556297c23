//! How the processes run, reload and tell of themselves, settled (`global_defs` and the root level).
use crate::base::Script;
use std::{path::PathBuf, time::Duration};

/// What concerns processes as such: names, scheduling, namespaces, the scripts around their life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessControl {
    /// Before the children start.
    pub startup: Option<TimedScript>,
    /// After the children have ended.
    pub shutdown: Option<TimedScript>,
    /// Bits that files we make do not get; None = 0177 (keepalived's).
    pub umask: Option<u32>,
    pub parent_name: Option<String>,
    pub vrrp: Scheduling,
    pub checkers: Scheduling,
    pub bfd: Scheduling,
    /// Highest real-time priority a process gives itself when it runs late; 0 = never.
    pub max_auto_priority: u8,
    /// What counts as late.
    pub min_auto_priority_delay: Duration,
    /// Scripts get all groups of their user.
    pub set_supplementary_groups: bool,
    /// `instance`: in names of pid files and dumps.
    pub instance: Option<String>,
    pub use_pid_dir: bool,
    pub net_namespace: Option<String>,
    pub net_namespace_ipvs: Option<IpvsNamespace>,
}

/// Where the IPVS table lives that the daemon keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpvsNamespace {
    /// The machine's first namespace.
    Main,
    Named(String),
}

/// A script and how long it may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedScript {
    pub script: Script,
    pub timeout: Duration,
}

/// How one kind of child runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// In ps; at most 15 bytes count.
    pub name: Option<String>,
    /// -20..=19.
    pub nice: Option<i8>,
    /// All its memory stays in RAM.
    pub no_swap: bool,
    /// SCHED_RR, 1..=99.
    pub rt_priority: Option<u8>,
    /// Empty: all.
    pub cpus: Vec<usize>,
    /// Computing without a pause under real-time scheduling; None = without a limit.
    pub rt_limit: Option<Duration>,
}

impl Default for ProcessControl {
    fn default() -> Self {
        Self {
            startup: None,
            shutdown: None,
            umask: None,
            parent_name: None,
            vrrp: Scheduling::default(),
            checkers: Scheduling::default(),
            bfd: Scheduling::default(),
            max_auto_priority: 0,
            min_auto_priority_delay: Duration::from_secs(1),
            set_supplementary_groups: false,
            instance: None,
            use_pid_dir: false,
            net_namespace: None,
            net_namespace_ipvs: None,
        }
    }
}

/// When and how the file is read again, and what is kept of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadSettings {
    /// Its first line says when to reload.
    pub time_file: Option<PathBuf>,
    /// It is kept, and a time without a date comes every day.
    pub repeat: bool,
    /// Exists while the file is read.
    pub marker: Option<ReloadMarker>,
    /// `reload_check_config`: where what was found goes as well.
    pub check_log: Option<PathBuf>,
    /// Each configuration that was taken is kept here.
    pub save_dir: Option<PathBuf>,
}

/// `reload_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReloadMarker {
    /// `keepalived.reload` beside the pid files.
    Usual,
    At(PathBuf),
}

/// Where SIGUSR1, SIGUSR2 and the JSON signal write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpSettings {
    pub state: Option<PathBuf>,
    pub stats: Option<PathBuf>,
    pub json: Option<PathBuf>,
    /// Names carry the instance and the namespace.
    pub use_instance: bool,
    pub json_version: JsonVersion,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonVersion {
    /// An array of instances.
    #[default]
    One,
    /// An object with named arrays.
    Two,
}
