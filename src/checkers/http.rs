//! HTTP_GET and SSL_GET, the half without sockets: the request as bytes, the head of a response,
//! and what a response means (spec: LVS and checkers §5.2).
use super::Outcome;
use crate::config::model::{HttpCheck, HttpProtocol, HttpUrl, RegexOptions};
use fancy_regex::{Regex, RegexBuilder};
use md5::{Digest, Md5};

/// The product name keepalived gives itself; servers' logs and filters know it.
pub const USER_AGENT: &str = "KeepAliveClient";
/// A head longer than this is not one.
const MAX_HEAD: usize = 32 * 1024;
/// More of a body than this is neither hashed nor searched.
pub const MAX_BODY: u64 = 64 * 1024 * 1024;
/// Of a body that a regex is to search.
const MAX_SEARCHED: usize = 4 * 1024 * 1024;
/// A pattern that backtracks more often would hold up everything else.
const BACKTRACK_LIMIT: usize = 100_000;

/// The Host header: `virtualhost`, else the address with its port, always.
#[must_use]
pub fn host(check: &HttpCheck, url: &HttpUrl) -> String {
    match &url.virtualhost {
        Some(name) => name.to_string(),
        None => check.connection.to.to_string(),
    }
}

/// The request in keepalived's very words and order.
#[must_use]
pub fn request(check: &HttpCheck, url: &HttpUrl) -> Vec<u8> {
    let (version, close) = match check.protocol {
        HttpProtocol::V1_0 => ("1.0", ""),
        HttpProtocol::V1_0Close => ("1.0", "Connection: close\r\n"),
        HttpProtocol::V1_1 => ("1.1", "Connection: close\r\n"),
    };
    let (path, host) = (&url.path, host(check, url));
    format!("GET {path} HTTP/{version}\r\nUser-Agent: {USER_AGENT}\r\n{close}Host: {host}\r\n\r\n")
        .into_bytes()
}

/// What the start of a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub content_length: Option<u64>,
    pub chunked: bool,
    /// Where the body starts.
    pub length: usize,
}

/// Reads the head at the start of `bytes`. None: it is not complete yet.
///
/// # Errors
/// What is wrong with it.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > MAX_HEAD { Err("no end of the header") } else { Ok(None) };
    };
    let mut lines = bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n');
    let status = lines.next().and_then(status).ok_or("no HTTP status line")?;
    let mut head = Head { status, content_length: None, chunked: false, length: end + 4 };
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default());
        if name.eq_ignore_ascii_case(b"content-length") {
            head.content_length = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            head.chunked = value.to_ascii_lowercase().contains("chunked");
        }
    }
    Ok(Some(head))
}

/// `HTTP/1.1 200 OK`; the reason and the blank before it may be missing.
fn status(line: &[u8]) -> Option<u16> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let rest = line.strip_prefix(b"HTTP/")?;
    let mut words = rest.splitn(3, |byte| *byte == b' ').skip(1);
    let code = words.next()?;
    let digits = code.len() == 3 && code.iter().all(u8::is_ascii_digit);
    digits.then(|| code.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
}

/// Takes a body piece by piece and keeps of it what the url's conditions need.
#[derive(Clone, Debug)]
pub struct Body {
    hash: Option<Md5>,
    text: Option<Vec<u8>>,
    length: u64,
    /// Bytes of the response before it.
    head: usize,
}

impl Body {
    #[must_use]
    pub fn of(url: &HttpUrl) -> Self {
        Self {
            hash: url.digest.map(|_| Md5::new()),
            text: url.regex.as_ref().map(|_| vec![]),
            length: 0,
            head: 0,
        }
    }

    /// With so many bytes of the response before it: the offsets of a regex count those too.
    #[must_use]
    pub fn after(mut self, head: usize) -> Self {
        self.head = head;
        self
    }

    /// False: that is enough of it, the rest will not be looked at.
    pub fn feed(&mut self, piece: &[u8]) -> bool {
        self.length += piece.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(piece);
        }
        if let Some(text) = &mut self.text {
            let room = MAX_SEARCHED.saturating_sub(text.len()).min(piece.len());
            text.extend_from_slice(piece.get(..room).unwrap_or_default());
        }
        self.length <= MAX_BODY
    }

    /// MD5 of all that was fed, where the url has a digest.
    #[must_use]
    pub fn digest(self) -> Option<[u8; 16]> {
        self.hash.map(|hash| hash.finalize().into())
    }

    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }
}

