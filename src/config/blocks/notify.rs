//! `notify_*` and `smtp_alert` of instances and groups.
use crate::{
    base::Script,
    config::{
        diagnostic::Diagnostics, model::NotifyScripts, rules::vrrp as rules, tree::Statement, value,
    },
};

/// What an instance or a group says about being heard of.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) scripts: NotifyScripts,
    pub(super) priority_changes: Option<bool>,
    pub(super) smtp_alert: Option<bool>,
}

impl Draft {
    pub(super) fn settle(self, priority_changes: bool) -> NotifyScripts {
        NotifyScripts {
            priority_changes: self.priority_changes.unwrap_or(priority_changes),
            ..self.scripts
        }
    }
}

/// Keeps the first script of a kind, as keepalived does.
pub(super) fn script(slot: &mut Option<Script>, statement: &Statement<'_>, out: &mut Diagnostics) {
    if slot.is_some() {
        out.report(rules::NOTIFY_TWICE, statement.span).with("word", statement.first());
        return;
    }
    *slot = command(statement, out);
}

/// A command with its user and group, if it names them. A user that is more likely an argument
/// is pointed out: keepalived drops such a script because there is no such user.
pub(super) fn command(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<Script> {
    let script = value::script(statement, out)?;
    let doubtful = [&script.user, &script.group].into_iter().flatten().find(|w| is_argument(w));
    if let Some(word) = doubtful {
        out.report(rules::NOTIFY_ARGUMENT, statement.span)
            .with("word", word)
            .with("keyword", statement.first())
            .with("command", script.argv.join(" "));
    }
    Some(script)
}

/// No login name looks like this (useradd(8): lower case, digits, `_`, `-`, a letter first).
fn is_argument(word: &str) -> bool {
    const STATES: [&str; 6] = ["master", "backup", "fault", "stop", "start", "restart"];
    !word
        .starts_with(|c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit() || c == ':')
        || word.contains(['/', '.', '=', '"', '\'', '$', '|', '>', ';', '&'])
        || STATES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::is_argument;

    #[test]
    fn login_names_are_told_from_arguments() {
        for name in ["root", "keepalived_script", "nobody", "www-data", "_svc", "1000", ":", ":adm"]
        {
            assert!(!is_argument(name), "{name}");
        }
        for word in ["MASTER", "-x", "/tmp/log", "10.0.0.1", "backup", "a=b", "|", ">"] {
            assert!(is_argument(word), "{word}");
        }
    }
}
