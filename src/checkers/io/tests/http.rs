//! HTTP_GET by both engines: most of what holds for one is asked of the other too.
use super::*;
use crate::{
    checkers::io::http::examine,
    config::model::{HttpCheck, HttpProtocol, HttpUrl},
};
use md5::{Digest, Md5};
use socket2::SockRef;
use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::sleep,
};

/// What a server does after its last word.
#[derive(Clone, Copy)]
enum End {
    Close,
    StayOpen,
    Reset,
}

/// Reads a request, sends the pieces with a pause before each but the first.
#[derive(Clone)]
struct Reply {
    pieces: Vec<Vec<u8>>,
    pause: Duration,
    end: End,
}

impl Reply {
    fn new(text: impl Into<Vec<u8>>, end: End) -> Self {
        Self { pieces: vec![text.into()], pause: Duration::ZERO, end }
    }
}

/// A web server and the requests it gets.
struct Web {
    to: SocketAddr,
    requests: UnboundedReceiver<String>,
}

async fn web(reply: Reply) -> Web {
    let (heard, requests) = unbounded_channel();
    let to = server(move |mut stream| {
        let (reply, heard) = (reply.clone(), heard.clone());
        async move {
            heard.send(read_request(&mut stream).await).unwrap();
            for (number, piece) in reply.pieces.iter().enumerate() {
                if number > 0 {
                    sleep(reply.pause).await;
                }
                if stream.write_all(piece).await.is_err() {
                    return;
                }
            }
            match reply.end {
                End::Close => {}
                End::StayOpen => pending().await,
                End::Reset => SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap(),
            }
        }
    })
    .await;
    Web { to, requests }
}

pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut request = vec![];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    String::from_utf8(request).unwrap()
}

pub(super) fn url(path: &str) -> HttpUrl {
    HttpUrl {
        path: path.into(),
        virtualhost: None,
        sni: None,
        digest: None,
        status_codes: Arc::from([(200, 299)]),
        regex: None,
    }
}

pub(super) fn check(to: SocketAddr, url: HttpUrl) -> HttpCheck {
    HttpCheck {
        connection: connection(to),
        tls: false,
        protocol: HttpProtocol::V1_0,
        fast_recovery: false,
        enable_sni: false,
        tls_compliant: false,
        urls: Box::new([url]),
    }
}

fn with_timeout(timeout: Duration, check: HttpCheck) -> HttpCheck {
    HttpCheck { connection: Connection { timeout, ..check.connection }, ..check }
}

fn with_digest_of(body: &[u8]) -> HttpUrl {
    HttpUrl { digest: Some(Md5::digest(body).into()), ..url("/") }
}

/// Asks for what only the direct engine can do, and changes nothing else for a plain server.
fn directly(check: &HttpCheck) -> HttpCheck {
    HttpCheck { tls_compliant: true, ..check.clone() }
}

pub(super) async fn run_http(check: &HttpCheck) -> Outcome {
    run(&CheckerKind::Http(Box::new(check.clone()))).await
}

/// The same by the general engine and by the direct one.
pub(super) async fn by_both(check: &HttpCheck) -> [Outcome; 2] {
    [run_http(check).await, run_http(&directly(check)).await]
}

async fn both_pass(check: &HttpCheck, words: &str) {
    by_both(check).await.iter().for_each(|outcome| passes(outcome, words));
}

async fn both_fail(check: &HttpCheck, words: &str) {
    by_both(check).await.iter().for_each(|outcome| fails(outcome, words));
}

