//! Advice about the checkers of a service.
use super::{child, seconds};
use crate::{
    base::Protocol,
    config::{
        diagnostic::Diagnostics,
        model::{Checker, CheckerKind, Connection, RealServer, ServiceAddress, VirtualServer},
        rules::{lints as rules, lvs},
        source::Span,
        tree::Statement,
    },
};
use std::time::Duration;

/// The settled checkers.
pub(super) fn service(service: &VirtualServer, out: &mut Diagnostics) {
    // Often a thousand servers are checked in the same way: said once, it is said.
    let mut said = Said::default();
    for server in &service.real_servers {
        let count = server.checkers.len();
        if count > 1 && !std::mem::replace(&mut said.several, true) {
            out.report(rules::SEVERAL_CHECKS, server.span)
                .with("server", server.ip)
                .with("count", count);
        }
        for checker in &server.checkers {
            duration(checker, server.span, &mut said, out);
            target(service, server, checker, &mut said, out);
        }
    }
}

/// The urls as written in a `virtual_server`.
pub(super) fn urls(block: &Statement<'_>, out: &mut Diagnostics) {
    let mut without_criterion = None;
    let checks = block.body().iter().flat_map(Statement::body).filter(|line| is_http(line));
    for url in checks.flat_map(Statement::body).filter(|line| line.first() == "url") {
        let path = child(url, &["path"]).and_then(|line| line.word(1));
        if let Some(path) = path.filter(|path| !path.as_str().starts_with('/')) {
            out.report(rules::PATH_WITHOUT_SLASH, path.span)
                .with("path", path.as_str())
                .with("meant", absolute(path.as_str()));
        }
        if child(url, &["status_code", "digest", "regex"]).is_none() {
            without_criterion.get_or_insert(url.span);
        }
    }
    if let Some(span) = without_criterion {
        out.report(rules::URL_WITHOUT_CRITERION, span);
    }
}

/// The path that a request names: of a whole URL what stands behind the host.
fn absolute(path: &str) -> String {
    match path.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/").to_owned(),
        None => format!("/{path}"),
    }
}

/// Nobody minds a server that is noticed sooner.
const LONG: Duration = Duration::from_secs(30);

/// What was said of this service already.
#[derive(Default)]
struct Said {
    several: bool,
    long: bool,
    port: bool,
    protocol: bool,
}

fn is_http(line: &Statement<'_>) -> bool {
    matches!(line.first(), "HTTP_GET" | "SSL_GET")
}

const fn connection(kind: &CheckerKind) -> Option<&Connection> {
    match kind {
        CheckerKind::Tcp(to) | CheckerKind::Ping(to) => Some(to),
        CheckerKind::Http(check) => Some(&check.connection),
        CheckerKind::Smtp(check) => Some(&check.connection),
        CheckerKind::Dns(check) => Some(&check.connection),
        CheckerKind::Udp(check) => Some(&check.connection),
        CheckerKind::Misc(_) | CheckerKind::File(_) | CheckerKind::Bfd(_) => None,
    }
}

/// How long a server that does not answer is taken for alive.
fn duration(checker: &Checker, span: Span, said: &mut Said, out: &mut Diagnostics) {
    let timing = &checker.timing;
    if said.long {
        return;
    }
    if let CheckerKind::Misc(check) = &checker.kind {
        if check.timeout > timing.delay_loop {
            said.long = true;
            out.report(rules::MISC_LONGER_THAN_LOOP, span)
                .with("timeout", seconds(check.timeout))
                .with("loop_", seconds(timing.delay_loop));
        }
        return;
    }
    let Some(connection) = connection(&checker.kind) else { return };
    let attempts = timing.retry.saturating_add(1);
    let times = if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
    let sum = connection.timeout.saturating_mul(attempts)
        + timing.delay_before_retry.saturating_mul(timing.retry);
    let late = sum >= LONG || connection.timeout > timing.delay_loop;
    if sum > timing.delay_loop && late {
        said.long = true;
        out.report(rules::CHECK_LONGER_THAN_LOOP, span)
            .with("sum", seconds(sum))
            .with("timeout", seconds(connection.timeout))
            .with("attempts", times)
            .with("loop_", seconds(timing.delay_loop));
    }
}

/// Whether what is checked is what is served.
fn target(
    service: &VirtualServer,
    server: &RealServer,
    checker: &Checker,
    said: &mut Said,
    out: &mut Diagnostics,
) {
    let Some(connection) = connection(&checker.kind) else { return };
    let (keyword, span) = (checker.kind.keyword(), server.span);
    let asks = match &checker.kind {
        CheckerKind::Tcp(_) | CheckerKind::Http(_) | CheckerKind::Smtp(_) => true,
        CheckerKind::Ping(_)
        | CheckerKind::Dns(_)
        | CheckerKind::Udp(_)
        | CheckerKind::Misc(_)
        | CheckerKind::File(_)
        | CheckerKind::Bfd(_) => false,
    };
    if asks && service.protocol() == Some(Protocol::Udp) && !said.protocol {
        said.protocol = true;
        out.report(rules::CHECK_OF_OTHER_PROTOCOL, span).with("check", keyword);
    }
    if connection.to.ip() != server.ip {
        out.report(rules::OTHER_HOST, span)
            .with("check", keyword)
            .with("host", connection.to.ip())
            .with("server", server.ip);
    }
    let served = match &service.at {
        ServiceAddress::Address { .. } => server.port,
        ServiceAddress::Mark(_) | ServiceAddress::Group { .. } => 0,
    };
    let port = connection.to.port();
    let other = asks && served != 0 && port != served;
    // A port that is not even used has been reported.
    let unused = || out.iter().any(|found| found.rule == lvs::PORT && found.span == span);
    if other && server.checkers.len() == 1 && !said.port && !unused() {
        said.port = true;
        out.report(rules::OTHER_PORT, span).with("port", port).with("service", served);
    }
    if let CheckerKind::Http(check) = &checker.kind {
        let wrong = match (check.tls, port) {
            (false, 443 | 8443) => Some(rules::HTTP_ON_443),
            (true, 80 | 8080) => Some(rules::SSL_ON_80),
            (true | false, _) => None,
        };
        if let Some(rule) = wrong {
            out.report(rule, span).with("port", port);
        }
    }
}
