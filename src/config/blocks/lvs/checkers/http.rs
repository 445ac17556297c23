//! `HTTP_GET`, `SSL_GET` and their `url` blocks.
use super::{Kind, Reading, Surroundings, finish, with_connection};
use crate::config::{
    blocks::{lvs::real_server, words},
    diagnostic::{Diagnostics, Said},
    keyword::{
        Keyword, Support,
        Takes::{Block, Nothing, One, OptionalBool, UpTo1, Words},
        apply, kw,
    },
    model::{Connection, HttpCheck, HttpProtocol, HttpUrl, RegexOptions},
    rules::checkers as rules,
    source::{Span, Spanned},
    tree::Statement,
    value,
};
use std::sync::{Arc, LazyLock};

const REGEX_OPTIONS: [&str; 7] =
    ["caseless", "multiline", "dotall", "extended", "ungreedy", "dollar_endonly", "firstline"];
/// These change how PCRE2 works or what it refuses, but not whether a pattern that it takes matches;
/// or they are always on here (utf, ucp).
const REGEX_TRIFLES: [&str; 12] = [
    "utf",
    "ucp",
    "never_utf",
    "never_ucp",
    "never_backslash_c",
    "no_auto_capture",
    "no_auto_possess",
    "no_dotstar_anchor",
    "no_start_optimize",
    "auto_callout",
    "alt_verbnames",
    "use_offset_limit",
];

#[derive(Clone, Debug, Default)]
pub(in crate::config::blocks::lvs) struct Draft {
    tls: bool,
    virtualhost: Option<String>,
    protocol: HttpProtocol,
    fast_recovery: bool,
    enable_sni: bool,
    sni_name: Option<String>,
    tls_compliant: bool,
    urls: Vec<Url>,
    /// What belongs into a url stands outside of one, and that was said.
    astray: bool,
    said: Said,
}

#[derive(Clone, Debug, Default)]
pub(in crate::config::blocks::lvs) struct Url {
    span: Span,
    said: Said,
    path: Option<String>,
    digest: Option<[u8; 16]>,
    status_codes: Vec<(u16, u16)>,
    virtualhost: Option<String>,
    enable_sni: Option<bool>,
    sni_name: Option<String>,
    tls_compliant: Option<bool>,
    regex: Option<Spanned<String>>,
    no_match: bool,
    options: Vec<String>,
    min_offset: usize,
    max_offset: Option<usize>,
}

pub(in crate::config::blocks::lvs) static KEYWORDS: LazyLock<Vec<Keyword<Reading<Draft>>>> =
    LazyLock::new(|| {
        let mut table = with_connection();
        table.extend([
            kw(&["url"], Block, url).doc("a page, and how it must look"),
            kw(&["nb_get_retry"], One("COUNT"), |d: &mut Reading<Draft>, s, out| {
                d.timing.retry(s, 0, out)
            })
            .support(Support::Obsolete("write `retry`"))
            .doc("further attempts after a failure"),
            kw(&["virtualhost"], One("NAME"), |d: &mut Reading<Draft>, s, _| {
                d.own.virtualhost = words::text(s)
            })
            .doc("Host header"),
            kw(&["http_protocol"], One("1.0|1.0C|1.1"), |d: &mut Reading<Draft>, s, out| {
                d.own.protocol = match value::one_of(s, 1, &["1.0", "1.0C", "1.0c", "1.1"], out) {
                    Some("1.1") => HttpProtocol::V1_1,
                    Some("1.0C" | "1.0c") => HttpProtocol::V1_0Close,
                    Some(_) | None => HttpProtocol::V1_0,
                };
            })
            .default("1.0")
            .doc("version of HTTP; 1.0C and 1.1 ask for the connection to be closed"),
            kw(&["fast_recovery"], OptionalBool, |d: &mut Reading<Draft>, s, out| {
                d.own.fast_recovery = value::boolean(s, out).unwrap_or(false)
            })
            .default("off")
            .doc("no pause between urls while coming up"),
            kw(&["enable_sni"], OptionalBool, |d: &mut Reading<Draft>, s, out| {
                d.own.enable_sni = value::boolean(s, out).unwrap_or(false)
            })
            .default("off")
            .doc("tell the server's name in the TLS handshake"),
            kw(&["sni_name"], UpTo1("NAME"), |d: &mut Reading<Draft>, s, _| {
                d.own.enable_sni = true;
                d.own.sni_name = words::text(s);
            })
            .default("virtualhost")
            .doc("that name"),
            kw(&["tls_compliant"], OptionalBool, |d: &mut Reading<Draft>, s, out| {
                d.own.tls_compliant = value::boolean(s, out).unwrap_or(false)
            })
            .default("off")
            .doc("end TLS connections in order"),
        ]);
        table
    });