#[tokio::test]
async fn the_request_is_keepaliveds_to_the_byte() {
    let mut web = web(Reply::new("HTTP/1.1 200 OK\r\n\r\n", End::Close)).await;
    let address = web.to.to_string();
    for (protocol, version, close) in [
        (HttpProtocol::V1_0, "1.0", ""),
        (HttpProtocol::V1_0Close, "1.0", "Connection: close\r\n"),
        (HttpProtocol::V1_1, "1.1", "Connection: close\r\n"),
    ] {
        for host in [None, Some("Www.Example.com"), Some("www.example.com:8443")] {
            let url = HttpUrl { virtualhost: host.map(Into::into), ..url("/up?a=b&c") };
            both_pass(&HttpCheck { protocol, ..check(web.to, url) }, "200").await;
            let host = host.unwrap_or(&address);
            let lines = format!(
                "GET /up?a=b&c HTTP/{version}\r\nUser-Agent: KeepAliveClient\r\n{close}Host: {host}\r\n"
            );
            // reqwest cannot be kept from adding this line; it comes last.
            let general = format!("{lines}Accept: */*\r\n\r\n");
            assert_eq!(web.requests.recv().await.unwrap(), general);
            assert_eq!(web.requests.recv().await.unwrap(), format!("{lines}\r\n"));
        }
    }
}

#[tokio::test]
async fn odd_paths_and_hosts_are_sent_as_they_are_written() {
    let mut web = web(Reply::new("HTTP/1.1 200 OK\r\n\r\n", End::Close)).await;
    for path in ["/a/../b", "/a b", "/%7euser|x\"", "/a#b", "//x", "/ä"] {
        let odd = HttpUrl { virtualhost: Some("häuser.example".into()), ..url(path) };
        passes(&run_http(&check(web.to, odd)).await, "200");
        let request = web.requests.recv().await.unwrap();
        assert!(request.starts_with(&format!("GET {path} HTTP/1.0\r\n")), "{request}");
        assert!(request.contains("\r\nHost: häuser.example\r\n"), "{request}");
    }
}

#[tokio::test]
async fn the_status_must_be_in_the_list() {
    let web = web(Reply::new("HTTP/1.1 404 Not Found\r\n\r\n", End::Close)).await;
    both_fail(&check(web.to, url("/")), "HTTP status 404").await;
    let listed =
        |codes: &[(u16, u16)]| check(web.to, HttpUrl { status_codes: codes.into(), ..url("/") });
    both_pass(&listed(&[(200, 200), (403, 404)]), "HTTP status 404").await;
    both_fail(&listed(&[(200, 403), (405, 599)]), "HTTP status 404").await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut target = web(Reply::new("HTTP/1.1 200 OK\r\n\r\n", End::Close)).await;
    let moved = format!("HTTP/1.1 301 Moved\r\nLocation: http://{}/\r\n\r\n", target.to);
    let web = web(Reply::new(moved, End::Close)).await;
    both_fail(&check(web.to, url("/")), "HTTP status 301").await;
    let listed = HttpUrl { status_codes: Arc::from([(301, 301)]), ..url("/") };
    both_pass(&check(web.to, listed), "HTTP status 301").await;
    assert!(target.requests.try_recv().is_err(), "followed");
}

#[tokio::test]
async fn the_digest_decides() {
    let web = web(Reply::new(b"HTTP/1.1 200 OK\r\n\r\nhello\n\xff", End::Close)).await;
    both_pass(&check(web.to, with_digest_of(b"hello\n\xff")), "200").await;
    both_fail(&check(web.to, with_digest_of(b"hello\n")), "digest").await;
}

#[tokio::test]
async fn a_large_body_is_hashed_whole() {
    let body = b"0123456789abcdef".repeat(60_000);
    let mut reply = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
    reply.extend_from_slice(&body);
    let web = web(Reply::new(reply, End::Close)).await;
    both_pass(&check(web.to, with_digest_of(&body)), "200").await;
}

#[tokio::test]
async fn a_body_shorter_than_its_content_length_passes() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello\n";
    let web = web(Reply::new(reply, End::Close)).await;
    both_pass(&check(web.to, url("/")), "200").await;
    both_pass(&check(web.to, with_digest_of(b"hello\n")), "200").await;
}

#[tokio::test]
async fn a_body_longer_than_its_content_length_is_cut() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\nand more";
    let web = web(Reply::new(reply, End::Close)).await;
    both_pass(&check(web.to, with_digest_of(b"hello\n")), "200").await;
}

