//! `vrrp_script`: a command whose exit code says whether an instance is healthy.
use super::{Drafts, trackers, words};
use crate::{
    base::Script,
    config::{
        diagnostic::{Diagnostics, Said},
        keyword::{Keyword, Takes, apply, kw},
        model::{TrackScript, TrackerUse},
        rules::vrrp as rules,
        source::Spanned,
        tree::Statement,
        value,
    },
};
use std::{collections::BTreeSet, time::Duration};

/// What a block says.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    name: Spanned<String>,
    script: Option<Script>,
    user: Option<(String, Option<String>)>,
    interval: Option<Duration>,
    timeout: Option<Duration>,
    weight: Option<i32>,
    reverse: bool,
    rise: Option<u32>,
    fall: Option<u32>,
    init_fail: bool,
    said: Said,
}

pub(super) const BLOCK: &str = "vrrp_script";
/// keepalived's limit of its microsecond timers.
const LONGEST: Duration = Duration::from_secs(4294);

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["script"], Takes::Script, script).doc("command that is run; exit code 0 is good"),
    kw(&["interval"], Takes::One("SECONDS"), |d: &mut Draft, s, out| {
        words::set(&mut d.interval, words::seconds(s, Duration::from_millis(1)..=LONGEST, out));
    })
    .default("1")
    .range("0.001..4294")
    .doc("time from one start to the next"),
    kw(&["timeout"], Takes::One("SECONDS"), |d: &mut Draft, s, out| {
        words::set(&mut d.timeout, words::seconds(s, Duration::from_millis(1)..=LONGEST, out));
    })
    .default("interval")
    .range("0.001..4294")
    .doc("after this the script is killed and has failed"),
    kw(&["weight"], Takes::Words(1, 2, "WEIGHT [reverse]"), weight)
        .default("0")
        .range("-253..253")
        .doc("what it adds to the priority; 0: failure means FAULT"),
    kw(&["rise"], Takes::One("COUNT"), |d: &mut Draft, s, out| {
        words::set(&mut d.rise, words::number(s, 1, 1..=u64::from(u32::MAX), out));
    })
    .default("1")
    .range("1..")
    .doc("good runs in a row until it counts as good"),
    kw(&["fall"], Takes::One("COUNT"), |d: &mut Draft, s, out| {
        words::set(&mut d.fall, words::number(s, 1, 1..=u64::from(u32::MAX), out));
    })
    .default("1")
    .range("1..")
    .doc("failed runs in a row until it counts as failed"),
    kw(&["user"], Takes::Words(1, 2, "USER [GROUP]"), |d: &mut Draft, s, _| {
        d.user = words::text(s).map(|user| (user, words::word(s, 2).map(|w| w.value)));
    })
    .default("script_user")
    .doc("whom it runs as"),
    kw(&["init_fail"], Takes::Nothing, |d: &mut Draft, _, _| d.init_fail = true)
        .default("off")
        .doc("counts as failed until it has run"),
];

/// The root table's line.
pub(super) fn block(drafts: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(name) = words::name(statement) else { return };
    let mut draft = Draft { name, ..Draft::default() };
    let start = out.here();
    apply(KEYWORDS, BLOCK, statement.body(), &mut draft, out);
    draft.said = out.since(start);
    if drafts.admit(BLOCK, &draft.name, rules::SCRIPT_TWICE, out) {
        drafts.scripts.push(draft);
    }
}

fn script(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(mut script) = value::script(statement, out) else { return };
    // Here keepalived knows no user behind the command; what stands there is lost.
    if script.user.take().is_some() {
        out.report(rules::SCRIPT_SURPLUS, statement.span).with("command", script.argv.join(" "));
    }
    script.group = None;
    draft.script = Some(script);
}

fn weight(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    words::set(&mut draft.weight, trackers::weight(statement, 1, out));
    draft.reverse |= trackers::reverse(statement, 2, out);
}

/// All scripts in the order of the file; one without a command is an error.
pub(super) fn settle(drafts: Vec<Draft>, out: &mut Diagnostics) -> Vec<TrackScript> {
    drafts.into_iter().map(|draft| draft.settle(out)).collect()
}

impl Draft {
    fn settle(self, out: &mut Diagnostics) -> TrackScript {
        let mut script = self.script.unwrap_or_else(|| {
            if !out.explains(self.said, BLOCK, "script") {
                out.report(rules::SCRIPT_MISSING, self.name.span).with("name", &self.name.value);
            }
            // Whoever tracks it is not to hear that it is not there.
            Script { argv: vec![], user: None, group: None }
        });
        if let Some((user, group)) = self.user {
            (script.user, script.group) = (Some(user), group);
        }
        let interval = self.interval.unwrap_or(Duration::from_secs(1));
        let timeout = self.timeout.unwrap_or(interval);
        if timeout > interval {
            out.report(rules::SCRIPT_TIMEOUT_LONG, self.name.span).with("name", &self.name.value);
        }
        TrackScript {
            name: self.name,
            script,
            interval,
            timeout,
            weight: self.weight.unwrap_or(0),
            reverse: self.reverse,
            rise: self.rise.unwrap_or(1),
            fall: self.fall.unwrap_or(1),
            init_fail: self.init_fail,
        }
    }
}

/// Finds the scripts that lines name and fills in what the lines leave open.
pub(super) fn resolve(
    uses: Vec<trackers::Draft>,
    known: &trackers::Available,
    out: &mut Diagnostics,
) -> Vec<TrackerUse> {
    known.resolve(uses, BLOCK, out, |name, known, out| {
        if name.value.contains('/') {
            out.report(rules::SCRIPT_PATH, name.span).with("name", &name.value);
            return;
        }
        let (rule, near) = (rules::SCRIPT_UNKNOWN, rules::SCRIPT_UNKNOWN_NEAR);
        super::names_nothing(name, known, rule, near, out);
    })
}

/// Drops the scripts that nobody tracks.
pub(super) fn drop_unused(
    scripts: Vec<TrackScript>,
    used: &BTreeSet<&str>,
    named: &BTreeSet<String>,
    out: &mut Diagnostics,
) -> Vec<TrackScript> {
    let (used, unused): (Vec<_>, Vec<_>) =
        scripts.into_iter().partition(|script| used.contains(script.name.value.as_str()));
    // What tracks it may stand in what was not understood.
    if !out.has_errors() {
        // In a track_script its weight may not count: that has been said.
        for script in unused.into_iter().filter(|script| !named.contains(&script.name.value)) {
            out.report(rules::SCRIPT_UNUSED, script.name.span).with("name", script.name.value);
        }
    }
    used
}