/// Whether a response is what the url demands: status, then digest, then regex.
#[must_use]
pub fn judge(url: &HttpUrl, regex: Option<&Regex>, status: u16, body: Body) -> Outcome {
    if !url.status_codes.iter().any(|(first, last)| (*first..=*last).contains(&status)) {
        return Outcome::fail(format!("HTTP status {status}"));
    }
    if let (Some(expected), Some(hash)) = (url.digest, body.hash) {
        if body.length > MAX_BODY {
            return Outcome::fail(format!("the body is longer than {MAX_BODY} bytes"));
        }
        let found: [u8; 16] = hash.finalize().into();
        if found != expected {
            return Outcome::fail(format!(
                "digest {} instead of {}",
                hexadecimal(&found),
                hexadecimal(&expected)
            ));
        }
    }
    if let (Some(options), Some(regex), Some(text)) = (&url.regex, regex, &body.text) {
        match (finds(regex, options, text, body.head), options.no_match) {
            (Ok(true), false) | (Ok(false), true) => {}
            (Ok(false), false) => return Outcome::fail("the body does not match the regex"),
            (Ok(true), true) => return Outcome::fail("the body matches the regex"),
            (Err(error), _) => return Outcome::fail(format!("regex given up: {error}")),
        }
    }
    Outcome::pass(format!("HTTP status {status}"))
}

/// Makes the matcher of a url's `regex`.
///
/// # Errors
/// What is wrong with the pattern.
pub fn compile(options: &RegexOptions) -> Result<Regex, String> {
    RegexBuilder::new(&options.expression())
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .map_err(|error| format!("regex `{}`: {error}", options.pattern))
}

fn finds(regex: &Regex, options: &RegexOptions, body: &[u8], head: usize) -> Result<bool, String> {
    let text = String::from_utf8_lossy(body);
    let start = place(body, options.min_offset.saturating_sub(head));
    let Some(start) = (start..=text.len()).find(|at| text.is_char_boundary(*at)) else {
        return Ok(false);
    };
    let line = options.first_line.then(|| text.find('\n').unwrap_or(text.len()));
    let most = match options.max_offset.map(|offset| offset.checked_sub(head)) {
        Some(None) => return Ok(false),
        Some(Some(offset)) => Some(place(body, offset)),
        None => None,
    };
    let most = most.into_iter().chain(line).min();
    let found = regex.find_from_pos(&*text, start).map_err(|error| error.to_string())?;
    Ok(found.is_some_and(|found| most.is_none_or(|most| found.start() <= most)))
}

/// Where a byte of the body is in the text that is searched: what is no text takes more room there.
fn place(body: &[u8], offset: usize) -> usize {
    let (mut at, mut shown) = (0, 0);
    for chunk in body.utf8_chunks() {
        let valid = chunk.valid().len();
        if offset <= at + valid {
            break;
        }
        at += valid + chunk.invalid().len();
        shown += valid;
        if !chunk.invalid().is_empty() {
            shown += char::REPLACEMENT_CHARACTER.len_utf8();
        }
    }
    shown + offset.saturating_sub(at)
}

