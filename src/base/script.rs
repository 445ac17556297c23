//! A command the user wants run, as configured: words and, if given, as whom.
use serde::{Deserialize, Serialize};

/// `argv` is never empty. `user` and `group` are names or numbers as written; without a user the
/// process-wide default of [`crate::scripts`] applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Script {
    pub argv: Vec<String>,
    pub user: Option<String>,
    pub group: Option<String>,
}

impl Script {
    /// The same command with words appended (what `notify` gets from us).
    #[must_use]
    pub fn with_arguments(&self, more: &[&str]) -> Self {
        let mut script = self.clone();
        script.argv.extend(more.iter().map(|word| (*word).to_owned()));
        script
    }
}
