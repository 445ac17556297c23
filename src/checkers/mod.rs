//! What a probe's answer means, and when to probe again.
pub mod dns;
pub mod http;
pub mod io;
pub mod misc;
pub mod schedule;
pub mod smtp;
pub mod udp;

pub use schedule::{Born, Change, ProbeRequest, Schedule, Verdict};

/// What one probe found. The reason is a sentence fragment for the log and for `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `code`: a misc_dynamic script's exit code 2..=255, which sets the weight to code - 2.
    Pass {
        code: Option<u8>,
        reason: String,
    },
    /// FILE_CHECK: the server lives, and its weight moves by this much.
    Weigh {
        offset: i64,
        reason: String,
    },
    Fail {
        reason: String,
    },
    /// Our own side failed (EADDRNOTAVAIL, ENODEV, EPERM …): says nothing about the server.
    Local {
        reason: String,
    },
}

impl Outcome {
    #[must_use]
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::Pass { code: None, reason: reason.into() }
    }

    #[must_use]
    pub fn fail(reason: impl Into<String>) -> Self {
        Self::Fail { reason: reason.into() }
    }

    #[must_use]
    pub fn local(reason: impl Into<String>) -> Self {
        Self::Local { reason: reason.into() }
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Pass { reason, .. }
            | Self::Weigh { reason, .. }
            | Self::Fail { reason }
            | Self::Local { reason } => reason,
        }
    }
}
