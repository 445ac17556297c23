//! Commands we run for the user: what, as whom, for how long.
pub mod io;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(u8),
    Signal(i32),
    TimedOut,
    /// It could not be started at all, and why.
    NotStarted(String),
}

/// Why a script cannot run as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The fact: which part of the path, its owner and mode, or which user is missing.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
    /// There is no such file here; on another machine there may be.
    pub absent: bool,
}

impl Refusal {
    fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { why: why.into(), remedy: remedy.into(), absent: false }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.why, self.remedy)
    }
}

/// Whom scripts run as when they do not say, and what is demanded of their files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// `script_user`: user and group names.
    pub default_user: Option<(String, Option<String>)>,
    /// `enable_script_security`.
    pub security: bool,
    /// `set_supplementary_groups`: all groups of the user, not one alone.
    pub all_groups: bool,
}
