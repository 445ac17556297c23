//! Advice about the commands that a configuration runs, and about the scripts behind them.
use super::{ScriptTexts, place, seconds};
use crate::config::{
    Config, command,
    diagnostic::Diagnostics,
    model::{CheckerKind, TrackScript},
    rules::lints as rules,
    source::Span,
    tree::Statement,
};
use std::{collections::BTreeMap, time::Duration};

/// Declares the keywords that take a command: every line of a file is compared with them.
macro_rules! keywords {
    ($($keyword:literal)*) => {
        fn keyword(word: &str) -> Option<&'static str> {
            match word {
                $($keyword => Some($keyword),)*
                _ => None,
            }
        }
    };
}
keywords! {
    "script"
    "misc_path"
    "notify"
    "notify_master"
    "notify_backup"
    "notify_fault"
    "notify_stop"
    "notify_deleted"
    "notify_master_rx_lower_pri"
    "notify_up"
    "notify_down"
    "quorum_up"
    "quorum_down"
    "startup_script"
    "shutdown_script"
}

/// What only a shell understands.
const SIGNS: &[&str] = &["|", "||", "&&", ";", "&"];
/// What a redirection begins with; the file may touch it.
const REDIRECTIONS: &[&str] = &[">", "<", "1>", "2>", "&>"];
/// Paths that only bash opens, as connections.
const SOCKETS: &[&str] = &["/dev/tcp", "/dev/udp"];
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh"];
/// How scripts of tutorials stop the daemon.
const STOPS: &[&str] = &[
    "killall keepalived",
    "killall -9 keepalived",
    "pkill keepalived",
    "systemctl stop keepalived",
    "service keepalived stop",
    "init.d/keepalived stop",
];
const LOOPS: &[&str] = &["while :", "while true", "while [ 1 ]", "while ((1))", "for ((;;))"];
/// A slow script notices nothing for this long.
const SLOW: Duration = Duration::from_secs(30);
const BUSY: Duration = Duration::from_millis(500);

