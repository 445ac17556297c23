//! One message on a stream: version byte, length (4 bytes, network order), JSON.
use serde::{Serialize, de::DeserializeOwned};

/// Changes when a message changes its shape: `status` of another version is told so.
pub const VERSION: u8 = 1;
/// Of the header: version and length.
pub const HEADER: usize = 5;
/// A configuration of 100,000 servers takes about 30 MB.
pub const LIMIT: usize = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(
        "the other side speaks version {0} of the protocol, we speak {VERSION}: restart the older program"
    )]
    Version(u8),
    #[error("a message of {length} bytes is over the limit of {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("a message is not understood: {0}")]
    Content(#[from] serde_json::Error),
}

/// Header and body.
///
/// # Errors
/// When the message is over [`LIMIT`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![VERSION, 0, 0, 0, 0];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - HEADER;
    match u32::try_from(length) {
        Ok(short) if length <= LIMIT => {
            bytes.splice(1..HEADER, short.to_be_bytes());
            Ok(bytes)
        }
        Ok(_) | Err(_) => Err(FrameError::TooLong { length, limit: LIMIT }),
    }
}

/// Length in bytes of the body that follows this header.
///
/// # Errors
/// When the version is not ours or the length is over the limit.
pub fn body_length(header: [u8; HEADER], limit: usize) -> Result<usize, FrameError> {
    let [version, a, b, c, d] = header;
    if version != VERSION {
        return Err(FrameError::Version(version));
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > limit { Err(FrameError::TooLong { length, limit }) } else { Ok(length) }
}

/// # Errors
/// When the body is not the JSON of a `T`.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    Ok(serde_json::from_slice(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::{Request, ToChild};

    #[test]
    fn a_message_survives_the_trip() {
        let bytes = encode(&ToChild::Ping(7)).unwrap();
        let header: [u8; HEADER] = bytes[..HEADER].try_into().unwrap();
        assert_eq!(body_length(header, LIMIT).unwrap(), bytes.len() - HEADER);
        assert_eq!(decode::<ToChild>(&bytes[HEADER..]).unwrap(), ToChild::Ping(7));
    }

    #[test]
    fn strangers_are_refused() {
        assert!(matches!(body_length([9, 0, 0, 0, 1], LIMIT), Err(FrameError::Version(9))));
        let long = body_length([VERSION, 255, 255, 255, 255], LIMIT);
        assert!(matches!(long, Err(FrameError::TooLong { .. })));
        assert!(decode::<Request>(b"{\"Sing\":1}").is_err());
        assert!(decode::<Request>(&[0xff, 0]).is_err());
    }
}