pub(in crate::config::blocks::lvs) static URL: &[Keyword<Url>] = &[
    kw(&["path"], One("PATH"), |d: &mut Url, s, _| d.path = words::text(s)).doc("what is fetched"),
    kw(&["digest"], One("MD5"), |d: &mut Url, s, out| words::set(&mut d.digest, digest(s, out)))
        .range("32 hexadecimal digits")
        .doc("MD5 of the page"),
    kw(&["status_code"], Words(1, 64, "CODE[-CODE]"), status_code)
        .default("200-299")
        .range("100..599")
        .doc("good answers"),
    kw(&["virtualhost"], One("NAME"), |d: &mut Url, s, _| d.virtualhost = words::text(s))
        .doc("Host header"),
    kw(&["enable_sni"], OptionalBool, |d: &mut Url, s, out| {
        words::set(&mut d.enable_sni, value::boolean(s, out))
    })
    .doc("tell the server's name in the TLS handshake"),
    kw(&["sni_name"], UpTo1("NAME"), |d: &mut Url, s, _| {
        d.enable_sni = Some(true);
        d.sni_name = words::text(s);
    })
    .doc("that name"),
    kw(&["tls_compliant"], OptionalBool, |d: &mut Url, s, out| {
        words::set(&mut d.tls_compliant, value::boolean(s, out))
    })
    .doc("end TLS connections in order"),
    kw(&["regex"], crate::config::keyword::Takes::Script, |d: &mut Url, s, out| {
        let pattern = value::script(s, out).map(|_| value::one_raw_word(s));
        d.regex = pattern.flatten().map(|value| Spanned { value, span: value::span_of(s, 1) });
    })
    .doc("what the page must contain"),
    kw(&["regex_no_match"], Nothing, |d: &mut Url, _, _| d.no_match = true)
        .doc("what the page must not contain"),
    kw(&["regex_options"], Words(1, 32, "OPTION"), |d: &mut Url, s, _| {
        d.options.extend(s.words.iter().skip(1).map(|word| word.as_str().to_ascii_lowercase()));
    })
    .range("caseless multiline dotall extended ungreedy dollar_endonly firstline utf ...")
    .doc("how the pattern is read"),
    kw(&["regex_min_offset"], One("BYTES"), |d: &mut Url, s, out| {
        d.min_offset = words::number(s, 1, 0..=u64::from(u32::MAX), out).unwrap_or(0)
    })
    .default("0")
    .doc("where the search begins; the header counts"),
    kw(&["regex_max_offset"], One("BYTES"), |d: &mut Url, s, out| {
        d.max_offset = words::number(s, 1, 0..=u64::from(u32::MAX), out)
    })
    .doc("where a match must have begun; the header counts"),
    kw(&["regex_stack"], Words(2, 2, "START MAX"), |_, _, _| {})
        .support(Support::NoEffect("there is no such stack: the search is bounded by itself"))
        .doc("nothing"),
];

pub(in crate::config::blocks::lvs) fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut reading: Reading<Draft> = Reading::default();
    let tls = statement.first() == "SSL_GET";
    reading.own.tls = tls;
    let start = out.here();
    let name = block_name(tls);
    let (astray, own): (Vec<&Statement<'_>>, Vec<&Statement<'_>>) =
        statement.body().iter().partition(|s| is_of_url(s.first()));
    reading.own.astray = report_astray(&astray, name, out);
    for statement in own {
        apply(&KEYWORDS, name, std::slice::from_ref(statement), &mut reading, out);
    }
    reading.own.said = out.since(start);
    server.add_checker(finish(reading, statement.span, |own| Kind::Http(Box::new(own))));
}

const fn block_name(tls: bool) -> &'static str {
    if tls { "SSL_GET" } else { "HTTP_GET" }
}

/// Keywords that stand in a url and nowhere else.
fn is_of_url(word: &str) -> bool {
    let knows = |names: &[&str]| names.contains(&word);
    URL.iter().any(|keyword| knows(keyword.names))
        && !KEYWORDS.iter().any(|keyword| knows(keyword.names))
}

/// Places of one mistake that are shown together; nobody looks at more.
const MOST_LABELS: usize = 16;

