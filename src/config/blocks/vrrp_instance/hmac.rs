//! `auth_hmac`: signed adverts, as keepalived has them since 2.4.2.
use super::{AuthenticationDraft, Draft};
use crate::{
    base::Family,
    config::{
        blocks::words,
        diagnostic::Diagnostics,
        keyword::{
            Keyword,
            Takes::{One, Words},
            apply, kw,
        },
        model::{AuthHmac, Authentication, Freshness, HmacKey, HmacMode, Version},
        rules::vrrp as rules,
        source::{KeyFile, Span, Spanned},
        tree::Statement,
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The shortest window that is derived from advert_int.
const LEAST_WINDOW: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(in crate::config::blocks) struct HmacDraft {
    span: Span,
    /// Id and what stands behind it, in the order of the file.
    keys: Vec<(u8, Spanned<String>)>,
    active_key: Option<Spanned<u8>>,
    monotonic: bool,
    time_window: Option<Duration>,
    mode: Option<HmacMode>,
}

pub(in crate::config::blocks) static AUTH_HMAC: &[Keyword<HmacDraft>] = &[
    kw(&["key"], Words(2, 2, "ID KEY"), |d: &mut HmacDraft, s, out| {
        let id = words::number(s, 1, 1..=255, out);
        if let (Some(id), Some(text)) = (id, words::word(s, 2)) {
            d.keys.push((id, text));
        }
    })
    .range("1..255; 32..64 bytes")
    .doc("a shared key: text, `hex:` and digits, or `file:` and the path of a file with either"),
    kw(&["active_key"], One("ID"), |d: &mut HmacDraft, s, out| {
        let id = words::number(s, 1, 1..=255, out);
        words::set(&mut d.active_key, id.map(|value| Spanned { value, span: s.span }));
    })
    .range("1..255")
    .doc("the key that signs what is sent"),
    kw(&["anti_replay"], One("time|monotonic"), |d: &mut HmacDraft, s, out| {
        match s.word(1).map(|word| word.as_str()) {
            Some("time") => d.monotonic = false,
            Some("monotonic") => d.monotonic = true,
            _ => unknown(s, "time or monotonic", out),
        }
    })
    .default("time")
    .doc("what makes an advert new: its time by synchronized clocks, or that it is not older than the last"),
    kw(&["time_window"], One("SECONDS"), |d: &mut HmacDraft, s, out| {
        words::set(&mut d.time_window, words::whole_seconds(s, 1..=300, out));
    })
    .default("3 times advert_int, at least 5")
    .range("1..300")
    .doc("how far clocks may be apart"),
    kw(&["mode"], One("enforce|permissive|receive-only"), |d: &mut HmacDraft, s, out| {
        match s.word(1).map(|word| word.as_str()) {
            Some("enforce") => d.mode = Some(HmacMode::Enforce),
            Some("permissive") => d.mode = Some(HmacMode::Permissive),
            Some("receive-only") => d.mode = Some(HmacMode::ReceiveOnly),
            _ => unknown(s, "enforce, permissive or receive-only", out),
        }
    })
    .default("enforce")
    .doc("whether unsigned adverts count, and whether ours are signed"),
];

fn unknown(statement: &Statement<'_>, takes: &str, out: &mut Diagnostics) {
    let Some(word) = statement.word(1) else { return };
    out.report(rules::HMAC_WORD, word.span)
        .with("word", word.as_str())
        .with("keyword", statement.first())
        .with("takes", takes);
}

/// The block.
pub(super) fn block(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let into = draft.auth_hmac.get_or_insert_default();
    into.span = statement.span;
    apply(AUTH_HMAC, "auth_hmac", statement.body(), into, out);
}

impl Draft {
    /// Both kinds of authentication: adverts are signed, or carry a password, not both.
    pub(super) fn settled_security(
        &mut self,
        version: Version,
        family: Family,
        strict: bool,
        interval: Duration,
        files: &BTreeMap<String, KeyFile>,
        out: &mut Diagnostics,
    ) -> (Authentication, Option<Arc<AuthHmac>>) {
        let Some(hmac) = self.auth_hmac.take() else {
            return (self.settled_authentication(version, family, strict, out), None);
        };
        if let Some(AuthenticationDraft { span, .. }) = self.authentication.take() {
            out.report(rules::HMAC_AND_AUTHENTICATION, span).label(hmac.span, "here");
        }
        let hmac = hmac.settle(strict, interval, files, out);
        (Authentication::None, hmac.map(Arc::new))
    }
}

impl HmacDraft {
    /// None where something is missing, which is an error.
    fn settle(
        self,
        strict: bool,
        interval: Duration,
        files: &BTreeMap<String, KeyFile>,
        out: &mut Diagnostics,
    ) -> Option<AuthHmac> {
        let mut keys = BTreeMap::new();
        let (mut said, mut bad) = (BTreeMap::new(), false);
        for (id, text) in self.keys {
            if let Some(first) = said.get(&id) {
                out.report(rules::HMAC_KEY_TWICE, text.span)
                    .with("id", id)
                    .label(*first, "the first one");
                continue;
            }
            said.insert(id, text.span);
            match key(id, &text, files, out) {
                Some(key) => drop(keys.insert(id, key)),
                None => bad = true,
            }
        }
        if keys.is_empty() && !bad {
            out.report(rules::HMAC_NO_KEY, self.span);
        }
        let mut mode = self.mode.unwrap_or_default();
        if strict && mode != HmacMode::Enforce {
            out.report(rules::STRICT_IGNORES, self.span).with("word", "mode");
            mode = HmacMode::Enforce;
        }
        let active_key = match (&self.active_key, mode) {
            (Some(active), _) if said.contains_key(&active.value) => Some(active.value),
            (Some(active), _) => {
                out.report(rules::HMAC_ACTIVE_KEY, active.span).with("id", active.value);
                None
            }
            (None, HmacMode::ReceiveOnly) => said.keys().next().copied(),
            (None, HmacMode::Enforce | HmacMode::Permissive) => {
                if !said.is_empty() {
                    out.report(rules::HMAC_NO_ACTIVE_KEY, self.span);
                }
                None
            }
        };
        let window = self.time_window.unwrap_or((interval * 3).max(LEAST_WINDOW));
        let freshness = if self.monotonic { Freshness::Growing } else { Freshness::Window(window) };
        let active_key = active_key.filter(|_| !bad)?;
        Some(AuthHmac { keys, active_key, freshness, mode })
    }
}

/// The bytes of a key; None after saying why there are none.
fn key(
    id: u8,
    text: &Spanned<String>,
    files: &BTreeMap<String, KeyFile>,
    out: &mut Diagnostics,
) -> Option<HmacKey> {
    let written = match text.value.strip_prefix("file:") {
        None => text.value.as_str(),
        Some(path) => match files.get(path).map(|file| (&file.text, file.exposed)) {
            Some((Ok(content), exposed)) => {
                if exposed {
                    out.report(rules::HMAC_FILE_EXPOSED, text.span).with("path", path);
                }
                content.trim_end_matches(['\n', '\r'])
            }
            Some((Err(why), _)) => {
                out.report(rules::HMAC_FILE, text.span).with("path", path).with("why", why);
                return None;
            }
            None => {
                let why = "its path is only known after parameters are filled in";
                out.report(rules::HMAC_FILE, text.span).with("path", path).with("why", why);
                return None;
            }
        },
    };
    let bytes = match written.strip_prefix("hex:") {
        None => written.as_bytes().to_vec(),
        Some(digits) => match unhex(digits) {
            Some(bytes) => bytes,
            None => {
                out.report(rules::HMAC_KEY_HEX, text.span).with("id", id);
                return None;
            }
        },
    };
    let length = bytes.len();
    let key = HmacKey::new(bytes);
    if key.is_none() {
        out.report(rules::HMAC_KEY_LENGTH, text.span).with("id", id).with("length", length);
    }
    key
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        blocks::testing::{codes, instance, only},
        parse,
        source::Sources,
    };

    const KEY: &str = "key 1 0123456789abcdef0123456789abcdef\nactive_key 1\n";

    fn settled(lines: &str) -> AuthHmac {
        let found = only(&instance(&format!("auth_hmac {{\n{lines}}}")));
        found.auth_hmac.map(|hmac| (*hmac).clone()).unwrap()
    }

    #[test]
    fn keys_are_text_or_digits() {
        let found = settled(&format!("{KEY}key 2 hex:{}\n", "0aFF".repeat(16)));
        assert_eq!(found.keys[&1].bytes(), b"0123456789abcdef0123456789abcdef");
        assert_eq!(found.keys[&2].bytes(), [0x0a, 0xff].repeat(16));
        assert_eq!((found.active_key, found.mode), (1, HmacMode::Enforce));
    }

    #[test]
    fn the_window_follows_the_interval() {
        let window = |seconds| Freshness::Window(Duration::from_secs(seconds));
        assert_eq!(settled(KEY).freshness, window(5));
        let slow = only(&instance(&format!("advert_int 4\nauth_hmac {{\n{KEY}}}")));
        assert_eq!(slow.auth_hmac.unwrap().freshness, window(12));
        assert_eq!(settled(&format!("{KEY}time_window 300\n")).freshness, window(300));
        assert_eq!(settled(&format!("{KEY}anti_replay monotonic\n")).freshness, Freshness::Growing);
    }

    #[test]
    fn who_only_verifies_needs_no_active_key() {
        let found = settled("key 9 0123456789abcdef0123456789abcdef\nmode receive-only\n");
        assert_eq!((found.active_key, found.mode), (9, HmacMode::ReceiveOnly));
    }

    #[test]
    fn keys_come_from_files_that_were_read() {
        let text = instance("auth_hmac {\nkey 1 file:/k\nactive_key 1\n}");
        let mut sources = Sources::from_text("test.conf", text);
        let codes = |sources: &Sources| {
            parse(sources).1.iter().map(|found| found.rule.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&sources), [492]);
        let content = format!("hex:{}\n", "ab".repeat(32));
        sources.keys.insert("/k".into(), KeyFile { text: Ok(content.clone()), exposed: false });
        assert_eq!(codes(&sources), Vec::<u16>::new());
        sources.keys.insert("/k".into(), KeyFile { text: Ok(content), exposed: true });
        assert_eq!(codes(&sources), [493]);
        let missing = Err("no such file".to_owned());
        sources.keys.insert("/k".into(), KeyFile { text: missing, exposed: false });
        assert_eq!(codes(&sources), [492]);
    }

    #[test]
    fn it_excludes_a_password() {
        let password = "authentication {\nauth_type PASS\nauth_pass x\n}\n";
        let both = instance(&format!("{password}auth_hmac {{\n{KEY}}}"));
        assert_eq!(codes(&both), [491]);
        assert_eq!(only(&both).authentication, Authentication::None);
    }
}