/// A digest as the file has it.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Connection;
    use proptest::prelude::*;
    use std::{sync::Arc, time::Duration};

    fn url() -> HttpUrl {
        HttpUrl {
            path: "/up?a=b".into(),
            virtualhost: None,
            sni: None,
            digest: None,
            status_codes: Arc::from([(200, 299)]),
            regex: None,
        }
    }

    fn check(to: &str, protocol: HttpProtocol) -> HttpCheck {
        HttpCheck {
            connection: Connection {
                to: to.parse().unwrap(),
                from: None,
                from_port: 0,
                interface: None,
                mark: 0,
                timeout: Duration::from_secs(5),
            },
            tls: false,
            protocol,
            fast_recovery: false,
            enable_sni: false,
            tls_compliant: false,
            urls: Box::new([url()]),
        }
    }

    #[test]
    fn the_request_is_keepaliveds() {
        let text = |to, protocol, url: &HttpUrl| {
            String::from_utf8(request(&check(to, protocol), url)).unwrap()
        };
        assert_eq!(
            text("127.0.2.1:80", HttpProtocol::V1_0, &url()),
            "GET /up?a=b HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.2.1:80\r\n\r\n"
        );
        assert_eq!(
            text("[::1]:443", HttpProtocol::V1_0Close, &url()),
            "GET /up?a=b HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\n\
             Host: [::1]:443\r\n\r\n"
        );
        let named = HttpUrl { virtualhost: Some("www.example.com".into()), ..url() };
        assert_eq!(
            text("127.0.2.1:80", HttpProtocol::V1_1, &named),
            "GET /up?a=b HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\n\
             Host: www.example.com\r\n\r\n"
        );
    }

    #[test]
    fn heads() {
        type Head = Result<Option<(u16, Option<u64>, bool)>, &'static str>;
        let table: &[(&str, Head)] = &[
            ("HTTP/1.0 200 OK\r\n\r\n", Ok(Some((200, None, false)))),
            ("HTTP/1.1 200\r\n\r\nbody", Ok(Some((200, None, false)))),
            ("HTTP/1.1 200 \r\n\r\n", Ok(Some((200, None, false)))),
            (
                "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\n",
                Ok(Some((404, Some(12), false))),
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length:7\r\n\r\n", Ok(Some((200, Some(7), false)))),
            ("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", Ok(Some((200, None, false)))),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", Ok(Some((200, None, true)))),
            ("HTTP/1.1 200 OK\r\nX", Ok(None)),
            ("", Ok(None)),
            ("HTTP/1.1 2000 OK\r\n\r\n", Err("no HTTP status line")),
            ("HTTP/1.1  200 OK\r\n\r\n", Err("no HTTP status line")),
            ("SSH-2.0-OpenSSH\r\n\r\n", Err("no HTTP status line")),
            ("\r\n\r\n", Err("no HTTP status line")),
        ];
        for (text, expected) in table {
            let found = head(text.as_bytes())
                .map(|head| head.map(|head| (head.status, head.content_length, head.chunked)));
            assert_eq!(found, *expected, "{text:?}");
        }
        assert_eq!(head(&vec![b'x'; MAX_HEAD + 1]), Err("no end of the header"));
    }

    fn judged(url: &HttpUrl, status: u16, pieces: &[&str]) -> bool {
        let regex = url.regex.as_ref().map(|options| compile(options).unwrap());
        let mut body = Body::of(url);
        for piece in pieces {
            assert!(body.feed(piece.as_bytes()));
        }
        match judge(url, regex.as_ref(), status, body) {
            Outcome::Pass { .. } => true,
            Outcome::Fail { .. } => false,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn status_and_digest() {
        assert!(judged(&url(), 204, &[]));
        assert!(!judged(&url(), 301, &[]));
        let codes = HttpUrl { status_codes: Arc::from([(200, 200), (301, 302)]), ..url() };
        assert!(judged(&codes, 302, &[]) && !judged(&codes, 204, &[]));
        // md5sum of "hello\n"
        let digest = [
            0xb1, 0x94, 0x6a, 0xc9, 0x24, 0x92, 0xd2, 0x34, 0x7c, 0x62, 0x35, 0xb4, 0xd2, 0x61,
            0x11, 0x84,
        ];
        let digested = HttpUrl { digest: Some(digest), ..url() };
        assert!(judged(&digested, 200, &["he", "llo\n"]));
        assert!(!judged(&digested, 200, &["hello"]));
        assert!(!judged(&digested, 500, &["hello\n"]), "the status counts with a digest too");
    }

    #[test]
    fn regexes() {
        let options =
            |pattern: &str| RegexOptions { pattern: pattern.into(), ..RegexOptions::default() };
        let matches = |options: RegexOptions, body: &str| {
            judged(&HttpUrl { regex: Some(Arc::new(options)), ..url() }, 200, &[body])
        };
        assert!(matches(options("o+k"), "all is ook"));
        assert!(!matches(options("OK"), "ok"));
        assert!(matches(RegexOptions { caseless: true, ..options("OK") }, "ok"));
        assert!(matches(options(r"\d+$"), "load 17"), "a match may reach the end of the body");
        assert!(matches(options(r"(\w)\1(?=!)"), "foo!"), "back reference and look-ahead");
        assert!(!matches(RegexOptions { no_match: true, ..options("error") }, "error 7"));
        assert!(matches(RegexOptions { no_match: true, ..options("error") }, "fine"));
        assert!(!matches(RegexOptions { min_offset: 1, ..options("a") }, "abc"));
        assert!(matches(RegexOptions { max_offset: Some(1), ..options("b") }, "abc"));
        assert!(!matches(RegexOptions { max_offset: Some(1), ..options("c") }, "abc"));
        assert!(matches(RegexOptions { min_offset: 1, ..options("b") }, "äb"), "inside a letter");
        assert!(!matches(RegexOptions { min_offset: 99, ..options("b") }, "b"));
        let latin1 = b"\xe4\xf6 ok";
        assert_eq!([0, 1, 2, 3, 9].map(|offset| place(latin1, offset)), [0, 3, 6, 7, 13]);
        let wide =
            RegexOptions { dotall: true, extended: true, ungreedy: true, ..options("a . b") };
        assert!(matches(wide, "a\nb"));
        assert!(compile(&options("(")).is_err());
        // Catastrophic backtracking fails the check, and soon.
        assert!(!matches(options(r"(a|b|ab)*(?>c)d\1"), &"ab".repeat(3000)));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_head_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(Some(found)) = head(&bytes) {
                prop_assert!(found.length <= bytes.len());
            }
        }

        #[test]
        fn a_head_is_the_same_however_it_arrives(cut in 0..60_usize) {
            let whole = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 3\r\n\r\nabc";
            let early = head(&whole[..cut.min(whole.len())]).unwrap();
            prop_assert!(early.is_none() || early == head(whole).unwrap());
        }
    }
}
