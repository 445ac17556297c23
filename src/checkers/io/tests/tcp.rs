//! TCP_CHECK and PING_CHECK; what holds for every connection is tried here.
use super::*;
use socket2::{Domain, Socket, Type};
use tokio::{io::AsyncReadExt, sync::mpsc, time::timeout};

fn tcp(connection: Connection) -> CheckerKind {
    CheckerKind::Tcp(Box::new(connection))
}

fn ping(connection: Connection) -> CheckerKind {
    CheckerKind::Ping(Box::new(connection))
}

#[tokio::test]
async fn an_open_port_passes_and_hears_nothing() {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let to = server(move |mut stream| {
        let heard = heard.clone();
        async move {
            let mut bytes = vec![];
            let length = stream.read_to_end(&mut bytes).await;
            heard.send(length.unwrap()).unwrap();
        }
    })
    .await;
    passes(&run(&tcp(connection(to))).await, "connected");
    assert_eq!(hears.recv().await, Some(0), "closed without a byte");
}

#[tokio::test]
async fn a_closed_port_fails() {
    fails(&run(&tcp(connection(nobody().await))).await, "Connection refused");
}

#[tokio::test]
async fn what_our_side_cannot_do_is_not_the_servers_fault() {
    let to = silent_server().await;
    for (connection, words) in impossible(to) {
        let outcome = run(&tcp(connection)).await;
        is_our_fault(&outcome, words);
        assert!(outcome.reason().contains(&to.to_string()), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_more_connections_times_out() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&QUIET.parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let to = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queue = vec![];
    while let Ok(stream) = timeout(SHORT, TcpStream::connect(to)).await {
        queue.push(stream.unwrap());
    }
    let short = Connection { timeout: SHORT, ..connection(to) };
    fails(&run(&tcp(short)).await, "timed out");
}

#[tokio::test]
async fn bindto_and_bind_port_are_used_and_can_be_used_again_at_once() {
    let (to, from) = (silent_server().await, nobody().await);
    let bound = Connection { from: Some(from.ip()), from_port: from.port(), ..connection(to) };
    for _ in 0..3 {
        let stream = connect::tcp(&bound).await.unwrap();
        assert_eq!(stream.local_addr().unwrap(), from);
        drop(stream);
        passes(&run(&tcp(bound.clone())).await, "connected");
    }
}

/// False, and says so, where this user may open no ICMP socket.
fn can_ping(outcome: &Outcome) -> bool {
    let cannot = matches!(outcome, Outcome::Local { reason } if reason.contains("ICMP socket"));
    if cannot {
        println!("skipped: {}", outcome.reason());
    }
    !cannot
}

#[tokio::test]
async fn the_loopback_address_answers_pings() {
    let context = context();
    let kind = ping(connection("127.0.0.1:0".parse().unwrap()));
    let request = ProbeRequest { url: 0 };
    let first = probe(&kind, request, &context).await;
    if !can_ping(&first) {
        return;
    }
    passes(&first, "answered in");
    // Several in flight over one socket: each hears its own answer.
    let (a, b, c) = tokio::join!(
        probe(&kind, request, &context),
        probe(&kind, request, &context),
        probe(&kind, request, &context),
    );
    for outcome in [a, b, c] {
        passes(&outcome, "answered in");
    }
}

#[tokio::test]
async fn a_ping_from_an_address_that_is_not_ours_is_our_fault() {
    for (connection, _) in impossible("127.0.0.1:0".parse().unwrap()) {
        is_our_fault(&run(&ping(connection)).await, "");
    }
}
