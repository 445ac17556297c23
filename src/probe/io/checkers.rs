//! Runs each checker once, as the daemon would.
use super::Probe;
use crate::{
    checkers::{
        io::{ProbeContext, http, probe},
        misc,
    },
    config::{
        Config,
        look::Topic,
        model::{CheckerKind, DirectorConfig},
        rules::servers as rules,
        source::Span,
    },
    notify::io::policy,
    probe::{
        Found,
        servers::{Asked, Seen, asked},
    },
    trackers::io::files,
};
use std::{sync::Arc, time::Instant};

pub(super) fn probes(config: &Config) -> Vec<Probe> {
    let context = match ProbeContext::of(&config.director, policy(&config.global)) {
        Ok(context) => context,
        Err(why) => return vec![no_identity(why)],
    };
    let mut probes = vec![];
    probes.extend(context.no_identity().map(no_identity));
    let one = |asked: Asked| {
        let (context, director) = (context.clone(), Arc::clone(&config.director));
        let subject = asked.subject();
        Probe::new(Topic::Checker, subject, async move { run(asked, &context, &director).await })
    };
    probes.extend(asked(&config.director).into_iter().map(one));
    probes
}

fn no_identity(why: impl Into<String>) -> Probe {
    let why = why.into();
    let mut found = Found::default();
    found.bad(Topic::Checker, "SSL", &*why);
    found.report(rules::NO_IDENTITY, Span::default()).with("why", why);
    Probe::new(Topic::Checker, "SSL", async { found })
}

async fn run(asked: Asked, context: &ProbeContext, director: &DirectorConfig) -> Found {
    let begun = Instant::now();
    let mut page = None;
    let outcome = match &asked.checker.kind {
        CheckerKind::Http(check) => {
            let (outcome, seen) = http::examine(check, asked.request, context).await;
            page = seen;
            outcome
        }
        CheckerKind::File(check) => {
            let numbers = files::read_all(&director.files);
            let number = numbers.into_iter().find(|(name, _)| *name == check.name);
            misc::judge_file(check, number.map_or(0, |(_, number)| number))
        }
        CheckerKind::Bfd(check) => {
            let mut found = Found::default();
            let why = format!("session {} decides: it takes time to come up", check.name);
            found.unknown(Topic::Checker, asked.subject(), why);
            return found;
        }
        kind @ (CheckerKind::Tcp(_)
        | CheckerKind::Smtp(_)
        | CheckerKind::Misc(_)
        | CheckerKind::Ping(_)
        | CheckerKind::Dns(_)
        | CheckerKind::Udp(_)) => probe(kind, asked.request, context).await,
    };
    let seen = Seen { outcome, page, took: begun.elapsed() };
    asked.judge(&seen, &director.files)
}
