//! SSL_GET by both engines against a server with a certificate of its own making.
use super::{
    http::{by_both, check, read_request, run_http, url},
    *,
};
use crate::config::{
    self,
    model::{HttpCheck, HttpUrl},
    source::Sources,
};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use std::fs;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};
use tokio_rustls::TlsAcceptor;

/// What the server saw of one probe.
#[derive(Debug)]
struct Seen {
    sni: Option<String>,
    request: String,
    /// Whether the client took its leave (close_notify).
    notified: bool,
}

/// How the server ends.
#[derive(Clone, Copy)]
enum End {
    Notify,
    JustClose,
}

fn certified() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec!["elsewhere.example".into()]).unwrap()
}

/// `client`: demands this very certificate of its clients.
fn acceptor(client: Option<&CertifiedKey<KeyPair>>) -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } = certified();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![cert.der().clone()], key).unwrap()))
}

struct Web {
    to: SocketAddr,
    seen: UnboundedReceiver<Seen>,
}

async fn web(acceptor: TlsAcceptor, reply: &'static str, end: End) -> Web {
    let (shows, seen) = unbounded_channel();
    let to = server(move |stream| {
        let (acceptor, shows) = (acceptor.clone(), shows.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let sni = stream.get_ref().1.server_name().map(str::to_owned);
            let request = read_request(&mut stream).await;
            stream.write_all(reply.as_bytes()).await.unwrap();
            let notified = match end {
                End::JustClose => false,
                End::Notify => {
                    stream.shutdown().await.unwrap();
                    matches!(stream.read(&mut [0]).await, Ok(0))
                }
            };
            shows.send(Seen { sni, request, notified }).unwrap();
        }
    })
    .await;
    Web { to, seen }
}

fn tls(to: SocketAddr, url: HttpUrl) -> HttpCheck {
    HttpCheck { tls: true, ..check(to, url) }
}

const OK: &str = "HTTP/1.1 200 OK\r\n\r\nhello\n";

#[tokio::test]
async fn any_certificate_is_taken_and_the_request_is_the_same() {
    let mut web = web(acceptor(None), OK, End::Notify).await;
    for outcome in by_both(&tls(web.to, url("/up"))).await {
        passes(&outcome, "200");
        let Seen { request, sni, .. } = web.seen.recv().await.unwrap();
        let expected =
            format!("GET /up HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: {}\r\n", web.to);
        assert!(request.starts_with(&expected), "{request}");
        assert_eq!(sni, None, "an address is no name");
    }
}

#[tokio::test]
async fn a_name_is_sent_as_sni_only_where_it_is_asked_for() {
    let mut web = web(acceptor(None), OK, End::Notify).await;
    // (enable_sni, sni, what the server is told); the Host header stays as configured.
    for (enable_sni, sni, told) in [
        (false, Some("www.example.com"), None),
        (true, Some("www.example.com"), Some("www.example.com")),
        (true, Some("WWW.Example.com"), Some("www.example.com")),
        (true, Some("192.0.2.1"), None),
        (true, None, None),
    ] {
        let url = HttpUrl {
            virtualhost: Some("Host.example".into()),
            sni: sni.map(Into::into),
            ..url("/")
        };
        for outcome in by_both(&HttpCheck { enable_sni, ..tls(web.to, url) }).await {
            passes(&outcome, "200");
            let seen = web.seen.recv().await.unwrap();
            assert_eq!(seen.sni.map(|name| name.to_lowercase()).as_deref(), told, "{sni:?}");
            assert!(seen.request.contains("\r\nHost: Host.example\r\n"), "{}", seen.request);
        }
    }
}

#[tokio::test]
async fn a_server_that_closes_without_close_notify_passes_once_it_has_answered() {
    let plain = web(acceptor(None), OK, End::JustClose).await;
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello\n";
    let long = web(acceptor(None), long, End::JustClose).await;
    let hello = HttpUrl {
        digest: Some(*b"\xb1\x94\x6a\xc9\x24\x92\xd2\x34\x7c\x62\x35\xb4\xd2\x61\x11\x84"),
        ..url("/")
    };
    for to in [plain.to, long.to] {
        for outcome in by_both(&tls(to, hello.clone())).await {
            passes(&outcome, "200");
        }
    }
    let mute = web(acceptor(None), "", End::JustClose).await;
    for outcome in by_both(&tls(mute.to, url("/"))).await {
        fails(&outcome, "");
    }
}

#[tokio::test]
async fn close_notify_is_sent_with_tls_compliant() {
    let mut web = web(acceptor(None), OK, End::Notify).await;
    let compliant = HttpCheck { tls_compliant: true, ..tls(web.to, url("/")) };
    passes(&run_http(&compliant).await, "200");
    assert!(web.seen.recv().await.unwrap().notified);
}

#[tokio::test]
async fn a_server_without_tls_fails_with_a_sentence() {
    let plain = server(|mut stream| async move {
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Until the client has had enough: a reset would hide the answer.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
    })
    .await;
    for outcome in by_both(&tls(plain, url("/"))).await {
        fails(&outcome, "TLS: what the server answers is not TLS");
    }
    let hangs_up = server(|mut stream| async move {
        stream.read_exact(&mut [0; 16]).await.unwrap();
    })
    .await;
    for outcome in by_both(&tls(hangs_up, url("/"))).await {
        fails(&outcome, "");
        assert!(outcome.reason().len() > 10, "{outcome:?}");
    }
    let to = silent_server().await;
    let check = tls(to, url("/"));
    let short = HttpCheck { connection: Connection { timeout: SHORT, ..connection(to) }, ..check };
    for outcome in by_both(&short).await {
        fails(&outcome, "timed out");
    }
}

