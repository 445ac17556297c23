//! Starts a child: this very program, with one end of a socket pair as its standard input.
//!
//! Three tasks per child: one reads its messages, one writes ours, one waits for its end. They end
//! with the child; none of them is ever aborted.
use crate::{
    ipc::{self, Child, ToChild, ToParent, io::IpcError},
    machine::io::Inbound,
    supervisor::{Event, io::pidfile},
};
use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{ExitStatus, Stdio},
};
use tokio::{
    net::UnixStream,
    process::Command,
    sync::{mpsc, oneshot},
};

/// Messages to a child that wait while it is busy. It reads its link all the time, so this is
/// plenty; what does not fit is lost with a warning, and its silence will have it killed.
const MESSAGES: usize = 64;

/// How children are started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Go behind `child vrrp` and its like: how to log, what to leave at the end.
    pub arguments: Vec<OsString>,
    pub pid_files: Vec<(Child, PathBuf)>,
    /// Whether they may keep our standard error: nobody waits for its end.
    pub terminal: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SpawnError {
    #[error("cannot make its link: {0}")]
    Link(std::io::Error),
    #[error("cannot start it: {0}")]
    Start(std::io::Error),
}

#[derive(Debug)]
pub(super) struct Handle {
    pub(super) messages: mpsc::Sender<ToChild>,
    kill: Option<oneshot::Sender<()>>,
}

impl Handle {
    /// SIGKILL, unless it has ended by itself.
    pub(super) fn kill(&mut self) {
        if let Some(kill) = self.kill.take()
            && kill.send(()).is_err()
        {
            tracing::debug!("it had ended already");
        }
    }
}

pub(super) fn start(
    child: Child,
    launch: &Launch,
    inbox: mpsc::Sender<Inbound<Event>>,
) -> Result<Handle, SpawnError> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(SpawnError::Link)?;
    ours.set_nonblocking(true).map_err(SpawnError::Link)?;
    let ours = UnixStream::from_std(ours).map_err(SpawnError::Link)?;
    let role = match child {
        Child::Vrrp => "vrrp",
        Child::Checkers => "checkers",
        Child::Bfd => "bfd",
    };
    // /proc/self/exe is the running program even after an upgrade has replaced its file.
    let mut process = Command::new("/proc/self/exe")
        .arg0("ldirector")
        .arg("child")
        .arg(role)
        .args(&launch.arguments)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("WATCHDOG_PID")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(if launch.terminal { Stdio::inherit() } else { Stdio::null() })
        .process_group(0)
        .spawn()
        .map_err(SpawnError::Start)?;
    let pid_file = launch.pid_files.iter().find(|(which, _)| *which == child).map(|(_, path)| path);
    if let (Some(path), Some(pid)) = (pid_file, process.id())
        && let Err(error) = pidfile::write(path, pid)
    {
        tracing::warn!("{error}");
    }

    let (mut reader, mut writer) = ours.into_split();
    let (messages, mut queue) = mpsc::channel::<ToChild>(MESSAGES);
    tokio::spawn(async move {
        while let Some(message) = queue.recv().await {
            if let Err(error) = ipc::io::send(&mut writer, &message).await {
                tracing::debug!("{role}: {error}");
                return;
            }
        }
    });
    let news = inbox.clone();
    tokio::spawn(async move {
        loop {
            match ipc::io::receive::<ToParent>(&mut reader).await {
                Ok(message) => tell(&news, Event::Message(child, message)).await,
                Err(IpcError::Closed) => return,
                Err(error) => {
                    tracing::error!("{role} process: {error}");
                    return;
                }
            }
        }
    });
    let (kill, killed) = oneshot::channel();
    tokio::spawn(async move {
        // Only a real order counts: a dropped handle means that nobody will ever give one.
        let order = async {
            if killed.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            status = process.wait() => status,
            () = order => match process.start_kill() {
                Ok(()) => process.wait().await,
                Err(error) => Err(error),
            },
        };
        let how = match ended {
            Ok(status) => describe(status),
            Err(error) => format!("waiting for it: {error}"),
        };
        tell(&inbox, Event::Exited(child, how)).await;
    });
    Ok(Handle { messages, kill: Some(kill) })
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// The inbox lives as long as the parent's loop: an event after its end concerns nobody.
pub(super) async fn tell(inbox: &mpsc::Sender<Inbound<Event>>, event: Event) {
    if inbox.send(Inbound::Event(event)).await.is_err() {
        tracing::debug!("the parent's loop has ended");
    }
}
