//! Lines of `track_interface` and `track_script`: a name and what it weighs.
use crate::config::{
    diagnostic::Diagnostics,
    rules::vrrp as rules,
    source::{Span, Spanned},
    tree::Statement,
};

/// What a line says; the rest comes from the tracked thing.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: Spanned<String>,
    pub(super) weight: Option<i32>,
    pub(super) reverse: Option<bool>,
}

/// Adds the lines of a block. `what` is the tracked thing for messages: "script".
pub(super) fn lines(
    into: &mut Vec<Draft>,
    what: &'static str,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    for line in statement.body() {
        let Some(name) = super::words::word(line, 0) else { continue };
        if let Some(first) = into.iter().find(|known| known.name == name) {
            out.report(rules::TRACKED_TWICE, name.span)
                .with("name", &name.value)
                .label(first.name.span, "first tracked here");
            continue;
        }
        let (weight, reverse) = weighting(line, 1, what, out);
        into.push(Draft { name, weight, reverse });
    }
}

/// `weight N [reverse|noreverse]` from word `index` on.
fn weighting(
    line: &Statement<'_>,
    index: usize,
    what: &'static str,
    out: &mut Diagnostics,
) -> (Option<i32>, Option<bool>) {
    let (mut weight, mut reverse) = (None, None);
    let mut at = index;
    while let Some(word) = line.word(at) {
        at += 1;
        match word.as_str() {
            "weight" => {
                weight = self::weight(line, at, out).or(weight);
                at += 1;
            }
            "reverse" => reverse = Some(true),
            "noreverse" => reverse = Some(false),
            unknown => {
                out.report(rules::TRACK_WORD, word.span).with("word", unknown).with("what", what);
                break;
            }
        }
    }
    (weight, reverse)
}

/// Word `index` as a weight, -253..=253. 254 is taken, as keepalived takes it, and cut.
pub(super) fn weight(
    statement: &Statement<'_>,
    index: usize,
    out: &mut Diagnostics,
) -> Option<i32> {
    let Some(word) = statement.word(index) else {
        out.report(rules::TRACK_BAD_WEIGHT, statement.span).with("word", statement.first());
        return None;
    };
    let Some(weight) = word.as_str().parse::<i32>().ok().filter(|w| (-254..=254).contains(w))
    else {
        out.report(rules::TRACK_BAD_WEIGHT, word.span).with("word", word.as_str());
        return None;
    };
    let used = weight.clamp(-253, 253);
    if used != weight {
        out.report(rules::WEIGHT_CUT, word.span).with("weight", weight).with("used", used);
    }
    Some(used)
}

/// Whose priority the weights move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Priority 255 never changes.
    pub(super) owner: bool,
    /// In a sync group that has no `sync_group_tracking_weight`.
    pub(super) bound: bool,
}

impl Standing {
    /// Whether something of this weight is tracked at all; if not, says why.
    pub(super) fn admits(self, name: &str, weight: i32, span: Span, out: &mut Diagnostics) -> bool {
        let rule = match (weight, self) {
            (0, _) => return true,
            (_, Self { owner: true, .. }) => rules::WEIGHT_OF_OWNER,
            (_, Self { bound: true, .. }) => rules::WEIGHT_IN_GROUP,
            (_, Self { owner: false, bound: false }) => return true,
        };
        out.report(rule, span).with("name", name);
        false
    }
}
