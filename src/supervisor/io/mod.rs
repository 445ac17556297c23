//! Carries out the parent's actions. Tasks: per child one that waits for its end and two for its
//! link (`spawn`), one per client of the control socket (`control`), one for signals (`signals`);
//! all end with the process, none holds anything that must be tidied up.
#![allow(clippy::disallowed_methods, reason = "this is the shell: it starts tasks and processes")]
pub mod control;
pub mod pidfile;
pub mod reload_timer;
pub mod signals;
mod spawn;

pub use spawn::Launch;

use super::{Action, Configuration, Dump, Event, Level, Supervisor, Tell};
use crate::{
    config::source::Sources,
    ipc::{Child, Response, ToChild},
    machine::io::{Executor, Inbound},
    status::Snapshot,
};
use control::Clients;
use spawn::Handle;
use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};
use tokio::sync::mpsc;

/// What the parent's inbox takes; a sender waits when it is full, so nothing is lost.
pub const INBOX: usize = 1024;

/// Loads and parses the configuration file; or the sentence why not (details logged).
pub type Read = Arc<dyn Fn() -> Result<Configuration, String> + Send + Sync>;

/// What the parent does beside its children.
pub trait Chores: Send {
    /// A configuration was taken, at the start (0) or by a reload (its number).
    fn settle(&mut self, number: u64, configuration: &Configuration);
    /// Write a dump. Only starts it.
    fn dump(&mut self, dump: Dump, sources: Arc<Sources>, snapshot: Box<Snapshot>);
}

/// The parent's hands.
pub struct SupervisorExecutor {
    pub launch: Launch,
    pub read: Read,
    pub clients: Clients,
    pub inbox: mpsc::Sender<Inbound<Event>>,
    pub chores: Box<dyn Chores>,
    children: BTreeMap<Child, Handle>,
    /// Called once, when the first child has its configuration.
    ready: Option<Box<dyn FnOnce() + Send>>,
}

impl std::fmt::Debug for SupervisorExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SupervisorExecutor")
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

impl SupervisorExecutor {
    #[must_use]
    pub fn new(
        launch: Launch,
        read: Read,
        clients: Clients,
        inbox: mpsc::Sender<Inbound<Event>>,
        chores: Box<dyn Chores>,
        ready: Box<dyn FnOnce() + Send>,
    ) -> Self {
        let ready = Some(ready);
        Self { launch, read, clients, inbox, chores, children: BTreeMap::new(), ready }
    }

    fn send(&self, child: Child, message: ToChild) {
        let Some(handle) = self.children.get(&child) else { return };
        if handle.messages.try_send(message).is_err() {
            tracing::warn!("{}: its link is full or closed, a message is lost", super::name(child));
        }
    }

    fn tell(&mut self, tell: &Tell) {
        let state = match tell {
            Tell::Ready => {
                if let Some(ready) = self.ready.take() {
                    ready();
                }
                vec![sd_notify::NotifyState::Ready]
            }
            Tell::Reloading => match sd_notify::NotifyState::monotonic_usec_now() {
                Ok(since) => vec![sd_notify::NotifyState::Reloading, since],
                Err(_) => vec![sd_notify::NotifyState::Reloading],
            },
            Tell::Stopping => vec![sd_notify::NotifyState::Stopping],
            Tell::Status(text) => vec![sd_notify::NotifyState::Status(text)],
            Tell::Alive => vec![sd_notify::NotifyState::Watchdog],
        };
        // Without a service manager this does nothing and succeeds.
        if let Err(error) = sd_notify::notify(&state) {
            tracing::debug!("telling the service manager: {error}");
        }
    }
}

impl Executor<Supervisor> for SupervisorExecutor {
    async fn execute(&mut self, action: Action) -> ControlFlow<u8> {
        match action {
            Action::ReadConfig => {
                let (read, inbox) = (Arc::clone(&self.read), self.inbox.clone());
                tokio::spawn(async move {
                    let result = tokio::task::spawn_blocking(move || read())
                        .await
                        .unwrap_or_else(|error| Err(format!("reading the configuration: {error}")));
                    spawn::tell(&inbox, Event::ConfigRead(result)).await;
                });
            }
            Action::Spawn(child) => match spawn::start(child, &self.launch, self.inbox.clone()) {
                Ok(handle) => {
                    self.children.insert(child, handle);
                    spawn::tell(&self.inbox, Event::Started(child)).await;
                }
                Err(error) => {
                    spawn::tell(&self.inbox, Event::Exited(child, error.to_string())).await;
                }
            },
            Action::Send(child, message) => self.send(child, message),
            Action::Kill(child) => {
                if let Some(handle) = self.children.get_mut(&child) {
                    handle.kill();
                }
            }
            Action::Settle { number, configuration } => {
                self.chores.settle(number, &configuration);
            }
            Action::Dump { dump, sources, snapshot } => self.chores.dump(dump, sources, snapshot),
            Action::Answer { client, response } => self.clients.answer(client, response),
            Action::Tell(tell) => self.tell(&tell),
            Action::Log(Level::Error, text) => tracing::error!("{text}"),
            Action::Log(Level::Warning, text) => tracing::warn!("{text}"),
            Action::Log(Level::Info, text) => tracing::info!("{text}"),
            Action::Exit(code) => {
                self.clients.answer_all(&Response::Failed("ldirector has stopped".to_owned()));
                return ControlFlow::Break(code);
            }
        }
        ControlFlow::Continue(())
    }
}
