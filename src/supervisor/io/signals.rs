//! Signals to events: HUP reloads, TERM and INT stop, USR1, USR2 and one more write dumps.
use crate::{
    machine::io::Inbound,
    supervisor::{Dump, Event, Signal},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// What `--signum=JSON` answers: keepalived's, two above the first that programs may use.
#[must_use]
pub fn json() -> i32 {
    libc::SIGRTMIN() + 2
}

/// Installs the handlers and starts the task that forwards what they catch.
///
/// # Errors
/// When the kernel refuses a handler.
pub fn watch(inbox: mpsc::Sender<Inbound<Event>>) -> std::io::Result<()> {
    let mut hup = signal(SignalKind::hangup())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut usr1 = signal(SignalKind::user_defined1())?;
    let mut usr2 = signal(SignalKind::user_defined2())?;
    let mut json = signal(SignalKind::from_raw(json()))?;
    tokio::spawn(async move {
        loop {
            let caught = tokio::select! {
                _ = hup.recv() => Signal::Reload,
                _ = term.recv() => Signal::Stop,
                _ = int.recv() => Signal::Stop,
                _ = usr1.recv() => Signal::Dump(Dump::Data),
                _ = usr2.recv() => Signal::Dump(Dump::Statistics),
                _ = json.recv() => Signal::Dump(Dump::Json),
            };
            super::spawn::tell(&inbox, Event::Signal(caught)).await;
        }
    });
    Ok(())
}
