//! What a probe's answer means, and when to probe again.

/// What one probe found. The reason is a sentence fragment for the log and for `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `code`: a misc_dynamic script's exit code 2..=255, which sets the weight to code - 2.
    Pass {
        code: Option<u8>,
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