/// Every command of a text, once for each keyword, with the place where it stands first.
#[derive(Debug, Default)]
pub(super) struct Commands(
    BTreeMap<(&'static str, Vec<String>), Span>,
    /// Those that a shell reads.
    BTreeMap<String, Span>,
);

impl Commands {
    /// Every command below a top-level statement.
    pub(super) fn keep(&mut self, statement: &Statement<'_>) {
        for line in statement.body() {
            if let Some(text) = command::shell_text(line) {
                self.1.entry(text).or_insert(line.span);
            } else if let Some(keyword) = keyword(line.first()) {
                self.0.entry((keyword, words(line))).or_insert(line.span);
            }
            self.keep(line);
        }
    }

    pub(super) fn advise(&self, scripts: &ScriptTexts, out: &mut Diagnostics) {
        for (text, span) in &self.1 {
            if let Some(path) = SOCKETS.iter().find(|path| text.contains(**path)) {
                out.report(rules::SOCKET_OF_BASH, *span).with("path", path);
            }
        }
        for ((keyword, words), span) in &self.0 {
            command(keyword, words, *span, out);
            let script = words.first().and_then(|path| scripts.get_key_value(path));
            if let Some((path, text)) = script {
                stops(*span, text, out);
                shape(*span, path, text, out);
            }
        }
    }
}

/// The words of the command, those between quotes one by one.
fn words(line: &Statement<'_>) -> Vec<String> {
    let behind = line.words.iter().skip(1).flat_map(|word| word.as_str().split_whitespace());
    behind.map(|word| word.trim_matches('\'').to_owned()).collect()
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn command(keyword: &str, words: &[String], span: Span, out: &mut Diagnostics) {
    let Some(first) = words.first() else { return };
    // A parameter that is not defined has been reported.
    if first.contains('/') && !first.starts_with(['/', '<', '>', '$']) {
        out.report(rules::RELATIVE_COMMAND, span).with("command", first);
    }
    stops(span, &words.join(" "), out);
    if SHELLS.contains(&name(first)) {
        return;
    }
    let sign = words.iter().find_map(|word| {
        let whole = SIGNS.iter().find(|sign| *sign == word);
        let redirection = || REDIRECTIONS.iter().find(|sign| word.starts_with(**sign));
        let part = || ["`", "$("].iter().find(|sign| word.contains(**sign));
        whole.or_else(redirection).or_else(part).or_else(|| word.ends_with(';').then_some(&";"))
    });
    if let Some(sign) = sign {
        out.report(rules::SHELL_SYNTAX, span).with("sign", sign);
        return;
    }
    let zero = words.iter().any(|word| word == "-0");
    let asks = match name(first) {
        "killall" | "pkill" | "kill" => zero,
        "pidof" | "pgrep" => true,
        _ => false,
    };
    if asks && keyword == "script" {
        out.report(rules::PROCESS_EXISTS, span).with("command", words.join(" "));
    }
}

fn stops(span: Span, text: &str, out: &mut Diagnostics) {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let found =
        lines.flat_map(|line| STOPS.iter().filter(move |stop| line.contains(**stop))).next();
    if let Some(found) = found {
        out.report(rules::STOPS_THE_DAEMON, span).with("found", found);
    }
}

fn shape(span: Span, path: &str, text: &str, out: &mut Diagnostics) {
    let first = text.lines().next().unwrap_or_default();
    if !text.starts_with("#!") && !text.starts_with("\u{7f}ELF") {
        out.report(rules::NO_INTERPRETER, span).with("path", path);
    } else if text.starts_with(&format!("{first}\r")) {
        out.report(rules::CRLF_SCRIPT, span).with("path", path);
    }
}

/// A `vrrp_script`, which must end and answer.
pub(super) fn script(
    block: &Statement<'_>,
    script: &TrackScript,
    scripts: &ScriptTexts,
    out: &mut Diagnostics,
) {
    let unnoticed = script.interval.saturating_mul(script.fall);
    if unnoticed > SLOW {
        out.report(rules::SLOW_SCRIPT, place(block, &["interval", "fall"]))
            .with("script", &script.name.value)
            .with("seconds", seconds(unnoticed))
            .with("interval", seconds(script.interval))
            .with("fall", script.fall);
    }
    if script.interval < BUSY && !script.interval.is_zero() {
        out.report(rules::SCRIPT_BUSY, place(block, &["interval"]))
            .with("script", &script.name.value)
            .with("times", format!("{:.0}", 1.0 / script.interval.as_secs_f64()));
    }
    let span = place(block, &["script"]);
    let Some(path) = script.script.argv.first() else { return };
    let Some(text) = scripts.get(path) else { return };
    let code = || text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let found = code().find_map(|line| LOOPS.iter().find(|start| line.starts_with(**start)));
    if let Some(found) = found {
        out.report(rules::NEVER_ENDS, span).with("path", path).with("found", found);
        return;
    }
    let slept: u64 = code()
        .filter_map(|line| {
            line.strip_prefix("sleep ")?.split([' ', ';']).next()?.parse::<u64>().ok()
        })
        .fold(0, u64::saturating_add);
    if Duration::from_secs(slept) > script.timeout {
        out.report(rules::SLEEPS_TOO_LONG, span)
            .with("path", path)
            .with("seconds", slept)
            .with("timeout", seconds(script.timeout));
    }
}

/// Absolute paths of the scripts of a configuration.
pub(super) fn paths(config: &Config) -> Vec<&str> {
    let tracked = config.vrrp.scripts.iter().map(|script| &script.script);
    let notified = config
        .vrrp
        .instances
        .iter()
        .map(|instance| &instance.notify)
        .chain(config.vrrp.sync_groups.iter().map(|group| &group.notify));
    let notified = notified.flat_map(|notify| {
        [&notify.master, &notify.backup, &notify.fault, &notify.stop, &notify.deleted, &notify.any]
            .into_iter()
            .flatten()
    });
    let servers = config.director.virtual_servers.iter().flat_map(|s| &s.real_servers);
    let checked =
        servers.flat_map(|server| &server.checkers).filter_map(|checker| match &checker.kind {
            CheckerKind::Misc(check) => Some(&check.script),
            CheckerKind::Tcp(_)
            | CheckerKind::Http(_)
            | CheckerKind::Smtp(_)
            | CheckerKind::Ping(_)
            | CheckerKind::Dns(_)
            | CheckerKind::Udp(_)
            | CheckerKind::File(_)
            | CheckerKind::Bfd(_) => None,
        });
    let all = tracked.chain(notified).chain(checked);
    let mut paths: Vec<&str> = all
        .filter_map(|script| script.argv.first())
        .map(String::as_str)
        .filter(|path| path.starts_with('/'))
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}
