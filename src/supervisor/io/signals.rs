//! Signals to events: HUP reloads, TERM and INT stop.
use crate::{
    machine::io::Inbound,
    supervisor::{Event, Signal},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// Installs the handlers and starts the task that forwards what they catch.
///
/// # Errors
/// When the kernel refuses a handler.
pub fn watch(inbox: mpsc::Sender<Inbound<Event>>) -> std::io::Result<()> {
    let mut hup = signal(SignalKind::hangup())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            let caught = tokio::select! {
                _ = hup.recv() => Signal::Reload,
                _ = term.recv() => Signal::Stop,
                _ = int.recv() => Signal::Stop,
            };
            super::spawn::tell(&inbox, Event::Signal(caught)).await;
        }
    });
    Ok(())
}
