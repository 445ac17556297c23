//! DNS_CHECK and UDP_CHECK against servers that answer as they are told to.
use super::*;
use crate::config::model::{DnsCheck, UdpCheck};
use std::sync::Arc;
use tokio::net::UdpSocket;

/// Sends back what `answers` makes of each datagram.
async fn responder(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            for answer in answers(&buffer[..length]) {
                socket.send_to(&answer, client).await.unwrap();
            }
        }
    });
    to
}

/// An address whose kernel answers with ICMP port unreachable.
async fn refusing() -> SocketAddr {
    UdpSocket::bind(QUIET).await.unwrap().local_addr().unwrap()
}

fn dns(to: SocketAddr, name: &str, timeout: Duration) -> CheckerKind {
    let connection = Connection { timeout, ..connection(to) };
    CheckerKind::Dns(Box::new(DnsCheck { connection, record: 6, name: name.into() }))
}

/// The query turned into an answer with that code, its id moved by `id`.
fn reply(query: &[u8], code: u8, id: u8) -> Vec<u8> {
    let mut reply = query.to_vec();
    reply[1] = reply[1].wrapping_add(id);
    reply[2] |= 0x80;
    reply[3] = code;
    reply
}

#[tokio::test]
async fn dns_an_answer_to_the_question_passes() {
    let to = responder(|query| {
        let question = b"\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x06\0\x01";
        if &query[2..] == question { vec![reply(query, 0, 0)] } else { vec![] }
    })
    .await;
    passes(&run(&dns(to, "example.com", AMPLE)).await, "answered");
}

#[tokio::test]
async fn dns_what_is_not_our_answer_is_passed_over() {
    let not_ours = |query: &[u8]| {
        vec![reply(query, 2, 1), query.to_vec(), reply(query, 2, 0)[..11].to_vec(), vec![]]
    };
    let to = responder(move |query| {
        let mut answers = not_ours(query);
        answers.push(reply(query, 0, 0));
        answers
    })
    .await;
    passes(&run(&dns(to, "example.com", AMPLE)).await, "answered");
    let to = responder(not_ours).await;
    fails(&run(&dns(to, "example.com", SHORT)).await, "within the time");
}

#[tokio::test]
async fn dns_an_error_code_fails_at_once() {
    let to = responder(|query| vec![reply(query, 2, 0)]).await;
    fails(&run(&dns(to, "example.com", AMPLE)).await, "SERVFAIL (2)");
    let to = responder(|query| vec![reply(query, 3, 0)]).await;
    fails(&run(&dns(to, "example.com", AMPLE)).await, "NXDOMAIN (3)");
}

#[tokio::test]
async fn dns_silence_and_refusal_fail() {
    let to = responder(|_| vec![]).await;
    fails(&run(&dns(to, "example.com", SHORT)).await, "within the time");
    fails(&run(&dns(refusing().await, "example.com", AMPLE)).await, "Connection refused");
}

#[tokio::test]
async fn dns_what_our_side_cannot_do_is_not_the_servers_fault() {
    let to = responder(|query| vec![reply(query, 0, 0)]).await;
    is_our_fault(&run(&dns(to, "a..b", AMPLE)).await, "a..b");
    for (connection, words) in impossible(to) {
        let check = DnsCheck { connection, record: 1, name: String::new() };
        is_our_fault(&run(&CheckerKind::Dns(Box::new(check))).await, words);
    }
}

fn udp(to: SocketAddr, timeout: Duration) -> UdpCheck {
    UdpCheck {
        connection: Connection { timeout, ..connection(to) },
        payload: Arc::from(*b"are you there?"),
        require_reply: false,
        reply: None,
        min_reply_length: 0,
        max_reply_length: 255,
    }
}

async fn run_udp(check: UdpCheck) -> Outcome {
    run(&CheckerKind::Udp(Box::new(check))).await
}

#[tokio::test]
async fn udp_silence_passes_unless_a_reply_is_required() {
    let to = responder(|_| vec![]).await;
    passes(&run_udp(udp(to, SHORT)).await, "nobody objected");
    fails(&run_udp(UdpCheck { require_reply: true, ..udp(to, SHORT) }).await, "no reply");
}

#[tokio::test]
async fn udp_the_payload_is_sent_and_its_reply_passes() {
    let to = responder(
        |request| {
            if request == b"are you there?" { vec![b"yes".to_vec()] } else { vec![] }
        },
    )
    .await;
    let check = UdpCheck { require_reply: true, ..udp(to, AMPLE) };
    passes(&run_udp(check).await, "a reply of 3 bytes");
}

#[tokio::test]
async fn udp_a_reply_must_be_the_one_expected() {
    let to = responder(|_| vec![b"yes".to_vec()]).await;
    let expecting = |reply: &[u8]| UdpCheck {
        require_reply: true,
        reply: Some(reply.iter().map(|byte| (*byte, 0xff)).collect()),
        ..udp(to, AMPLE)
    };
    passes(&run_udp(expecting(b"yes")).await, "the reply expected");
    fails(&run_udp(expecting(b"yeS")).await, "differs at byte 2");
    let longer = UdpCheck { min_reply_length: 4, ..expecting(b"yes") };
    fails(&run_udp(longer).await, "3 bytes instead of 4 to 255");
}

#[tokio::test]
async fn udp_an_icmp_refusal_fails_with_and_without_require_reply() {
    let to = refusing().await;
    for require_reply in [false, true] {
        let check = UdpCheck { require_reply, ..udp(to, AMPLE) };
        fails(&run_udp(check).await, "Connection refused");
    }
}

#[tokio::test]
async fn udp_what_our_side_cannot_do_is_not_the_servers_fault() {
    for (connection, words) in impossible(refusing().await) {
        let check = UdpCheck { connection, ..udp(refusing().await, AMPLE) };
        is_our_fault(&run_udp(check).await, words);
    }
}
