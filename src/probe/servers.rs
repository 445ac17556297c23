//! The checkers of real servers: what they are asked, what an outcome would do to the server's weight,
//! and what is wrong.
use super::Found;
use crate::{
    checkers::{Outcome, ProbeRequest, http},
    config::{
        look::Topic,
        model::{Checker, CheckerKind, DirectorConfig, HttpCheck, RealServer, TrackFile},
        rules::servers as rules,
        source::Span,
    },
};
use std::time::Duration;

/// A checker of a real server, and of several urls one.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `[192.0.2.11]:tcp:80`
    server: String,
    span: Span,
    weight: u32,
    inhibit: bool,
    pub checker: Checker,
    pub request: ProbeRequest,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub outcome: Outcome,
    /// Of an HTTP response: status and digest of its body.
    pub page: Option<(u16, [u8; 16])>,
    pub took: Duration,
}

/// Every checker of the file once, in its order.
#[must_use]
pub fn asked(director: &DirectorConfig) -> Vec<Asked> {
    let mut all = vec![];
    for service in &director.virtual_servers {
        for server in &service.real_servers {
            let name = service.server_name(server.ip, server.port);
            for checker in &server.checkers {
                let one = |url| Asked::new(name.clone(), server, checker, url);
                match &checker.kind {
                    CheckerKind::Http(check) => all.extend((0..check.urls.len()).map(one)),
                    CheckerKind::Tcp(_)
                    | CheckerKind::Smtp(_)
                    | CheckerKind::Misc(_)
                    | CheckerKind::Ping(_)
                    | CheckerKind::Dns(_)
                    | CheckerKind::Udp(_)
                    | CheckerKind::File(_)
                    | CheckerKind::Bfd(_) => all.push(one(0)),
                }
            }
        }
    }
    all
}

impl Asked {
    fn new(name: String, server: &RealServer, checker: &Checker, url: usize) -> Self {
        Self {
            server: name,
            span: server.span,
            weight: server.weight,
            inhibit: server.inhibit_on_failure,
            checker: checker.clone(),
            request: ProbeRequest { url },
        }
    }

