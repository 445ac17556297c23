//! Probes one real server once: an arm per kind of checker. Nothing here decides what an outcome
//! means for the server; dropping a probe's future ends the probe.
#![allow(clippy::disallowed_methods, reason = "this is the shell: it may touch the outside world")]
mod connect;
mod dns;
pub mod http;
mod key;
mod misc;
mod ping;
mod smtp;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod udp;

use super::{Outcome, ProbeRequest};
use crate::{
    config::model::{CheckerKind, DirectorConfig, RegexOptions, TlsIdentity},
    scripts::Policy,
};
use fancy_regex::Regex;
use std::sync::{Arc, Mutex, PoisonError};

/// What all probes of one configuration share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProbeContext {
    policy: Arc<Policy>,
    tls: Arc<rustls::ClientConfig>,
    /// Why the client certificate cannot be shown, where it cannot.
    no_identity: Option<Arc<str>>,
    pings: ping::Pings,
    regexes: Arc<Mutex<Regexes>>,
}

/// Compiled once each: servers of one service share their options.
type Regexes = Vec<(RegexOptions, Arc<Regex>)>;

impl ProbeContext {
    /// Reads the client certificate of `SSL { }`, if there is one.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub fn new(tls: &TlsIdentity, policy: Policy) -> Result<Self, String> {
        Ok(Self {
            policy: Arc::new(policy),
            tls: Arc::new(tls::client_config(tls)?),
            no_identity: None,
            pings: ping::Pings::default(),
            regexes: Arc::default(),
        })
    }

    /// For the checkers of a configuration. Where its client certificate cannot be read, SSL_GET has
    /// that as its outcome (a fault of ours), and all others work.
    ///
    /// # Errors
    /// Why there is no TLS at all.
    pub fn of(director: &DirectorConfig, policy: Policy) -> Result<Self, String> {
        // Files that nobody uses may be broken.
        if !director.has_tls() {
            return Self::new(&TlsIdentity::default(), policy);
        }
        Self::new(&director.tls, policy.clone()).or_else(|why| {
            let others = Self::new(&TlsIdentity::default(), policy)?;
            Ok(Self { no_identity: Some(why.into()), ..others })
        })
    }

    /// A sentence that names the file and what is wrong with it.
    #[must_use]
    pub fn no_identity(&self) -> Option<&str> {
        self.no_identity.as_deref()
    }

    /// Goes on with the client certificate that was read before, if one was.
    #[must_use]
    pub fn with_identity_of(&self, before: &Self) -> Option<Self> {
        let tls = Arc::clone(&before.tls);
        let has_one = tls.client_auth_cert_resolver.has_certs();
        has_one.then(|| Self { tls, no_identity: None, ..self.clone() })
    }

    fn regex(&self, options: &RegexOptions) -> Result<Arc<Regex>, String> {
        let mut regexes = self.regexes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, regex)) = regexes.iter().find(|(known, _)| known == options) {
            return Ok(Arc::clone(regex));
        }
        let regex = Arc::new(super::http::compile(options)?);
        regexes.push((options.clone(), Arc::clone(&regex)));
        Ok(regex)
    }
}

/// Probes once. Bounded in time by the checker's own timeouts.
pub async fn probe(kind: &CheckerKind, request: ProbeRequest, context: &ProbeContext) -> Outcome {
    match kind {
        CheckerKind::Tcp(connection) => tcp::probe(connection).await,
        CheckerKind::Http(check) => http::probe(check, request.url, context).await,
        CheckerKind::Smtp(check) => smtp::probe(check).await,
        CheckerKind::Misc(check) => misc::probe(check, &context.policy).await,
        CheckerKind::Ping(connection) => context.pings.probe(connection).await,
        CheckerKind::Dns(check) => dns::probe(check).await,
        CheckerKind::Udp(check) => udp::probe(check).await,
        // Whoever is told never asks.
        CheckerKind::File(_) | CheckerKind::Bfd(_) => Outcome::local("it is not probed"),
    }
}
