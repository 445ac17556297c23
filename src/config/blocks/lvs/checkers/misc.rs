//! `MISC_CHECK`: a script's exit code.
use super::{Kind, Reading, finish, with_timing};
use crate::{
    base::Script,
    config::{
        blocks::{lvs::real_server, words},
        diagnostic::{Diagnostics, Said},
        keyword::{
            Keyword,
            Takes::{Nothing, One, Script as Command, Words},
            apply, kw,
        },
        model::MiscCheck,
        rules::checkers as rules,
        source::Span,
        tree::Statement,
        value,
    },
};
use std::{sync::LazyLock, time::Duration};

#[derive(Clone, Debug, Default)]
pub(in crate::config::blocks::lvs) struct Draft {
    script: Option<Script>,
    user: Option<(String, Option<String>)>,
    timeout: Option<Duration>,
    dynamic: bool,
    said: Said,
}

pub(in crate::config::blocks::lvs) static KEYWORDS: LazyLock<Vec<Keyword<Reading<Draft>>>> =
    LazyLock::new(|| {
        let mut table = with_timing();
        table.push(
            kw(&["misc_path"], Command, |d: &mut Reading<Draft>, s, out| {
                let Some(mut script) = value::script(s, out) else { return };
                // Here keepalived knows no user behind the command; what stands there is lost.
                if script.user.take().is_some() {
                    out.report(rules::MISC_SURPLUS, s.span).with("command", script.argv.join(" "));
                }
                script.group = None;
                d.own.script = Some(script);
            })
            .doc("command that is run; exit code 0 is good"),
        );
        table.push(
            kw(&["misc_timeout"], One("SECONDS"), |d: &mut Reading<Draft>, s, out| {
                let timeout = words::whole_seconds(s, 0..=4294, out);
                d.own.timeout = timeout.filter(|timeout| !timeout.is_zero());
            })
            .default("delay_loop of the virtual_server")
            .range("0..4294")
            .doc("after this the script is killed and has failed"),
        );
        table.push(
            kw(&["misc_dynamic"], Nothing, |d: &mut Reading<Draft>, _, _| d.own.dynamic = true)
                .default("off")
                .doc("exit codes 2 to 255 set the weight to 0 to 253"),
        );
        table.push(
            kw(&["user"], Words(1, 2, "USER [GROUP]"), |d: &mut Reading<Draft>, s, _| {
                let bare = |group: &str| group.trim_start_matches(':').to_owned();
                let group = words::word(s, 2).map(|word| bare(&word.value));
                d.own.user = words::text(s).map(|user| (user, group));
            })
            .default("script_user")
            .doc("whom it runs as"),
        );
        table
    });

pub(in crate::config::blocks::lvs) fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut reading = Reading::default();
    let start = out.here();
    apply(&KEYWORDS, "MISC_CHECK", statement.body(), &mut reading, out);
    reading.own.said = out.since(start);
    server.add_checker(finish(reading, statement.span, |own| Kind::Misc(Box::new(own))));
}

impl Draft {
    pub(super) fn settle(
        self,
        span: Span,
        default_timeout: Duration,
        out: &mut Diagnostics,
    ) -> Option<MiscCheck> {
        let Some(mut script) = self.script else {
            if !out.explains(self.said, "MISC_CHECK", "misc_path") {
                out.report(rules::MISC_WITHOUT_PATH, span);
            }
            return None;
        };
        if let Some((user, group)) = self.user {
            (script.user, script.group) = (Some(user), group);
        }
        let timeout = self.timeout.unwrap_or(default_timeout);
        Some(MiscCheck { script, timeout, dynamic: self.dynamic })
    }
}
