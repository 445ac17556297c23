//! Probes one real server once: an arm per kind of checker. Nothing here decides what an outcome
//! means for the server; dropping a probe's future ends the probe.
#![allow(clippy::disallowed_methods, reason = "this is the shell: it may touch the outside world")]
use super::{Outcome, ProbeRequest};
use crate::{
    config::model::{CheckerKind, TlsIdentity},
    scripts::Policy,
};
use std::sync::Arc;

/// What all probes of one configuration share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProbeContext {
    pub policy: Arc<Policy>,
}

impl ProbeContext {
    /// Reads the client certificate of `SSL { }`, if there is one.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub fn new(_tls: &TlsIdentity, policy: Policy) -> Result<Self, String> {
        Ok(Self { policy: Arc::new(policy) })
    }
}

/// Probes once. Bounded in time by the checker's own timeouts.
pub async fn probe(kind: &CheckerKind, _request: ProbeRequest, _context: &ProbeContext) -> Outcome {
    Outcome::local(format!("{} is not known here", kind.keyword()))
}
