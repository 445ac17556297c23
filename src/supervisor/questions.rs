//! Questions to the children under way: for a client of the control socket, for a dump, for what
//! `config_save_dir` keeps. Each is answered when all have said their part, or have had the time.
use super::{Action, Level, name};
use crate::{
    config::source::Sources,
    ipc::{Child, Response},
    status::{BfdStatus, DirectorStatus, Snapshot, VrrpStatus},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a child may take to tell its status before the answer goes out without it.
pub(super) const STATUS_WAIT: Duration = Duration::from_secs(2);

/// What is to be written to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// SIGUSR1: everything, in keepalived's form.
    Data,
    /// SIGUSR2: packet counters.
    Statistics,
    Json,
    /// `config_save_dir`: the state before or after the reload of this number.
    Saved {
        number: u64,
        when: &'static str,
    },
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Client(u64),
    Dump(Dump),
}

/// A child's part of the answer.
#[derive(Debug)]
pub(super) enum Part {
    Vrrp(VrrpStatus),
    Director(DirectorStatus),
    Bfd(BfdStatus),
}

#[derive(Debug)]
struct Question {
    asker: Asker,
    number: u64,
    waits_for: Vec<Child>,
    snapshot: Snapshot,
    /// What the children run on while they answer.
    sources: Arc<Sources>,
    until: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Questions {
    open: Vec<Question>,
    asked: u64,
}

impl Questions {
    /// Notes a question; its number is for the children.
    pub(super) fn ask(
        &mut self,
        asker: Asker,
        waits_for: Vec<Child>,
        snapshot: Snapshot,
        sources: Arc<Sources>,
        now: Instant,
    ) -> u64 {
        self.asked += 1;
        let (number, until) = (self.asked, now + STATUS_WAIT);
        self.open.push(Question { asker, number, waits_for, snapshot, sources, until });
        number
    }

    pub(super) fn add(&mut self, number: u64, from: Child, part: Part, out: &mut Vec<Action>) {
        if let Some(question) = self.open.iter_mut().find(|q| q.number == number) {
            match part {
                Part::Vrrp(status) => question.snapshot.vrrp = Some(status),
                Part::Director(status) => question.snapshot.director = Some(status),
                Part::Bfd(status) => question.snapshot.bfd = Some(status),
            }
            question.waits_for.retain(|child| *child != from);
        }
        self.answer(None, out);
    }

    /// A child has ended and will not answer.
    pub(super) fn forget(&mut self, child: Child, out: &mut Vec<Action>) {
        for question in &mut self.open {
            if question.waits_for.contains(&child) {
                question.waits_for.retain(|waiting| *waiting != child);
                question.snapshot.notes.push(format!("the {} process is restarting", name(child)));
            }
        }
        self.answer(None, out);
    }

    /// Answers what is complete, and what has waited long enough.
    pub(super) fn answer(&mut self, now: Option<Instant>, out: &mut Vec<Action>) {
        let (done, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|q| q.waits_for.is_empty() || now.is_some_and(|now| q.until <= now));
        self.open = open;
        let done: Vec<Question> = done;
        for mut question in done {
            for child in question.waits_for {
                let note = format!("the {} process does not answer", name(child));
                question.snapshot.notes.push(note);
            }
            let snapshot = Box::new(question.snapshot);
            match question.asker {
                Asker::Client(client) => {
                    out.push(Action::Answer { client, response: Response::Status(snapshot) });
                }
                Asker::Dump(dump) => {
                    for note in &snapshot.notes {
                        out.push(Action::Log(Level::Warning, format!("dump: {note}")));
                    }
                    out.push(Action::Dump { dump, sources: question.sources, snapshot });
                }
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.open.iter().map(|question| question.until).min()
    }
}
