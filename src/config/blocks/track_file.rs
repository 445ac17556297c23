//! `track_file`: a file whose number moves priorities and weights.
use super::{Drafts, trackers, words};
use crate::config::{
    diagnostic::{Diagnostics, Said},
    keyword::{
        Keyword,
        Takes::{One, Words},
        apply, kw,
    },
    model::{InitFile, TrackFile},
    rules::trackers as tracker_rules,
    source::Spanned,
    tree::Statement,
};

/// What a block says.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    name: Spanned<String>,
    path: Option<String>,
    weight: Option<i32>,
    reverse: bool,
    init: Option<InitFile>,
    said: Said,
}

pub(super) const BLOCK: &str = "track_file";

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["file"], One("PATH"), |d: &mut Draft, s, _| d.path = words::text(s))
        .doc("the file that holds a number; its directory must exist"),
    kw(&["weight"], Words(1, 2, "WEIGHT [reverse]"), |d: &mut Draft, s, out| {
        words::set(&mut d.weight, trackers::factor(s, 1, out));
        d.reverse |= trackers::reverse(s, 2, out);
    })
    .default("1")
    .range("-254..254")
    .doc("factor of the number; 0: any number but 0 means FAULT"),
    kw(&["init_file"], Words(0, 2, "[VALUE] [overwrite]"), init)
        .doc("create the file at the start, with VALUE or 0"),
];

/// The root table's line.
pub(super) fn block(drafts: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(name) = words::name(statement) else { return };
    let mut draft = Draft { name, ..Draft::default() };
    let start = out.here();
    apply(KEYWORDS, BLOCK, statement.body(), &mut draft, out);
    draft.said = out.since(start);
    if drafts.admit(BLOCK, &draft.name, tracker_rules::TRACKER_TWICE, out) {
        drafts.files.push(draft);
    }
}

fn init(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let mut init = InitFile { value: 0, overwrite: false };
    for word in statement.words.iter().skip(1) {
        match (word.as_str(), word.as_str().parse()) {
            ("overwrite", _) => init.overwrite = true,
            (_, Ok(value)) => init.value = value,
            (unknown, Err(_)) => {
                out.report(tracker_rules::INIT_FILE_WORD, word.span).with("word", unknown);
            }
        }
    }
    draft.init = Some(init);
}

/// All files in the order of the file; one without a path is an error and left out.
pub(super) fn settle(drafts: Vec<Draft>, out: &mut Diagnostics) -> Vec<TrackFile> {
    drafts.into_iter().filter_map(|draft| draft.settle(out)).collect()
}

impl Draft {
    fn settle(self, out: &mut Diagnostics) -> Option<TrackFile> {
        let Some(path) = self.path else {
            if !out.explains(self.said, BLOCK, "file") {
                out.report(tracker_rules::FILE_MISSING, self.name.span)
                    .with("name", &self.name.value);
            }
            return None;
        };
        Some(TrackFile {
            name: self.name,
            path,
            weight: self.weight.unwrap_or(1),
            reverse: self.reverse,
            init: self.init,
        })
    }
}
