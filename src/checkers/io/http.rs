//! HTTP_GET and SSL_GET over two engines: reqwest in general; an exchange of our own on a socket of
//! our own for what reqwest cannot do (see `Engine::of`).
use super::{ProbeContext, connect, tls};
use crate::{
    checkers::{
        Outcome, ProbeRequest,
        http::{self, Body},
    },
    config::model::{Connection, HttpCheck, HttpProtocol, HttpUrl, RegexOptions},
};
use reqwest::{Client, Url, Version, header::HeaderValue, redirect::Policy};
use rustls::pki_types::ServerName;
use std::{
    error::Error,
    io, iter,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// A server that drips its answer is cut off after this many times the timeout.
const WHOLE_PROBE: u32 = 12;
/// Bytes that are read at a time.
const PIECE: usize = 16 * 1024;

pub(super) async fn probe(check: &HttpCheck, url: usize, context: &ProbeContext) -> Outcome {
    let Some(url) = check.urls.get(url) else {
        return Outcome::local(format!("no url number {url}"));
    };
    let regex = match url.regex.as_ref().map(|options| context.regex(options)).transpose() {
        Ok(regex) => regex,
        Err(reason) => return Outcome::local(reason),
    };
    match answer(check, url, context).await {
        Ok((status, body)) => http::judge(url, regex.as_deref(), status, body),
        Err(outcome) => outcome,
    }
}

/// Probes once, and also tells the status and the digest of what came, whether the url demands one or
/// not.
pub async fn examine(
    check: &HttpCheck,
    request: ProbeRequest,
    context: &ProbeContext,
) -> (Outcome, Option<(u16, [u8; 16])>) {
    let Some(url) = check.urls.get(request.url) else {
        return (Outcome::local(format!("no url number {}", request.url)), None);
    };
    let regex = match url.regex.as_ref().map(|options| context.regex(options)).transpose() {
        Ok(regex) => regex,
        Err(reason) => return (Outcome::local(reason), None),
    };
    // Any digest has the body hashed; the url itself says what is demanded.
    let hashed = HttpUrl { digest: Some(url.digest.unwrap_or_default()), ..url.clone() };
    match answer(check, &hashed, context).await {
        Ok((status, body)) => {
            let page = body.clone().digest().map(|digest| (status, digest));
            (http::judge(url, regex.as_deref(), status, body), page)
        }
        Err(outcome) => (outcome, None),
    }
}

/// Status and body of the response.
async fn answer(
    check: &HttpCheck,
    url: &HttpUrl,
    context: &ProbeContext,
) -> Result<(u16, Body), Outcome> {
    if check.tls
        && let Some(why) = context.no_identity()
    {
        return Err(Outcome::local(format!("SSL: {why}")));
    }
    let exchange = async {
        match Engine::of(check, url) {
            Engine::General(address, host) => general(check, url, address, host, context).await,
            Engine::Direct => direct(check, url, context).await,
        }
    };
    let whole = timeout(check.connection.timeout * WHOLE_PROBE, exchange).await;
    whole.unwrap_or_else(|_| Err(Outcome::fail("timed out")))
}

#[derive(Debug)]
enum Engine {
    /// Whereto, and the Host header.
    General(Url, HeaderValue),
    Direct,
}

impl Engine {
    /// Direct where reqwest has no way: SO_MARK, a source port; where it would change what goes
    /// over the wire: a path it would normalise, an odd Host; where the body must be seen raw
    /// (digests count the framing of chunks, offsets of a regex the head); where close_notify is asked for.
    fn of(check: &HttpCheck, url: &HttpUrl) -> Self {
        let connection = &check.connection;
        let counts =
            |options: &RegexOptions| options.min_offset > 0 || options.max_offset.is_some();
        let raw = url.digest.is_some() || url.regex.as_deref().is_some_and(counts);
        if connection.mark != 0 || connection.from_port != 0 || raw || check.tls_compliant {
            return Self::Direct;
        }
        let scheme = if check.tls { "https" } else { "http" };
        let authority = match server_name(check, url) {
            Some(name) => format!("{name}:{}", connection.to.port()),
            None => connection.to.to_string(),
        };
        let address = Url::parse(&format!("{scheme}://{authority}{}", url.path));
        match (address, HeaderValue::from_str(&http::host(check, url))) {
            (Ok(address), Ok(host)) if is_verbatim(&address, &url.path) => {
                Self::General(address, host)
            }
            _ => Self::Direct,
        }
    }
}

fn is_verbatim(address: &Url, path: &str) -> bool {
    let (start, query) = path.split_once('?').map_or((path, None), |(a, b)| (a, Some(b)));
    address.path() == start && address.query() == query && address.fragment().is_none()
}

/// What SNI says, where it is on and there is a name.
fn server_name<'a>(check: &HttpCheck, url: &'a HttpUrl) -> Option<&'a str> {
    let name = url.sni.as_deref().filter(|_| check.tls && check.enable_sni)?;
    matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_))).then_some(name)
}

