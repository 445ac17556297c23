//! `lvs_sync_daemon`: the kernel's synchronisation of connections.
use super::{Draft, SyncInterface, rules};
use crate::config::{
    blocks::{line, names_nothing},
    diagnostic::Diagnostics,
    model::SyncDaemon,
    rules::Rule,
    source::Spanned,
    tree::{Statement, Word},
};
use std::net::IpAddr;

/// `IF [[inst] VI] [id N] [maxlen N] [port N] [ttl N] [group IP]`; `IF VI N` is the old form.
pub(super) fn read(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let mut line =
        line::Line::new(statement, rules::SYNC_DAEMON_NO_VALUE, rules::SYNC_DAEMON_BAD_VALUE);
    line.next();
    let Some(interface) = line.next() else { return };
    let mut daemon = SyncDaemon {
        interface: interface.as_str().to_owned(),
        instance: None,
        id: None,
        max_length: None,
        port: None,
        ttl: None,
        group: None,
    };
    while let Some(word) = line.next() {
        match word.as_str() {
            "inst" => {
                daemon.instance = line.value(word, out).map(|name| name.as_str().to_owned());
            }
            "id" => daemon.id = line.read(word, "0..255", out, line::number),
            "maxlen" => {
                daemon.max_length = line.read(word, "1..65507", out, |text| {
                    line::number(text).filter(|length| (1..=65507).contains(length))
                });
            }
            "port" => {
                daemon.port =
                    line.read(word, "1..65535", out, |text| line::number(text).filter(|n| *n > 0));
            }
            "ttl" => {
                daemon.ttl =
                    line.read(word, "1..255", out, |text| line::number(text).filter(|n| *n > 0));
            }
            "group" => daemon.group = line.read(word, "a multicast address", out, multicast),
            other => plain_word(&mut daemon, other, word, out),
        }
    }
    draft.sync_daemon = Some(Spanned { value: daemon, span: statement.span });
}

/// A word without a keyword: the instance, then, as it was written long ago, the id.
fn plain_word(daemon: &mut SyncDaemon, text: &str, word: &Word<'_>, out: &mut Diagnostics) {
    match (&daemon.instance, line::number(text)) {
        (None, _) => daemon.instance = Some(text.to_owned()),
        (Some(_), Some(id)) if daemon.id.is_none() => {
            out.report(rules::SYNC_DAEMON_OLD_FORM, word.span).with("word", id);
            daemon.id = Some(id);
        }
        (Some(_), _) => {
            out.report(rules::SYNC_DAEMON_WORD, word.span).with("word", text);
        }
    }
}

fn multicast(text: &str) -> Option<IpAddr> {
    text.parse().ok().filter(IpAddr::is_multicast)
}

/// The kernel has one pair of daemons: `global_defs` decides, else the first instance that asks.
pub(super) fn settle(
    global: Option<Spanned<SyncDaemon>>,
    interfaces: Vec<SyncInterface>,
    instances: &[&str],
    out: &mut Diagnostics,
) -> Option<SyncDaemon> {
    const UNKNOWN: &Rule = rules::SYNC_DAEMON_UNKNOWN_INSTANCE;
    if let Some(Spanned { value: daemon, span }) = &global
        && let Some(name) = &daemon.instance
        && !instances.contains(&name.as_str())
    {
        let name = Spanned { value: name.clone(), span: *span };
        names_nothing(&name, [].into_iter(), UNKNOWN, UNKNOWN, out);
    }
    let exists = |name: &String| instances.contains(&name.as_str());
    let mut chosen = global
        .map(|daemon| daemon.value)
        .filter(|daemon| daemon.instance.as_ref().is_none_or(exists));
    for asked in interfaces {
        match &chosen {
            None => {
                chosen = Some(SyncDaemon {
                    interface: asked.interface.value,
                    instance: Some(asked.instance),
                    id: None,
                    max_length: None,
                    port: None,
                    ttl: None,
                    group: None,
                });
            }
            // The same link for several instances is how the packaged sample writes it.
            Some(daemon) if daemon.interface == asked.interface.value => {}
            Some(_) => {
                out.report(rules::SYNC_DAEMON_TWICE, asked.interface.span)
                    .with("interface", asked.interface.value)
                    .with("instance", asked.instance);
            }
        }
    }
    chosen
}
