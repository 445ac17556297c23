//! BFD sessions (RFC 5880, asynchronous mode, without authentication and echo) as one machine:
//! whether neighbours live, told within a few packets.
mod event;
pub mod io;
mod packet;
mod session;

#[cfg(test)]
mod tests;

pub use event::{Action, Datagram, Event, Level, SessionId};
pub use packet::{Control, Diagnostic, LENGTH, Refused, State};

use crate::{
    config::model::{BfdConfig, BfdInstance},
    machine::Machine,
    status::{BfdSessionStatus, BfdStatus},
};
use session::Session;
use std::{sync::Arc, time::Instant};

/// The BFD child's machine.
#[derive(Debug)]
pub struct Bfd {
    sessions: Vec<Session>,
    random: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The first deadline is at once: everything starts then.
    New {
        since: Instant,
        config: Arc<BfdConfig>,
    },
    Running,
    Stopped,
}

impl Bfd {
    /// `seed`: for discriminators and jitter; another one each time.
    #[must_use]
    pub const fn new(config: Arc<BfdConfig>, seed: u64, now: Instant) -> Self {
        Self { sessions: vec![], random: seed, phase: Phase::New { since: now, config } }
    }

    fn start(&mut self, now: Instant, out: &mut Vec<Action>) {
        if let Phase::New { config, .. } = std::mem::replace(&mut self.phase, Phase::Running) {
            for session in &config.sessions {
                self.open(session.clone(), now, out);
            }
        }
    }

    fn open(&mut self, config: BfdInstance, now: Instant, out: &mut Vec<Action>) {
        let id = loop {
            let (high, low) = (self.next_random(), self.next_random());
            let id = SessionId(high ^ low.rotate_left(16));
            if id.0 != 0 && self.sessions.iter().all(|session| session.id != id) {
                break id;
            }
        };
        let seed = u64::from(self.next_random()) << 32 | u64::from(id.0);
        out.push(Action::Open(id, config.clone()));
        // As keepalived does: whoever took it for up learns better.
        out.push(Action::Tell { name: config.name.value.clone(), up: false });
        self.sessions.push(Session::new(config, id, seed, now));
    }

    /// SplitMix64, its upper half.
    fn next_random(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(1)
    }

    fn on_datagram(&mut self, datagram: &Datagram, now: Instant, out: &mut Vec<Action>) {
        let Datagram { from, to, .. } = datagram;
        let mut drop = |why: String| {
            out.push(Action::Log(Level::Detail, format!("Discarding packet from {from} ({why})")));
        };
        let packet = match Control::decode(&datagram.bytes) {
            Ok(packet) => packet,
            Err(refused) => return drop(refused.to_string()),
        };
        let found = self.sessions.iter_mut().find(|session| {
            let ours = if packet.yours == 0 {
                session.is_between(*from, *to)
            } else {
                session.id.0 == packet.yours && session.config.neighbour == *from
            };
            ours && session.config.multihop == datagram.multihop
        });
        match found {
            None => {
                drop(format!("session is not found - your discriminator field is {}", packet.yours))
            }
            Some(session) if session.is_far(datagram.ttl) => {
                let ttl = datagram.ttl.unwrap_or(0);
                drop(format!("ttl {ttl}, bfd_instance {}", session.config.name.value));
            }
            Some(session) => session.hear(&packet, now, out),
        }
    }

    /// Sessions with the same ends stay; all others end and begin.
    fn reload(&mut self, config: &BfdConfig, now: Instant, out: &mut Vec<Action>) {
        let mut old = std::mem::take(&mut self.sessions);
        for new in &config.sessions {
            match old.iter().position(|session| same_ends(&session.config, new)) {
                Some(at) => {
                    let mut session = old.swap_remove(at);
                    if session.config != *new {
                        session.adopt(new.clone(), now);
                    }
                    self.sessions.push(session);
                }
                None => self.open(new.clone(), now, out),
            }
        }
        for mut gone in old {
            gone.enter_admin_down(now, out);
            out.push(Action::Close(gone.id));
        }
    }

    fn stop(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.phase = Phase::Stopped;
        for session in &mut self.sessions {
            session.enter_admin_down(now, out);
        }
        out.push(Action::Exit);
    }

    fn status(&self) -> BfdStatus {
        let sessions = self.sessions.iter().map(|session| BfdSessionStatus {
            name: session.config.name.value.clone(),
            neighbour: session.config.neighbour.to_string(),
            state: session.state.to_string(),
            remote_state: session.remote.state.to_string(),
            diagnostic: session.diagnostic.to_string(),
            interval_us: u64::try_from(session.interval().as_micros()).unwrap_or(u64::MAX),
            detection_us: u64::try_from(session.detection_time().as_micros()).unwrap_or(u64::MAX),
        });
        BfdStatus { sessions: sessions.collect() }
    }
}

/// What sockets and the neighbour's memory hang on; the name is how others know it.
fn same_ends(old: &BfdInstance, new: &BfdInstance) -> bool {
    let ends = |s: &BfdInstance| (s.name.value.clone(), s.neighbour, s.source, s.multihop, s.ttl);
    ends(old) == ends(new)
}

impl Machine for Bfd {
    type Event = Event;
    type Action = Action;

    fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut out = vec![];
        self.start(now, &mut out);
        match event {
            Event::Datagram(datagram) => self.on_datagram(&datagram, now, &mut out),
            Event::Reload(config) => self.reload(&config, now, &mut out),
            Event::ReportStatus(number) => out.push(Action::Report(number, self.status())),
            Event::Stop => self.stop(now, &mut out),
        }
        out
    }

    fn handle_deadline(&mut self, now: Instant) -> Vec<Action> {
        let mut out = vec![];
        self.start(now, &mut out);
        for session in &mut self.sessions {
            if session.deadline().is_some_and(|at| at <= now) {
                session.on_deadline(now, &mut out);
            }
        }
        out
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::New { since, .. } => Some(since),
            Phase::Running => self.sessions.iter().filter_map(Session::deadline).min(),
            Phase::Stopped => None,
        }
    }
}
