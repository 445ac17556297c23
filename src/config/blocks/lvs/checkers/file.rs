//! `FILE_CHECK`: the number in a `track_file` moves the weight of a server, or takes it down.
use super::{Kind, Reading, finish};
use crate::config::{
    blocks::{
        lvs::{Tracked, real_server},
        track_file, trackers, words,
    },
    diagnostic::{Diagnostics, Said},
    keyword::{
        Keyword, Support, TOP,
        Takes::{Nothing, One, Words},
        apply, kw,
    },
    model::FileCheck,
    rules::checkers as rules,
    source::{Span, Spanned},
    tree::Statement,
    value,
};

#[derive(Clone, Debug, Default)]
pub(in crate::config::blocks::lvs) struct Draft {
    name: Option<Spanned<String>>,
    weight: Option<i32>,
    reverse: bool,
    said: Said,
}

const LARGEST: i64 = i32::MAX as i64;

pub(in crate::config::blocks::lvs) static KEYWORDS: &[Keyword<Reading<Draft>>] = &[
    kw(&["track_file"], One("NAME"), |d: &mut Reading<Draft>, s, _| d.own.name = words::name(s))
        .doc("the track_file that is read"),
    kw(&["weight"], Words(1, 2, "WEIGHT [reverse]"), |d: &mut Reading<Draft>, s, out| {
        let weight = value::signed(s, 1, -LARGEST..=LARGEST, out);
        words::set(&mut d.own.weight, weight.and_then(|weight| i32::try_from(weight).ok()));
        d.own.reverse |= trackers::reverse(s, 2, out);
    })
    .default("the track_file's")
    .range("-2147483647..2147483647")
    .doc("factor of the number, which moves the server's weight; 0: any number but 0 is a failure"),
    kw(&["dynamic"], Nothing, |_, _, _| {})
        .support(Support::Obsolete("it is always so; remove it"))
        .doc("the number moves the weight"),
];

pub(in crate::config::blocks::lvs) fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut reading = Reading::<Draft>::default();
    let start = out.here();
    apply(KEYWORDS, "FILE_CHECK", statement.body(), &mut reading, out);
    reading.own.said = out.since(start);
    server.add_checker(finish(reading, statement.span, |own| Kind::File(Box::new(own))));
}

impl Draft {
    pub(super) fn settle(
        self,
        span: Span,
        tracked: &Tracked<'_>,
        out: &mut Diagnostics,
    ) -> Option<FileCheck> {
        let Some(name) = self.name else {
            if !out.explains(self.said, "FILE_CHECK", "track_file") {
                out.report(rules::FILE_WITHOUT_NAME, span);
            }
            return None;
        };
        let Some(file) = tracked.files.iter().find(|file| file.name == name) else {
            if !out.explains(out.all(), TOP, track_file::BLOCK) {
                let known = tracked.files.iter().map(|file| file.name.value.as_str());
                trackers::unknown(&name, track_file::BLOCK, known, out);
            }
            return None;
        };
        let reverse = if self.weight.is_some() { self.reverse } else { file.reverse };
        let weight = self.weight.unwrap_or(file.weight);
        Some(FileCheck { name: name.value, weight, reverse })
    }
}