#[tokio::test]
async fn the_client_certificate_of_the_ssl_block_is_shown() {
    let ours = certified();
    let web = web(acceptor(Some(&ours)), OK, End::Notify).await;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let certificate = file("cert.pem", ours.cert.pem());
    let identity = TlsIdentity {
        certificate: Some(certificate.clone()),
        key: Some(file("key.pem", ours.signing_key.serialize_pem())),
        ..TlsIdentity::default()
    };
    let kind = |tls_compliant| {
        CheckerKind::Http(Box::new(HttpCheck { tls_compliant, ..tls(web.to, url("/")) }))
    };
    let context = ProbeContext::new(&identity, Policy::default()).unwrap();
    for direct in [false, true] {
        passes(&probe(&kind(direct), ProbeRequest { url: 0 }, &context).await, "200");
        fails(&run(&kind(direct)).await, "");
    }
    let both = file("both.pem", ours.cert.pem() + &ours.signing_key.serialize_pem());
    let one_file = TlsIdentity { certificate: Some(both), ..TlsIdentity::default() };
    assert!(ProbeContext::new(&one_file, Policy::default()).is_ok());
    // An encrypted key, as OpenSSL writes it today and wrote it before 3.0.
    let plain = ours.signing_key.serialize_pem();
    let plain = file("plain.pem", plain).display().to_string();
    for (name, command, password) in [
        ("aes.pem", "pkcs8 -topk8 -v2 aes256 -passout pass:open\\ sesame", "open sesame"),
        ("sha1.pem", "pkcs8 -topk8 -v2 aes128 -v2prf hmacWithSHA1 -passout pass:x", "x"),
        ("scrypt.pem", "pkcs8 -topk8 -scrypt -scrypt_N 1024 -passout pass:x", "x"),
        ("old.pem", "ec -aes256 -passout pass:x", "x"),
        ("older.pem", "ec -des3 -passout pass:x", "x"),
    ] {
        let key = dir.path().join(name);
        let line = format!("openssl {command} -in {plain} -out {}", key.display());
        let made = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert!(made.status.success(), "{line}: {made:?}");
        let with = |password: Option<&str>| {
            let identity = TlsIdentity {
                certificate: Some(certificate.clone()),
                key: Some(key.clone()),
                password: password.map(str::to_owned),
                ca: None,
            };
            ProbeContext::new(&identity, Policy::default())
        };
        let context = with(Some(password)).unwrap();
        passes(&probe(&kind(true), ProbeRequest { url: 0 }, &context).await, "200");
        let why = with(Some("other")).unwrap_err();
        assert!(why.contains(name), "{why}");
        let why = with(None).unwrap_err();
        assert!(why.contains("give its `password`"), "{why}");
    }
    // What cannot be used is refused with the name of the file.
    let absent = dir.path().join("absent.pem");
    for (certificate, key, named) in [
        (absent.clone(), None, "absent.pem"),
        (certificate.clone(), Some(absent), "absent.pem"),
        (certificate.clone(), None, "cert.pem"),
        (
            certificate,
            Some(file("other.pem", certified().signing_key.serialize_pem())),
            "other.pem",
        ),
    ] {
        let broken = TlsIdentity { certificate: Some(certificate), key, ..TlsIdentity::default() };
        let why = ProbeContext::new(&broken, Policy::default()).unwrap_err();
        assert!(why.contains(named), "{why}");
    }
}

#[tokio::test]
async fn a_broken_client_certificate_stops_nothing_but_ssl_get() {
    let ours = certified();
    let web = web(acceptor(Some(&ours)), OK, End::Notify).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("client.pem");
    let text = format!(
        "SSL {{\n certificate {}\n}}\nvirtual_server 192.0.2.1 443 {{\n protocol TCP\n real_server 192.0.2.2 443 {{\n\
         SSL_GET {{\n url {{\n path /\n status_code 200\n }}\n }}\n }}\n}}\n",
        file.display()
    );
    let (config, found) = config::parse(&Sources::from_text("t", &text));
    assert!(!found.has_errors(), "{found:?}");
    let read = || ProbeContext::of(&config.director, Policy::default()).unwrap();
    let ssl_get = |tls_compliant| {
        CheckerKind::Http(Box::new(HttpCheck { tls_compliant, ..tls(web.to, url("/")) }))
    };
    let tcp_check = CheckerKind::Tcp(Box::new(connection(web.to)));
    let request = ProbeRequest { url: 0 };
    let broken = read();
    assert!(broken.no_identity().unwrap().contains("client.pem"));
    for direct in [false, true] {
        is_our_fault(&probe(&ssl_get(direct), request, &broken).await, "client.pem");
    }
    passes(&probe(&tcp_check, request, &broken).await, "");
    // Mended; then broken again: what was read is still shown.
    fs::write(&file, ours.cert.pem() + &ours.signing_key.serialize_pem()).unwrap();
    let mended = read();
    assert_eq!(mended.no_identity(), None);
    let kept = broken.with_identity_of(&mended).unwrap();
    for direct in [false, true] {
        passes(&probe(&ssl_get(direct), request, &mended).await, "200");
        passes(&probe(&ssl_get(direct), request, &kept).await, "200");
    }
    assert!(broken.with_identity_of(&broken).is_none());
    assert!(broken.with_identity_of(&context()).is_none());
}
