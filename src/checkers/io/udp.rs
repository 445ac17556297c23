//! UDP_CHECK: nobody objects to a datagram, or the right reply comes.
use super::connect;
use crate::{
    checkers::{Outcome, udp},
    config::model::UdpCheck,
};
use tokio::time::timeout;

pub(super) async fn probe(check: &UdpCheck) -> Outcome {
    let socket = match connect::udp(&check.connection).await {
        Ok(socket) => socket,
        Err(outcome) => return outcome,
    };
    if let Err(error) = socket.send(&check.payload).await {
        return connect::outcome(&check.connection, "cannot send", &error);
    }
    let mut buffer = vec![0; usize::from(u16::MAX)];
    match timeout(check.connection.timeout, socket.recv(&mut buffer)).await {
        Ok(Ok(length)) => udp::judge(check, buffer.get(..length).unwrap_or_default()),
        Ok(Err(error)) => Outcome::fail(connect::words(&error)),
        Err(_) => udp::silence(check),
    }
}