    /// `[192.0.2.11]:tcp:80 HTTP_GET /health`
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{} {}", self.server, self.name())
    }

    /// `HTTP_GET /health`
    fn name(&self) -> String {
        let keyword = self.checker.kind.keyword();
        match self.http() {
            Some((_, url)) => format!("{keyword} {}", url.path),
            None => keyword.to_owned(),
        }
    }

    fn http(&self) -> Option<(&HttpCheck, &crate::config::model::HttpUrl)> {
        match &self.checker.kind {
            CheckerKind::Http(check) => Some((check, check.urls.get(self.request.url)?)),
            CheckerKind::Tcp(_)
            | CheckerKind::Smtp(_)
            | CheckerKind::Misc(_)
            | CheckerKind::Ping(_)
            | CheckerKind::Dns(_)
            | CheckerKind::Udp(_)
            | CheckerKind::File(_)
            | CheckerKind::Bfd(_) => None,
        }
    }

    /// What is to be said of it. `files` are those of the configuration.
    #[must_use]
    pub fn judge(&self, seen: &Seen, files: &[TrackFile]) -> Found {
        let mut found = Found::default();
        let (effect, took) = (self.effect(&seen.outcome), seen.took.as_secs_f64() * 1e3);
        let reason = match (&seen.outcome, seen.page) {
            (Outcome::Pass { reason, .. } | Outcome::Weigh { reason, .. }, Some((_, digest))) => {
                format!("{reason}, digest {}", http::hexadecimal(&digest))
            }
            (outcome, _) => outcome.reason().to_owned(),
        };
        let line = format!("{effect}, {took:.1} ms: {reason}");
        match &seen.outcome {
            Outcome::Pass { .. } | Outcome::Weigh { .. } => {
                found.good(Topic::Checker, self.subject(), line);
            }
            Outcome::Fail { reason } => {
                found.bad(Topic::Checker, self.subject(), line);
                let finding = match self.wrong_digest(seen) {
                    Some(digest) => found
                        .report(rules::WRONG_DIGEST, self.span)
                        .with("seen", http::hexadecimal(&digest)),
                    None => found
                        .report(rules::CHECKER_FAILS, self.span)
                        .with("why", reason)
                        .with("command", self.command(files)),
                };
                finding.with("checker", self.name()).with("server", &self.server);
            }
            Outcome::Local { reason } => {
                found.bad(Topic::Checker, self.subject(), line);
                found
                    .report(rules::CHECKER_LOCAL, self.span)
                    .with("checker", self.name())
                    .with("server", &self.server)
                    .with("why", reason);
            }
        }
        found
    }

    /// The digest of a page that is as demanded but for that.
    fn wrong_digest(&self, seen: &Seen) -> Option<[u8; 16]> {
        let (_, url) = self.http()?;
        let (status, digest) = seen.page?;
        let good = url.status_codes.iter().any(|(first, last)| (*first..=*last).contains(&status));
        (good && url.digest.is_some_and(|demanded| demanded != digest)).then_some(digest)
    }

    /// What the outcome makes of the server, if it stays so. A phrase without a comma.
    fn effect(&self, outcome: &Outcome) -> String {
        let moved = |weight: i64| {
            let weight = weight.clamp(0, i64::from(i32::MAX));
            if weight == i64::from(self.weight) {
                format!("weight {weight}")
            } else {
                format!("weight {weight} instead of {}", self.weight)
            }
        };
        match outcome {
            Outcome::Pass { code: None, .. } => moved(self.weight.into()),
            Outcome::Pass { code: Some(code), .. } => moved(i64::from(*code) - 2),
            Outcome::Weigh { offset, .. } => moved(i64::from(self.weight).saturating_add(*offset)),
            Outcome::Fail { .. } if self.inhibit => "weight 0".to_owned(),
            Outcome::Fail { .. } if self.checker.timing.alpha => "never taken in".to_owned(),
            Outcome::Fail { .. } => "taken out".to_owned(),
            Outcome::Local { .. } => "no effect".to_owned(),
        }
    }

    /// What a person types to see the same.
    fn command(&self, files: &[TrackFile]) -> String {
        match &self.checker.kind {
            CheckerKind::Tcp(to) => format!("nc -vz {} {}", to.to.ip(), to.to.port()),
            CheckerKind::Smtp(check) => {
                let to = check.connection.to;
                format!("nc -v {} {}", to.ip(), to.port())
            }
            CheckerKind::Udp(check) => {
                let to = check.connection.to;
                format!("nc -vzu {} {}", to.ip(), to.port())
            }
            CheckerKind::Ping(to) => format!("ping -c 3 {}", to.to.ip()),
            CheckerKind::Dns(check) => {
                let (to, name) = (check.connection.to, &check.name);
                format!("dig @{} -p {} {name}. TYPE{}", to.ip(), to.port(), check.record)
            }
            CheckerKind::Misc(check) => check.script.argv.join(" "),
            CheckerKind::File(check) => {
                let file = files.iter().find(|file| file.name.value == check.name);
                format!("cat {}", file.map_or(&check.name, |file| &file.path))
            }
            CheckerKind::Bfd(check) => format!("ldirector status {}", check.name),
            CheckerKind::Http(check) => {
                let to = check.connection.to;
                let (scheme, insecure) = if check.tls { ("https", "k") } else { ("http", "") };
                let url = self.http().map(|(_, url)| url);
                let path = url.map_or("/", |url| &*url.path);
                let host = url.and_then(|url| url.virtualhost.as_deref());
                let host = host.map(|host| format!(" -H 'Host: {host}'")).unwrap_or_default();
                format!("curl -v{insecure}{host} '{scheme}://{to}{path}'")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{look::LookState, parse, source::Sources};

    fn first(server: &str) -> Asked {
        let text = format!(
            "virtual_server 192.0.2.80 80 {{\nlb_algo wrr\nlb_kind DR\nprotocol TCP\n\
             real_server 192.0.2.11 80 {{\nweight 3\n{server}\n}}\n}}\n"
        );
        let (config, found) = parse(&Sources::from_text("keepalived.conf", &text));
        assert!(!found.has_errors(), "{text}");
        asked(&config.director).remove(0)
    }

    fn judged(asked: &Asked, outcome: Outcome, page: Option<(u16, [u8; 16])>) -> (String, u16) {
        let seen = Seen { outcome, page, took: Duration::from_micros(1240) };
        let found = asked.judge(&seen, &[]);
        let code = found.findings.iter().map(|finding| finding.rule.code).next().unwrap_or(0);
        let [look] = found.looks.as_slice() else { panic!("{found:?}") };
        assert_eq!(look.state == LookState::Good, code == 0);
        (look.seen.clone(), code)
    }

    const TCP: &str = "TCP_CHECK {\n}";
    const HTTP: &str = "HTTP_GET {\nurl {\npath /up\ndigest 00000000000000000000000000000001\n}\n}";

    #[test]
    fn what_an_outcome_does_to_the_weight() {
        let plain = first(TCP);
        let fail = || Outcome::fail("timed out");
        let code = |code| Outcome::Pass { code: Some(code), reason: "exited".to_owned() };
        let offset = |offset| Outcome::Weigh { offset, reason: "file".to_owned() };
        let line = |asked: &Asked, outcome| judged(asked, outcome, None);
        let expect = |line: &str, code| (line.to_owned(), code);
        assert_eq!(
            line(&plain, Outcome::pass("connected")),
            expect("weight 3, 1.2 ms: connected", 0)
        );
        assert_eq!(line(&plain, fail()), expect("taken out, 1.2 ms: timed out", 1101));
        assert_eq!(
            line(&plain, Outcome::local("no route")),
            expect("no effect, 1.2 ms: no route", 1103)
        );
        assert_eq!(line(&plain, code(2)).0, "weight 0 instead of 3, 1.2 ms: exited");
        assert_eq!(line(&plain, code(5)).0, "weight 3, 1.2 ms: exited");
        assert_eq!(line(&plain, offset(-9)).0, "weight 0 instead of 3, 1.2 ms: file");
        let alpha = first("alpha\nTCP_CHECK {\n}");
        assert_eq!(line(&alpha, fail()).0, "never taken in, 1.2 ms: timed out");
        let inhibited = first("inhibit_on_failure\nTCP_CHECK {\n}");
        assert_eq!(line(&inhibited, fail()).0, "weight 0, 1.2 ms: timed out");
    }

    #[test]
    fn a_digest_is_shown_and_a_wrong_one_is_that_and_nothing_else() {
        let asked = first(HTTP);
        assert_eq!(asked.subject(), "[192.0.2.11]:tcp:80 HTTP_GET /up");
        let mut right = [0; 16];
        right[15] = 1;
        let pass = Outcome::pass("HTTP status 200");
        assert_eq!(
            judged(&asked, pass, Some((200, right))).0,
            "weight 3, 1.2 ms: HTTP status 200, digest 00000000000000000000000000000001"
        );
        assert_eq!(judged(&asked, Outcome::fail("digest"), Some((200, [0; 16]))).1, 1102);
        assert_eq!(judged(&asked, Outcome::fail("HTTP status 404"), Some((404, [0; 16]))).1, 1101);
        assert_eq!(judged(&asked, Outcome::fail("cannot connect"), None).1, 1101);
        assert_eq!(asked.command(&[]), "curl -v 'http://192.0.2.11:80/up'");
    }
}