#[tokio::test]
async fn chunks_are_hashed_with_their_framing() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (pieces, end) in [
        (&["5\r\nhello\r\n1\r\n\n\r\n0\r\n\r\n"][..], End::StayOpen),
        (&["5\r\nhello\r\n", "1\r\n\n\r\n0", "\r\n\r", "\n"], End::StayOpen),
        (&["0\r\n\r\n"], End::StayOpen),
        (&["5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"], End::Close),
        (&["5\r\nhel"], End::Close),
    ] {
        let body = pieces.concat();
        let pieces = std::iter::once(&head).chain(pieces).map(|piece| piece.as_bytes().to_vec());
        let pause = Duration::from_millis(10);
        let web = web(Reply { pieces: pieces.collect(), pause, end }).await;
        let chunked = |url| HttpCheck { protocol: HttpProtocol::V1_1, ..check(web.to, url) };
        passes(&run_http(&chunked(with_digest_of(body.as_bytes()))).await, "200");
        fails(&run_http(&chunked(with_digest_of(b"hello\n"))).await, "digest");
        both_pass(&chunked(url("/")), "200").await;
    }
}

#[tokio::test]
async fn a_connection_kept_open_ends_where_the_length_says_or_times_out() {
    let known = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\nhello\n";
    let web_known = web(Reply::new(known, End::StayOpen)).await;
    both_pass(&check(web_known.to, with_digest_of(b"hello\n")), "200").await;
    let unknown = "HTTP/1.1 200 OK\r\n\r\nhello\n";
    let web_unknown = web(Reply::new(unknown, End::StayOpen)).await;
    let short = with_timeout(SHORT, check(web_unknown.to, url("/")));
    both_fail(&short, "timed out while the body came").await;
}

#[tokio::test]
async fn a_status_line_needs_no_reason() {
    for reply in ["HTTP/1.1 200\r\n\r\n", "HTTP/1.0 200 \r\nServer: x\r\n\r\n"] {
        let web = web(Reply::new(reply, End::Close)).await;
        both_pass(&check(web.to, url("/")), "HTTP status 200").await;
    }
}

#[tokio::test]
async fn big_headers_pass() {
    let cookies = format!("Set-Cookie: {}\r\n", "x".repeat(2000)).repeat(10);
    let web = web(Reply::new(format!("HTTP/1.1 200 OK\r\n{cookies}\r\n"), End::Close)).await;
    both_pass(&check(web.to, url("/")), "200").await;
}

#[tokio::test]
async fn no_reply_or_half_a_head_or_another_protocol_fails() {
    for text in ["", "HTTP/1.1 200 OK\r\nServer:", "SSH-2.0-OpenSSH_9.2\r\n\r\n"] {
        let web = web(Reply::new(text, End::Close)).await;
        both_fail(&check(web.to, url("/")), "").await;
    }
    let to = silent_server().await;
    both_fail(&with_timeout(SHORT, check(to, url("/"))), "timed out").await;
}

#[tokio::test]
async fn a_slow_reply_passes_and_one_that_drips_for_ever_fails() {
    let timeout = SHORT;
    let drips = |drops| Reply {
        pieces: std::iter::once(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())
            .chain(std::iter::repeat_n(b".".to_vec(), drops))
            .collect(),
        pause: timeout / 4,
        end: End::Close,
    };
    let (few, many) = (web(drips(6)).await, web(drips(400)).await);
    let slow = with_timeout(timeout, check(few.to, url("/")));
    let endless = with_timeout(timeout, check(many.to, url("/")));
    let direct = [directly(&slow), directly(&endless)];
    let (a, b, c, d) = tokio::join!(
        run_http(&slow),
        run_http(&direct[0]),
        run_http(&endless),
        run_http(&direct[1])
    );
    passes(&a, "200");
    passes(&b, "200");
    fails(&c, "timed out");
    fails(&d, "timed out");
}

#[tokio::test]
async fn a_reset_in_the_body_fails() {
    for reply in ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe", "HTTP/1.0 200 OK\r\n\r\nhe"] {
        let web = web(Reply::new(reply, End::Reset)).await;
        both_fail(&check(web.to, url("/")), "onnection reset").await;
    }
}

