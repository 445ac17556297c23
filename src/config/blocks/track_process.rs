//! `vrrp_track_process`: processes that are counted.
use super::{Drafts, trackers, words};
use crate::config::{
    diagnostic::{Diagnostics, Said},
    keyword::{
        Keyword,
        Takes::{Nothing, One, UpTo1, Words},
        apply, kw,
    },
    model::{ParamMatch, ProcessMatch, TrackProcess},
    rules::trackers as tracker_rules,
    source::Spanned,
    tree::Statement,
    value,
};
use std::time::Duration;

/// What a block says.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    name: Spanned<String>,
    command: Option<(String, Vec<String>)>,
    rule: Option<ParamMatch>,
    full_command: bool,
    weight: Option<i32>,
    reverse: bool,
    quorum: Option<Spanned<u32>>,
    quorum_max: Option<u32>,
    fork_delay: Option<Duration>,
    terminate_delay: Option<Duration>,
    said: Said,
}

pub(super) const BLOCK: &str = "vrrp_track_process";
const SHORTEST: Duration = Duration::from_micros(1);
const LONGEST: Duration = Duration::from_secs(3600);
/// The kernel's limit of a process name.
const COMM: usize = 15;

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["process"], Words(1, 64, "COMMAND [PARAMETER...]"), |d: &mut Draft, s, _| {
        let mut words = s.words.iter().skip(1).map(|word| word.as_str().to_owned());
        d.command = words.next().map(|command| (command, words.collect()));
    })
    .doc("what must run: the name of the process, or with parameters its command line"),
    kw(&["param_match"], UpTo1("initial|partial"), |d: &mut Draft, s, out| {
        d.rule = match s.word(1) {
            None => Some(ParamMatch::Exact),
            Some(_) => match value::one_of(s, 1, &["initial", "partial"], out) {
                Some("initial") => Some(ParamMatch::Initial),
                Some(_) => Some(ParamMatch::Partial),
                None => d.rule,
            },
        };
    })
    .doc(
        "`partial`: more parameters may follow; `initial`: and the last may be longer; alone: none",
    ),
    kw(&["weight"], Words(1, 2, "WEIGHT [reverse]"), |d: &mut Draft, s, out| {
        words::set(&mut d.weight, trackers::weight(s, 1, out));
        d.reverse |= trackers::reverse(s, 2, out);
    })
    .default("0")
    .range("-253..253")
    .doc("what it adds to the priority; 0: too few or too many mean FAULT"),
    kw(&["quorum"], One("COUNT"), |d: &mut Draft, s, out| {
        let count = words::number(s, 1, 1..=65535, out);
        words::set(&mut d.quorum, count.map(|value| Spanned { value, span: s.span }));
    })
    .default("1")
    .range("1..65535")
    .doc("how many must run"),
    kw(&["quorum_max"], One("COUNT"), |d: &mut Draft, s, out| {
        words::set(&mut d.quorum_max, words::number(s, 1, 0..=65535, out));
    })
    .range("0..65535")
    .doc("how many may run; 0: none must"),
    kw(&["fork_delay"], One("SECONDS"), |d: &mut Draft, s, out| {
        words::set(&mut d.fork_delay, words::seconds(s, SHORTEST..=LONGEST, out));
    })
    .default("0")
    .range("0.000001..3600")
    .doc("how long it must last before a process more counts"),
    kw(&["terminate_delay"], One("SECONDS"), |d: &mut Draft, s, out| {
        words::set(&mut d.terminate_delay, words::seconds(s, SHORTEST..=LONGEST, out));
    })
    .default("0")
    .range("0.000001..3600")
    .doc("how long it must last before a process less counts"),
    kw(&["delay"], One("SECONDS"), |d: &mut Draft, s, out| {
        let delay = words::seconds(s, SHORTEST..=LONGEST, out);
        words::set(&mut d.fork_delay, delay);
        words::set(&mut d.terminate_delay, delay);
    })
    .default("0")
    .range("0.000001..3600")
    .doc("both delays"),
    kw(&["full_command"], Nothing, |d: &mut Draft, _, _| d.full_command = true)
        .default("off; on with parameters")
        .doc("compare the command line, not the name"),
];

/// The root table's line.
pub(super) fn block(drafts: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(name) = words::name(statement) else { return };
    let mut draft = Draft { name, ..Draft::default() };
    let start = out.here();
    apply(KEYWORDS, BLOCK, statement.body(), &mut draft, out);
    draft.said = out.since(start);
    if drafts.admit(BLOCK, &draft.name, tracker_rules::TRACKER_TWICE, out) {
        drafts.processes.push(draft);
    }
}

/// All in the order of the file; one without a process is an error and left out.
pub(super) fn settle(drafts: Vec<Draft>, out: &mut Diagnostics) -> Vec<TrackProcess> {
    drafts.into_iter().filter_map(|draft| draft.settle(out)).collect()
}

impl Draft {
    fn settle(self, out: &mut Diagnostics) -> Option<TrackProcess> {
        let Some((command, parameters)) = self.command else {
            if !out.explains(self.said, BLOCK, "process") {
                out.report(tracker_rules::PROCESS_MISSING, self.name.span)
                    .with("name", &self.name.value);
            }
            return None;
        };
        let which = match (self.rule, parameters.is_empty()) {
            (None, true) if !self.full_command => ProcessMatch::Name(command),
            (rule, none) => {
                let rule = rule.unwrap_or(if none { ParamMatch::Any } else { ParamMatch::Exact });
                ProcessMatch::CommandLine { command, parameters, rule }
            }
        };
        if let ProcessMatch::Name(name) = &which
            && (name.len() > COMM || name.contains('/'))
        {
            out.report(tracker_rules::PROCESS_NAME, self.name.span).with("process", name);
        }
        let quorum = match (&self.quorum, self.quorum_max) {
            (Some(least), Some(most)) if least.value > most => {
                out.report(tracker_rules::PROCESS_QUORUM, least.span)
                    .with("least", least.value)
                    .with("most", most);
                most
            }
            (Some(least), _) => least.value,
            (None, Some(0)) => 0,
            (None, _) => 1,
        };
        Some(TrackProcess {
            name: self.name,
            which,
            weight: self.weight.unwrap_or(0),
            reverse: self.reverse,
            quorum,
            quorum_max: self.quorum_max,
            fork_delay: self.fork_delay.unwrap_or_default(),
            terminate_delay: self.terminate_delay.unwrap_or_default(),
        })
    }
}
