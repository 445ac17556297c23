//! `ldirector status`, `reload` and `stop`: one question to the running daemon.
use super::{
    cli::{SocketArgs, StatusArgs},
    exit,
};
use crate::{
    ipc::{self, Request, Response, io::IpcError},
    status::{self, Snapshot},
};
use std::{path::Path, time::Duration};
use tokio::net::UnixStream;

/// A reload waits for both children; the daemon answers by itself before this.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often `stop` looks whether the daemon is gone.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(
        "no ldirector answers on {path} ({source}): is it running? Start it with `ldirector run`, or name its socket with --socket"
    )]
    Connect { path: String, source: std::io::Error },
    #[error("{0}")]
    Ipc(#[from] IpcError),
    #[error("the daemon does not answer")]
    Silent,
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    #[error("{0}")]
    Refused(String),
    #[error("the daemon answered something else than was asked")]
    Confused,
    #[error("cannot be shown as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

pub(super) fn show(arguments: &StatusArgs) -> u8 {
    let shown = ask(&arguments.socket.socket, &Request::Status).and_then(|answer| match answer {
        Response::Status(snapshot) if arguments.json => {
            Ok(serde_json::to_string_pretty(&snapshot)? + "\n")
        }
        Response::Status(snapshot) => Ok(status::text::render(&snapshot)),
        Response::Failed(why) => Err(AskError::Refused(why)),
        Response::Done => Err(AskError::Confused),
    });
    match shown {
        Ok(text) => super::print(&text),
        Err(error) => complain(&error),
    }
}

pub(super) fn reload(arguments: &SocketArgs) -> u8 {
    match ask(&arguments.socket, &Request::Reload) {
        Ok(Response::Done) => exit::OK,
        Ok(Response::Failed(why)) => complain(&AskError::Refused(why)),
        Ok(Response::Status(_)) => complain(&AskError::Confused),
        Err(error) => complain(&error),
    }
}

/// Comes back when nobody answers there any more: the parent closes its socket last.
pub(super) fn stop(arguments: &SocketArgs) -> u8 {
    match ask(&arguments.socket, &Request::Stop) {
        Ok(Response::Done) => {
            while std::os::unix::net::UnixStream::connect(&arguments.socket).is_ok() {
                std::thread::sleep(LOOK);
            }
            exit::OK
        }
        Ok(Response::Failed(why)) => complain(&AskError::Refused(why)),
        Ok(Response::Status(_)) => complain(&AskError::Confused),
        Err(error) => complain(&error),
    }
}

/// What the daemon that listens there tells of itself; None where none does.
pub(super) fn snapshot(path: &Path) -> Result<Option<Snapshot>, AskError> {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    match ask(path, &Request::Status) {
        Ok(Response::Status(snapshot)) => Ok(Some(*snapshot)),
        Ok(Response::Failed(why)) => Err(AskError::Refused(why)),
        Ok(Response::Done) => Err(AskError::Confused),
        Err(AskError::Connect { source, .. })
            if matches!(source.kind(), NotFound | ConnectionRefused) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn complain(error: &AskError) -> u8 {
    eprintln!("ldirector: {error}");
    exit::FAILED
}

fn ask(path: &Path, request: &Request) -> Result<Response, AskError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(AskError::Runtime)?;
    runtime.block_on(async {
        let mut stream = UnixStream::connect(path)
            .await
            .map_err(|source| AskError::Connect { path: path.display().to_string(), source })?;
        ipc::io::send(&mut stream, request).await?;
        match tokio::time::timeout(PATIENCE, ipc::io::receive(&mut stream)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(AskError::Silent),
        }
    })
}
