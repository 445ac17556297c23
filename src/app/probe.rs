//! `check --probe`: starts the looking, and shows on a terminal how far it has come.
use super::{cli::RunArgs, places::network_namespace, run::enter};
use crate::{
    config::{
        Config,
        diagnostic::Diagnostics,
        look::Look,
        rules::probe as rules,
        source::{Sources, Span},
    },
    probe::io::{self, Progress},
};
use std::{
    io::{IsTerminal, Write},
    path::Path,
    time::Duration,
};

/// What was looked at; what is wrong is added to `found`.
pub(super) fn look(
    config: &Config,
    sources: &Sources,
    limit: Duration,
    found: &mut Diagnostics,
) -> Vec<Look> {
    let terminal = std::io::stderr().is_terminal();
    let namespace = network_namespace(&RunArgs::default(), &config.global);
    let seen = within(namespace.as_deref(), || {
        io::look(config, sources, limit, |progress| {
            if terminal {
                show(progress);
            }
        })
    });
    match seen {
        Ok(seen) => {
            found.append(seen.findings);
            seen.looks
        }
        Err(error) => {
            found.report(rules::NOT_LOOKED, Span::default()).with("why", error);
            vec![]
        }
    }
}

/// In the network namespace in which the daemon will run; another file may name another.
fn within<T>(
    namespace: Option<&Path>,
    work: impl FnOnce() -> std::io::Result<T>,
) -> std::io::Result<T> {
    let Some(namespace) = namespace else { return work() };
    let home = std::fs::File::open("/proc/self/ns/net")?;
    enter(namespace).map_err(|error| {
        std::io::Error::new(error.kind(), format!("{}: {error}", namespace.display()))
    })?;
    let outcome = work();
    nix::sched::setns(home, nix::sched::CloneFlags::CLONE_NEWNET)?;
    outcome
}

/// One line, written over and over; empty at the end.
fn show(Progress { done, of, subject }: Progress<'_>) {
    const SHOWN: usize = 60;
    let subject: String = subject.chars().take(SHOWN).collect();
    let line = if done == of { String::new() } else { format!("{done}/{of} {subject}") };
    // Whoever closed the terminal does not want to know.
    let mut terminal = std::io::stderr().lock();
    if write!(terminal, "\r\x1b[K{line}").and_then(|()| terminal.flush()).is_err() {
        tracing::debug!("the terminal has gone");
    }
}
