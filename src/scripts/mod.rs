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
