//! `BFD_CHECK`: a server lives while a BFD session with it is up.
use super::{Kind, Reading, finish};
use crate::config::{
    blocks::{
        bfd_instance,
        lvs::{Tracked, real_server},
        trackers, words,
    },
    diagnostic::{Diagnostics, Said},
    keyword::{
        Keyword, TOP,
        Takes::{One, OptionalBool},
        apply, kw,
    },
    model::BfdCheck,
    rules::{checkers as rules, trackers as tracker_rules},
    source::{Span, Spanned},
    tree::Statement,
    value,
};

#[derive(Clone, Debug, Default)]
pub(in crate::config::blocks::lvs) struct Draft {
    name: Option<Spanned<String>>,
    said: Said,
}

pub(in crate::config::blocks::lvs) static KEYWORDS: &[Keyword<Reading<Draft>>] = &[
    kw(&["name"], One("NAME"), |d: &mut Reading<Draft>, s, _| d.own.name = words::name(s))
        .doc("the bfd_instance whose session counts"),
    kw(&["alpha"], OptionalBool, |d: &mut Reading<Draft>, s, out| {
        words::set(&mut d.timing.alpha, value::boolean(s, out));
    })
    .default("off")
    .doc("starts down"),
];

pub(in crate::config::blocks::lvs) fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut reading = Reading::<Draft>::default();
    let start = out.here();
    apply(KEYWORDS, "BFD_CHECK", statement.body(), &mut reading, out);
    reading.own.said = out.since(start);
    server.add_checker(finish(reading, statement.span, |own| Kind::Bfd(Box::new(own))));
}

impl Draft {
    pub(super) fn settle(
        self,
        span: Span,
        tracked: &Tracked<'_>,
        out: &mut Diagnostics,
    ) -> Option<BfdCheck> {
        let Some(name) = self.name else {
            if !out.explains(self.said, "BFD_CHECK", "name") {
                out.report(rules::BFD_WITHOUT_NAME, span);
            }
            return None;
        };
        match tracked.bfds.iter().find(|bfd| bfd.name == name) {
            Some(bfd) if bfd.checker => Some(BfdCheck { name: name.value }),
            Some(_) => {
                out.report(tracker_rules::BFD_NOT_TOLD, name.span)
                    .with("name", &name.value)
                    .with("who", "checkers")
                    .with("other", "vrrp")
                    .with("needed", "checker");
                None
            }
            None => {
                if !out.explains(out.all(), TOP, bfd_instance::BLOCK) {
                    let known = tracked.bfds.iter().map(|bfd| bfd.name.value.as_str());
                    trackers::unknown(&name, bfd_instance::BLOCK, known, out);
                }
                None
            }
        }
    }
}