#[tokio::test]
async fn the_regex_and_its_options_decide() {
    let body = "HTTP/1.1 200 OK\r\n\r\nstate: Ready\nload: 17\n";
    let web = web(Reply::new(body, End::Close)).await;
    let plain = |pattern: &str| RegexOptions { pattern: pattern.into(), ..RegexOptions::default() };
    let ready = plain("ready");
    let table = [
        (plain("Ready"), true),
        (ready.clone(), false),
        (RegexOptions { caseless: true, ..ready.clone() }, true),
        (RegexOptions { no_match: true, ..ready }, true),
        (RegexOptions { no_match: true, ..plain("Ready") }, false),
        (plain("^load"), false),
        (plain("17$"), true),
        (RegexOptions { dollar_endonly: true, ..plain("17$") }, false),
        (RegexOptions { first_line: true, ..plain("load") }, false),
        (RegexOptions { first_line: true, ..plain("Ready") }, true),
        (RegexOptions { multiline: true, ..plain("^load: [0-9]+$") }, true),
        (plain("Ready.load"), false),
        (RegexOptions { dotall: true, ..plain("Ready.load") }, true),
        (RegexOptions { extended: true, ..plain("Re ad y # so") }, true),
        // The 19 bytes of the head count.
        (RegexOptions { min_offset: 26, ..plain("Ready") }, true),
        (RegexOptions { min_offset: 27, ..plain("Ready") }, false),
        (RegexOptions { max_offset: Some(26), ..plain("Ready") }, true),
        (RegexOptions { max_offset: Some(25), ..plain("Ready") }, false),
        (RegexOptions { max_offset: Some(7), ..plain("Ready") }, false),
    ];
    // One context for all: what is compiled for one must not serve another.
    let context = context();
    for (options, expected) in table {
        let shown = format!("{options:?}");
        let general = check(web.to, HttpUrl { regex: Some(Arc::new(options)), ..url("/") });
        for check in [directly(&general), general] {
            let kind = CheckerKind::Http(Box::new(check));
            let outcome = probe(&kind, ProbeRequest { url: 0 }, &context).await;
            if expected {
                passes(&outcome, "200")
            } else {
                fails(&outcome, "regex")
            }
            assert_eq!(matches!(outcome, Outcome::Pass { .. }), expected, "{shown}");
        }
    }
    let broken = HttpUrl { regex: Some(Arc::new(plain("("))), ..url("/") };
    is_our_fault(&run_http(&check(web.to, broken)).await, "regex");
}

#[tokio::test]
async fn no_connection_is_told_from_our_own_fault() {
    both_fail(&check(nobody().await, url("/")), "Connection refused").await;
    for (connection, words) in impossible(silent_server().await) {
        let check = HttpCheck { connection, ..check(nobody().await, url("/")) };
        by_both(&check).await.iter().for_each(|outcome| is_our_fault(outcome, words));
    }
}

#[tokio::test]
async fn each_url_is_asked_for_by_its_number() {
    let mut web = web(Reply::new("HTTP/1.1 200 OK\r\n\r\n", End::Close)).await;
    let urls = Box::new([url("/first"), url("/second")]);
    let kind = CheckerKind::Http(Box::new(HttpCheck { urls, ..check(web.to, url("/")) }));
    passes(&probe(&kind, ProbeRequest { url: 1 }, &context()).await, "200");
    assert!(web.requests.recv().await.unwrap().starts_with("GET /second "));
    is_our_fault(&probe(&kind, ProbeRequest { url: 2 }, &context()).await, "number 2");
}

#[tokio::test]
async fn the_digest_is_told_whether_it_is_demanded_or_not() {
    let digest: [u8; 16] = Md5::digest(b"alive").into();
    let site = web(Reply::new("HTTP/1.0 200 OK\r\n\r\nalive", End::Close)).await;
    let examined = |to, url| async move {
        examine(&check(to, url), ProbeRequest { url: 0 }, &context()).await
    };
    let (outcome, page) = examined(site.to, url("/")).await;
    passes(&outcome, "HTTP status 200");
    assert_eq!(page, Some((200, digest)));
    let (outcome, page) = examined(site.to, with_digest_of(b"dead")).await;
    fails(&outcome, "digest");
    assert_eq!(page, Some((200, digest)));
    let (outcome, page) = examined(nobody().await, url("/")).await;
    fails(&outcome, "refused");
    assert_eq!(page, None);
}
