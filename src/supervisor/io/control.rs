//! The control socket: one request and one answer per connection.
//!
//! Anyone may ask for the status; reload and stop are for root and for our own user.
use crate::{
    ipc::{self, Request, Response},
    machine::io::Inbound,
    supervisor::Event,
};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

/// A client that has not said what it wants by then is dropped,
const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// and one that does not take its answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// Bytes of a request: everybody may ask, and a request says little.
const REQUEST: usize = 4096;
/// Clients at a time that may only ask; more are turned away.
const CLIENTS: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("the control socket {path}: {source}")]
    Bind { path: PathBuf, source: io::Error },
    #[error(
        "another ldirector answers on {path}: stop it first, or give this one another socket with --socket PATH"
    )]
    InUse { path: PathBuf },
}

/// Who waits for an answer.
#[derive(Clone, Debug, Default)]
pub struct Clients(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    open: BTreeMap<u64, oneshot::Sender<Response>>,
}

impl Clients {
    fn add(&self) -> (u64, oneshot::Receiver<Response>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.last += 1;
        let number = waiting.last;
        waiting.open.insert(number, sender);
        (number, receiver)
    }

    /// A client that has gone meanwhile is no loss.
    pub(super) fn answer(&self, client: u64, response: Response) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&client);
        if waiting.is_some_and(|waiting| waiting.send(response).is_err()) {
            tracing::debug!("client {client} has not waited for its answer");
        }
    }

    pub(super) fn answer_all(&self, response: &Response) {
        let open: Vec<u64> = {
            let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.open.keys().copied().collect()
        };
        for client in open {
            self.answer(client, response.clone());
        }
    }
}

/// Opens the socket and serves it. The file is removed when the answer is dropped.
///
/// # Errors
/// When another process answers there, or the path cannot be used.
pub async fn serve(
    path: &Path,
    clients: Clients,
    inbox: mpsc::Sender<Inbound<Event>>,
) -> Result<ControlSocket, ControlError> {
    let failed = |source| ControlError::Bind { path: path.to_owned(), source };
    if UnixStream::connect(path).await.is_ok() {
        return Err(ControlError::InUse { path: path.to_owned() });
    }
    if let Some(folder) = path.parent()
        && !folder.is_dir()
    {
        fs::create_dir_all(folder).map_err(failed)?;
        // Whatever the umask: everybody may ask for the status.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).map_err(failed)?;
    tokio::spawn(async move {
        let turns = Arc::new(Semaphore::new(CLIENTS));
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let turn = Arc::clone(&turns).try_acquire_owned();
                    if turn.is_err() && !may_command(&stream) {
                        tracing::debug!("control socket: too many clients");
                        continue;
                    }
                    let client = client(stream, clients.clone(), inbox.clone());
                    tokio::spawn(async move {
                        client.await;
                        drop(turn);
                    });
                }
                Err(error) => {
                    tracing::warn!("control socket: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    });
    Ok(ControlSocket(path.to_owned()))
}

/// Keeps the socket's file in place.
#[derive(Debug)]
pub struct ControlSocket(PathBuf);

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!("removing {}: {error}", self.0.display());
        }
    }
}

async fn client(mut stream: UnixStream, clients: Clients, inbox: mpsc::Sender<Inbound<Event>>) {
    let request = ipc::io::receive_up_to(&mut stream, REQUEST);
    let request = match timeout(REQUEST_WAIT, request).await {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => {
            tracing::debug!("control socket: {error}");
            return;
        }
        Err(_) => return,
    };
    let response = match request {
        Request::Reload | Request::Stop if !may_command(&stream) => {
            Response::Failed("only root may do this".to_owned())
        }
        Request::Status | Request::Reload | Request::Stop => {
            let (number, answer) = clients.add();
            let event = Event::Control { client: number, request };
            super::spawn::tell(&inbox, event).await;
            match answer.await {
                Ok(response) => response,
                Err(_) => return,
            }
        }
    };
    match timeout(ANSWER_WAIT, ipc::io::send(&mut stream, &response)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("control socket: {error}"),
        Err(_) => tracing::debug!("control socket: a client does not take its answer"),
    }
}

fn may_command(stream: &UnixStream) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == 0 || peer.uid() == nix::unistd::getuid().as_raw())
}
