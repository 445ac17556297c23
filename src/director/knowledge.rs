//! What checkers are told instead of asking: numbers in files (FILE_CHECK) and BFD sessions
//! (BFD_CHECK).
use super::{Director, event::Action, virtual_server::Checking};
use crate::{
    checkers::{Outcome, misc},
    config::model::CheckerKind,
};
use std::{collections::BTreeMap, time::Instant};

/// The newest of everything that was told, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Knowledge {
    files: BTreeMap<String, i64>,
    bfds: BTreeMap<String, bool>,
}

impl Knowledge {
    pub(super) fn read(&mut self, file: &str, number: i64) {
        self.files.insert(file.to_owned(), number);
    }

    /// What this means for a checker; None where nothing is known, and for those that ask.
    pub(super) fn outcome(&self, kind: &CheckerKind) -> Option<Outcome> {
        match kind {
            CheckerKind::File(check) => {
                Some(misc::judge_file(check, self.files.get(&check.name).copied()?))
            }
            CheckerKind::Bfd(check) => Some(if *self.bfds.get(&check.name)? {
                Outcome::pass(format!("session {} is up", check.name))
            } else {
                Outcome::fail(format!("session {} is down", check.name))
            }),
            CheckerKind::Tcp(_)
            | CheckerKind::Http(_)
            | CheckerKind::Smtp(_)
            | CheckerKind::Misc(_)
            | CheckerKind::Ping(_)
            | CheckerKind::Dns(_)
            | CheckerKind::Udp(_) => None,
        }
    }
}

impl Director {
    /// Numbers that were read before the start: servers begin as these say.
    #[must_use]
    pub fn knowing(mut self, numbers: impl IntoIterator<Item = (String, i64)>) -> Self {
        self.knowledge.files.extend(numbers);
        self
    }

    pub(super) fn on_file(&mut self, name: &str, number: i64, now: Instant, out: &mut Vec<Action>) {
        self.knowledge.read(name, number);
        self.tell_checkers(
            now,
            out,
            |kind| matches!(kind, CheckerKind::File(check) if check.name == name),
        );
    }

    pub(super) fn on_bfd(&mut self, name: &str, up: bool, now: Instant, out: &mut Vec<Action>) {
        self.knowledge.bfds.insert(name.to_owned(), up);
        self.tell_checkers(
            now,
            out,
            |kind| matches!(kind, CheckerKind::Bfd(check) if check.name == name),
        );
    }

    /// Suspended ones are told when they are resumed.
    pub(super) fn tell_checkers(
        &mut self,
        now: Instant,
        out: &mut Vec<Action>,
        concerned: impl Fn(&CheckerKind) -> bool,
    ) {
        let mut told = vec![];
        for (service, config) in self.services.iter_mut().zip(&self.config.virtual_servers) {
            if service.checking == Checking::Suspended {
                continue;
            }
            for (server, config) in service.servers.iter_mut().zip(&config.real_servers) {
                for (state, checker) in server.checkers.iter_mut().zip(&config.checkers) {
                    if concerned(&checker.kind)
                        && let Some(outcome) = self.knowledge.outcome(&checker.kind)
                    {
                        state.schedule.started(now);
                        state.running = true;
                        told.push((state.id, outcome));
                    }
                }
            }
        }
        for (id, outcome) in told {
            self.on_probe(id, &outcome, now, out);
        }
    }
}
