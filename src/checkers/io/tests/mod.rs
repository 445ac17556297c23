//! Probes against servers on the loopback interface: what all of them need. One file a protocol.
mod datagrams;
mod http;
mod scripts;
mod smtp;
mod tcp;
mod tls;

use super::*;
use crate::config::model::Connection;
use std::{
    future::{Future, pending},
    net::SocketAddr,
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

/// For what is to succeed: longer than any machine takes, however busy.
const AMPLE: Duration = Duration::from_secs(20);
/// For what is to time out.
const SHORT: Duration = Duration::from_millis(200);
/// TEST-NET-2 of RFC 5737: nobody's address.
const NOT_OURS: &str = "198.51.100.1";
/// No client is given this address by the kernel, so no port of it is taken by chance.
const QUIET: &str = "127.0.0.66:0";

fn connection(to: SocketAddr) -> Connection {
    Connection { to, from: None, from_port: 0, interface: None, mark: 0, timeout: AMPLE }
}

/// The connection variants that our own side cannot make, and what the reason must name.
fn impossible(to: SocketAddr) -> [(Connection, &'static str); 2] {
    let bound = Connection { from: Some(NOT_OURS.parse().unwrap()), ..connection(to) };
    let linked = Connection { interface: Some("nosuch0".into()), ..connection(to) };
    [(bound, NOT_OURS), (linked, "nosuch0")]
}

fn context() -> ProbeContext {
    ProbeContext::new(&TlsIdentity::default(), Policy::default()).unwrap()
}

async fn run(kind: &CheckerKind) -> Outcome {
    probe(kind, ProbeRequest { url: 0 }, &context()).await
}

#[track_caller]
fn passes(outcome: &Outcome, words: &str) {
    assert!(matches!(outcome, Outcome::Pass { code: None, .. }), "{outcome:?}");
    assert!(outcome.reason().contains(words), "{outcome:?} lacks `{words}`");
}

#[track_caller]
fn fails(outcome: &Outcome, words: &str) {
    assert!(matches!(outcome, Outcome::Fail { .. }), "{outcome:?}");
    assert!(outcome.reason().contains(words), "{outcome:?} lacks `{words}`");
}

#[track_caller]
fn is_our_fault(outcome: &Outcome, words: &str) {
    assert!(matches!(outcome, Outcome::Local { .. }), "{outcome:?}");
    assert!(outcome.reason().contains(words), "{outcome:?} lacks `{words}`");
}

/// A server that talks so with each client, until the test's runtime ends.
async fn server<F>(talk: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream));
        }
    });
    to
}

/// Accepts, and never says a word.
async fn silent_server() -> SocketAddr {
    server(|stream| async move {
        pending::<()>().await;
        drop(stream);
    })
    .await
}

/// Where nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind(QUIET).await.unwrap().local_addr().unwrap()
}