/// Reports keywords of a url that stand beside it, all in one, and those of servers that are
/// checked in the same way with them; whether there are any.
fn report_astray(astray: &[&Statement<'_>], block: &str, out: &mut Diagnostics) -> bool {
    let Some((first, others)) = astray.split_first() else { return false };
    let head = |s: &Statement<'_>| s.words.first().map_or(s.span, |word| word.span);
    if let Some(found) = out.earlier(rules::OUTSIDE_URL, "block", block) {
        if found.labels.len() + astray.len() < MOST_LABELS {
            for other in astray {
                found.label(head(other), "this too");
            }
        }
        return true;
    }
    let found = out.report(rules::OUTSIDE_URL, head(first));
    found.with("word", first.first()).with("block", block);
    for other in others {
        found.label(head(other), "this too");
    }
    true
}

fn url(draft: &mut Reading<Draft>, statement: &Statement<'_>, out: &mut Diagnostics) {
    let mut url = Url { span: statement.span, ..Url::default() };
    let start = out.here();
    apply(URL, "url", statement.body(), &mut url, out);
    url.said = out.since(start);
    draft.own.urls.push(url);
}

/// The digest of nothing that anybody knows: a text that is no digest compares unequal for ever.
const NEVER: [u8; 16] = [0; 16];

fn digest(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<[u8; 16]> {
    let word = statement.word(1)?;
    let bytes = (word.as_str().len() == 32)
        .then(|| value::hex(statement, 1, &mut Diagnostics::default()))
        .flatten()
        .and_then(|bytes| bytes.try_into().ok());
    if bytes.is_none() {
        out.report(rules::DIGEST, word.span).with("value", word.as_str());
    }
    bytes.or(Some(NEVER))
}

fn status_code(draft: &mut Url, statement: &Statement<'_>, out: &mut Diagnostics) {
    for word in statement.words.iter().skip(1) {
        let text = word.as_str();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let code = |text: &str| text.parse().ok().filter(|code| (100..=599).contains(code));
        match (code(first), code(last)) {
            (Some(first), Some(last)) if first <= last => draft.status_codes.push((first, last)),
            _ => {
                out.report(rules::STATUS_CODE, word.span).with("value", text);
            }
        }
    }
}

impl Draft {
    pub(super) fn settle(
        self,
        span: Span,
        connection: Connection,
        around: Surroundings<'_>,
        out: &mut Diagnostics,
    ) -> Option<HttpCheck> {
        if self.urls.is_empty() {
            if !self.astray && !out.explains(self.said, block_name(self.tls), "url") {
                out.report(rules::NO_URL, span);
            }
            return None;
        }
        let count = self.urls.len();
        let tls_compliant =
            self.tls_compliant || self.urls.iter().any(|u| u.tls_compliant == Some(true));
        let urls: Box<[HttpUrl]> =
            self.urls.iter().filter_map(|url| url.settle(&self, around, out)).collect();
        (urls.len() == count).then_some(HttpCheck {
            connection,
            tls: self.tls,
            protocol: self.protocol,
            fast_recovery: self.fast_recovery,
            enable_sni: self.enable_sni,
            tls_compliant,
            urls,
        })
    }
}

impl Url {
    fn settle(
        &self,
        check: &Draft,
        around: Surroundings<'_>,
        out: &mut Diagnostics,
    ) -> Option<HttpUrl> {
        let Some(path) = &self.path else {
            if !check.astray && !out.explains(self.said, "url", "path") {
                out.report(rules::NO_PATH, self.span);
            }
            return None;
        };
        let own = self.virtualhost.as_deref().or(check.virtualhost.as_deref());
        let virtualhost = own.or(around.server_virtualhost).or(around.service_virtualhost);
        let sni = self.enable_sni.unwrap_or(check.enable_sni).then(|| {
            let name = self.sni_name.as_deref().or(check.sni_name.as_deref());
            name.or(own).or(around.service_virtualhost)
        });
        if check.tls && sni == Some(None) {
            out.report(rules::SNI_WITHOUT_NAME, self.span);
        }
        Some(HttpUrl {
            path: Arc::from(path.as_str()),
            virtualhost: virtualhost.map(Arc::from),
            sni: sni.flatten().map(Arc::from),
            digest: self.digest,
            status_codes: if self.status_codes.is_empty() {
                Arc::from([(200, 299)])
            } else {
                Arc::from(self.status_codes.as_slice())
            },
            regex: self.regex(out).map(Arc::new),
        })
    }

    fn regex(&self, out: &mut Diagnostics) -> Option<RegexOptions> {
        let pattern = self.regex.as_ref()?;
        let has = |option: &str| self.options.iter().any(|given| given == option);
        for option in &self.options {
            if !REGEX_OPTIONS.contains(&option.as_str())
                && !REGEX_TRIFLES.contains(&option.as_str())
            {
                out.report(rules::REGEX_OPTION, pattern.span).with("option", option);
            }
        }
        let options = RegexOptions {
            pattern: pattern.value.clone(),
            no_match: self.no_match,
            caseless: has("caseless"),
            multiline: has("multiline"),
            dotall: has("dotall"),
            extended: has("extended"),
            ungreedy: has("ungreedy"),
            dollar_endonly: has("dollar_endonly"),
            first_line: has("firstline"),
            min_offset: self.min_offset,
            max_offset: self.max_offset,
        };
        if let Err(error) = fancy_regex::Regex::new(&options.expression()) {
            out.report(rules::REGEX, pattern.span).with("why", error);
        }
        Some(options)
    }
}
