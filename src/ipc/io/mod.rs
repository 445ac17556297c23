//! Messages over Unix sockets.
use super::frame::{self, FrameError, HEADER, LIMIT};
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    #[error("the other side is gone")]
    Closed,
    #[error("reading a message: {0}")]
    Read(std::io::Error),
    #[error("writing a message: {0}")]
    Write(std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// # Errors
/// `Closed` at the end of the stream; otherwise what went wrong.
pub async fn receive<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<T, IpcError> {
    receive_up_to(stream, LIMIT).await
}

/// A message of at most so many bytes.
///
/// # Errors
/// `Closed` at the end of the stream; otherwise what went wrong.
pub async fn receive_up_to<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<T, IpcError> {
    let mut header = [0; HEADER];
    match stream.read_exact(&mut header).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(IpcError::Closed);
        }
        Err(error) => return Err(IpcError::Read(error)),
    }
    let length = frame::body_length(header, limit)?;
    // Read as it comes instead of allocating what a stranger's header promises.
    let mut body = Vec::new();
    (&mut *stream).take(length as u64).read_to_end(&mut body).await.map_err(IpcError::Read)?;
    if body.len() < length {
        return Err(IpcError::Closed);
    }
    Ok(frame::decode(&body)?)
}

/// # Errors
/// When the message is too long or the stream does not take it.
pub async fn send<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &T,
) -> Result<(), IpcError> {
    let bytes = frame::encode(message)?;
    stream.write_all(&bytes).await.map_err(IpcError::Write)
}
