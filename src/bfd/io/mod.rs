//! Carries out what the BFD machine orders: its sockets, its log lines, its answers.
#![allow(clippy::disallowed_methods, reason = "this is a shell: it may touch the outside")]
mod socket;

use super::{Action, Bfd, Event, LENGTH, Level, SessionId};
use crate::{
    config::model::{BfdConfig, BfdInstance},
    machine::io::{Executor, Inbound, Mark, drive},
    status::BfdStatus,
};
use socket::{Port, Receiver, Sender as Packets};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
    time::Instant,
};
use tokio::sync::mpsc::{Receiver as Inbox, Sender};

/// What goes to the parent.
#[derive(Clone, Debug, PartialEq)]
pub enum Upward {
    Reached(Mark),
    Status(u64, BfdStatus),
    /// A session came up or went down.
    Changed {
        name: String,
        up: bool,
    },
}

/// An operation on a socket that failed.
#[derive(Debug, thiserror::Error)]
#[error("BFD: cannot {operation} {subject}: {source}")]
pub(super) struct BfdError {
    operation: &'static str,
    subject: String,
    source: std::io::Error,
}

/// Runs the machine until [`Event::Stop`] has been carried out and returns the exit code.
///
/// `events` is the sending end of `inbox`: datagrams come through it, and are dropped when it is
/// full. Answers for the parent leave through `upward`; changes of sessions wait there, the rest is
/// lost when it is full. `detail`: keepalived's `-D`.
pub async fn run(
    config: Arc<BfdConfig>,
    seed: u64,
    inbox: Inbox<Inbound<Event>>,
    events: Sender<Inbound<Event>>,
    upward: Sender<Upward>,
    detail: bool,
) -> u8 {
    let executor = BfdExecutor {
        sessions: BTreeMap::new(),
        receivers: BTreeMap::new(),
        events,
        upward,
        detail,
    };
    drive(Bfd::new(config, seed, Instant::now()), inbox, executor).await
}

struct BfdExecutor {
    sessions: BTreeMap<SessionId, Open>,
    /// Those that some session needs.
    receivers: BTreeMap<Port, Receiver>,
    events: Sender<Inbound<Event>>,
    upward: Sender<Upward>,
    detail: bool,
}

struct Open {
    name: String,
    port: Port,
    /// None: could not be opened, tried again with each packet.
    packets: Option<Packets>,
    config: BfdInstance,
    /// A failure has been logged.
    complained: bool,
}

impl Executor<Bfd> for BfdExecutor {
    async fn execute(&mut self, action: Action) -> ControlFlow<u8> {
        match action {
            Action::Open(id, config) => self.open(id, config),
            Action::Close(id) => {
                self.sessions.remove(&id);
                let needed: BTreeSet<Port> = self.sessions.values().map(|open| open.port).collect();
                self.receivers.retain(|port, _| needed.contains(port));
            }
            Action::Send(id, packet) => self.send(id, &packet),
            Action::Tell { name, up } => {
                if self.upward.send(Upward::Changed { name, up }).await.is_err() {
                    tracing::debug!("a session changed after the end");
                }
            }
            Action::Log(Level::Warning, text) => tracing::warn!("{text}"),
            Action::Log(Level::Info, text) => tracing::info!("{text}"),
            Action::Log(Level::Detail, text) if self.detail => tracing::info!("{text}"),
            Action::Log(Level::Detail, text) => tracing::debug!("{text}"),
            Action::Report(number, status) => self.answer(Upward::Status(number, status)),
            Action::Exit => return ControlFlow::Break(0),
        }
        ControlFlow::Continue(())
    }

    async fn reached(&mut self, mark: Mark) {
        self.answer(Upward::Reached(mark));
    }
}

impl BfdExecutor {
    fn open(&mut self, id: SessionId, config: BfdInstance) {
        let port = Port::of(&config);
        let events = &self.events;
        self.receivers.entry(port).or_insert_with(|| Receiver::start(port, events.clone()));
        let open = Open {
            name: config.name.value.clone(),
            port,
            packets: None,
            config,
            complained: false,
        };
        self.sessions.insert(id, open);
    }

    fn send(&mut self, id: SessionId, packet: &[u8; LENGTH]) {
        let Some(open) = self.sessions.get_mut(&id) else { return };
        let sent = match &open.packets {
            Some(packets) => packets.send(packet),
            None => Packets::open(&open.config).and_then(|packets| {
                let sent = packets.send(packet);
                open.packets = Some(packets);
                sent
            }),
        };
        // Said when it begins: the neighbour's silence says the rest.
        match sent {
            Ok(()) => open.complained = false,
            Err(_) if open.complained => {}
            Err(error) => {
                open.complained = true;
                tracing::warn!("({}) Error sending packet: {error}", open.name);
            }
        }
    }

    /// Never waits: a parent that does not read must not silence the sessions.
    fn answer(&self, answer: Upward) {
        if let Err(error) = self.upward.try_send(answer) {
            tracing::warn!("the parent does not read answers: {error}");
        }
    }
}