async fn general(
    check: &HttpCheck,
    url: &HttpUrl,
    address: Url,
    host: HeaderValue,
    context: &ProbeContext,
) -> Result<(u16, Body), Outcome> {
    let connection = &check.connection;
    let failed = |error| general_outcome(connection, &error);
    let mut builder = Client::builder()
        .tls_backend_preconfigured((*context.tls).clone())
        .http1_only()
        .http1_title_case_headers()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
        .local_address(connection.from)
        .connect_timeout(connection.timeout);
    if let Some(interface) = &connection.interface {
        builder = builder.interface(interface);
    }
    if let Some(name) = server_name(check, url) {
        builder = builder.resolve(name, connection.to);
    }
    let client = builder.build().map_err(|error| Outcome::local(chain(&error)))?;
    // Headers go out in the order in which they are added here; reqwest's own `Accept` is last.
    let mut request = client.get(address).header("User-Agent", http::USER_AGENT);
    request = match check.protocol {
        HttpProtocol::V1_0 => request.version(Version::HTTP_10),
        HttpProtocol::V1_0Close => request.version(Version::HTTP_10).header("Connection", "close"),
        HttpProtocol::V1_1 => request.version(Version::HTTP_11).header("Connection", "close"),
    };
    request = request.header("Host", host);
    // Once for the connection (reqwest's own), once for the first byte of the answer.
    let mut response = match timeout(connection.timeout * 2, request.send()).await {
        Ok(sent) => sent.map_err(failed)?,
        Err(_) => return Err(Outcome::fail("timed out")),
    };
    let status = response.status().as_u16();
    let mut body = Body::of(url);
    loop {
        match timeout(connection.timeout, response.chunk()).await {
            Ok(Ok(Some(piece))) if body.feed(&piece) => {}
            Ok(Ok(_)) => return Ok((status, body)),
            // A length that does not fit is no failure (spec §5.2), and TLS peers that close without
            // a word are common.
            Ok(Err(error)) if is_bare_end(&error) => return Ok((status, body)),
            Ok(Err(error)) => return Err(failed(error)),
            Err(_) => return Err(Outcome::fail("timed out while the body came")),
        }
    }
}

fn general_outcome(connection: &Connection, error: &reqwest::Error) -> Outcome {
    match io_error(error) {
        Some(cause) if error.is_connect() => connect::outcome(connection, "cannot connect", cause),
        _ if error.is_timeout() => Outcome::fail("connection timed out"),
        _ => Outcome::fail(chain(error)),
    }
}

/// What is behind an error, from the outside in.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(error.source(), |&error| {
        // The source of an io::Error is that of the error in it: that one itself would be missed.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// The innermost error of the operating system.
fn io_error(error: &reqwest::Error) -> Option<&io::Error> {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .filter(|error| error.raw_os_error().is_some())
        .last()
}

