//! DNS_CHECK: a question over UDP is answered without an error.
use super::connect;
use crate::{
    checkers::{
        Outcome,
        dns::{self, Answer},
    },
    config::model::DnsCheck,
};
use std::hash::{BuildHasher, Hasher, RandomState};
use tokio::{net::UdpSocket, time::timeout};

pub(super) async fn probe(check: &DnsCheck) -> Outcome {
    let id = random_id();
    let Some(query) = dns::query(id, check.record, &check.name) else {
        return Outcome::local(format!("`{}` is not a name DNS can ask for", check.name));
    };
    let socket = match connect::udp(&check.connection).await {
        Ok(socket) => socket,
        Err(outcome) => return outcome,
    };
    if let Err(error) = socket.send(&query).await {
        return connect::outcome(&check.connection, "cannot send", &error);
    }
    let answered = timeout(check.connection.timeout, answer(&socket, id));
    answered.await.unwrap_or_else(|_| Outcome::fail("no answer within the time"))
}

/// What is not our answer is passed over until the time is up.
async fn answer(socket: &UdpSocket, id: u16) -> Outcome {
    let mut buffer = [0; 4096];
    loop {
        let length = match socket.recv(&mut buffer).await {
            Ok(length) => length,
            Err(error) => return Outcome::fail(format!("no answer: {}", connect::words(&error))),
        };
        match dns::answer(id, buffer.get(..length).unwrap_or_default()) {
            Answer::Good => return Outcome::pass("answered"),
            Answer::Refused(code) => {
                return Outcome::fail(format!("answered with {} ({code})", dns::code_name(code)));
            }
            Answer::NotOurs => {}
        }
    }
}

/// Hard to guess for somebody off the path, which is all it must be.
fn random_id() -> u16 {
    let [high, low, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
    u16::from_ne_bytes([high, low])
}