fn is_bare_end(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

/// The innermost cause says what happened; the outer ones only where.
fn chain(error: &reqwest::Error) -> String {
    match causes(error).find_map(|cause| cause.downcast_ref()) {
        Some(error) => tls::words(error),
        None => causes(error).last().map_or_else(|| error.to_string(), ToString::to_string),
    }
}

async fn direct(
    check: &HttpCheck,
    url: &HttpUrl,
    context: &ProbeContext,
) -> Result<(u16, Body), Outcome> {
    exchange(check, url, open(check, url, context).await?).await
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection on which a request can be sent.
async fn open(
    check: &HttpCheck,
    url: &HttpUrl,
    context: &ProbeContext,
) -> Result<Box<dyn Stream>, Outcome> {
    let connection = &check.connection;
    let stream = connect::tcp(connection).await?;
    if !check.tls {
        return Ok(Box::new(stream));
    }
    let name = match server_name(check, url).map(|name| ServerName::try_from(name.to_owned())) {
        Some(Ok(name)) => name,
        // An address is never sent as SNI.
        Some(Err(_)) | None => ServerName::IpAddress(connection.to.ip().into()),
    };
    let connector = TlsConnector::from(Arc::clone(&context.tls));
    match timeout(connection.timeout, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(Outcome::fail(words(&error))),
        Err(_) => Err(Outcome::fail("TLS: timed out")),
    }
}

/// A response as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub head: Vec<u8>,
    /// What is hashed of it.
    pub body: Vec<u8>,
    pub digest: [u8; 16],
}

/// Asks for the first url as a probe with `digest` does, and keeps what came.
///
/// # Errors
/// Why there is no response, in a probe's words.
pub async fn fetch(check: &HttpCheck, context: &ProbeContext) -> Result<Fetched, String> {
    let Some(url) = check.urls.first() else { return Err("no url".to_owned()) };
    let seen = Recorded::default();
    let fetched = async {
        let inner = open(check, url, context).await?;
        exchange(check, url, Recorder { inner, seen: seen.clone() }).await
    };
    let (_, body) = fetched.await.map_err(|outcome| outcome.reason().to_owned())?;
    let bytes = seen.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let at = http::head(&bytes).ok().flatten().map_or(bytes.len(), |head| head.length);
    let (head, rest) = bytes.split_at(at.min(bytes.len()));
    let length = usize::try_from(body.length()).unwrap_or(usize::MAX).min(rest.len());
    let digest = body.digest().unwrap_or_default();
    Ok(Fetched { head: head.to_owned(), body: rest[..length].to_owned(), digest })
}

#[derive(Clone, Debug, Default)]
struct Recorded(Arc<Mutex<Vec<u8>>>);

/// Keeps a copy of what is read through it.
struct Recorder {
    inner: Box<dyn Stream>,
    seen: Recorded,
}

impl AsyncRead for Recorder {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(fresh);
        polled
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

async fn exchange(
    check: &HttpCheck,
    url: &HttpUrl,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Result<(u16, Body), Outcome> {
    let limit = check.connection.timeout;
    let failed = |error: &io::Error| Outcome::fail(words(error));
    match timeout(limit, stream.write_all(&http::request(check, url))).await {
        Ok(sent) => sent.map_err(|error| failed(&error))?,
        Err(_) => return Err(Outcome::fail("timed out while sending")),
    }
    let mut bytes = Vec::with_capacity(PIECE);
    let head = loop {
        match http::head(&bytes) {
            Ok(Some(head)) => break head,
            Ok(None) => {}
            Err(reason) => return Err(Outcome::fail(reason)),
        }
        match timeout(limit, stream.read_buf(&mut bytes)).await {
            Ok(Ok(0)) => return Err(Outcome::fail("no data received")),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(failed(&error)),
            Err(_) => return Err(Outcome::fail("timed out")),
        }
    };
    let mut body = Body::of(url).after(head.length);
    let mut piece = bytes.split_off(head.length.min(bytes.len()));
    let mut tail = vec![];
    loop {
        let left = head.content_length.map(|length| length.saturating_sub(body.length()));
        if let Some(left) = left {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        let more = body.feed(&piece);
        let complete = left.is_some_and(|left| left <= piece.len() as u64)
            || (head.chunked && ends_chunks(&mut tail, &piece));
        if complete || !more {
            break;
        }
        piece.clear();
        // A vector that has room for a byte is read into, a byte at a time.
        piece.reserve(PIECE);
        match timeout(limit, stream.read_buf(&mut piece)).await {
            Ok(Ok(0)) => break,
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Ok(Err(error)) => return Err(failed(&error)),
            Err(_) => return Err(Outcome::fail("timed out while the body came")),
        }
    }
    if check.tls_compliant
        && let Ok(Err(error)) = timeout(limit, stream.shutdown()).await
    {
        tracing::debug!("close_notify to {}: {error}", check.connection.to);
    }
    Ok((head.status, body))
}

/// Of an error on a stream that may be TLS.
fn words(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(error) => tls::words(error),
        None => connect::words(error),
    }
}

/// Whether the pieces so far end with the last chunk.
fn ends_chunks(tail: &mut Vec<u8>, piece: &[u8]) -> bool {
    const END: &[u8] = b"\r\n0\r\n\r\n";
    tail.extend_from_slice(piece);
    let surplus = tail.len().saturating_sub(END.len());
    tail.drain(..surplus);
    tail == END || tail.as_slice() == END.get(2..).unwrap_or(END)
}
