//! `garp_group` and `interface_up_down_delays`: what belongs to interfaces, whatever runs on them.
use super::{
    Drafts as All,
    words::{self, take_time},
};
use crate::config::{
    diagnostic::Diagnostics,
    keyword::{
        Keyword,
        Takes::{Lines, One},
        apply, kw,
    },
    model::{GarpGroup, LinkDelays, VrrpInstance},
    rules::vrrp as rules,
    source::Spanned,
    tree::Statement,
    value,
};
use std::{collections::BTreeMap, time::Duration};

const LONGEST: Duration = Duration::from_secs(4294);
const LONGEST_DELAY: Duration = Duration::from_secs(255);

/// What the blocks say.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    groups: Vec<GarpGroup>,
    delays: BTreeMap<String, Spanned<LinkDelays>>,
}

/// One `garp_group`.
#[derive(Debug, Default)]
pub(super) struct Draft {
    interfaces: Vec<Spanned<String>>,
    interval: Option<Duration>,
    gna_interval: Option<Duration>,
}

pub(super) static GARP_GROUP: &[Keyword<Draft>] = &[
    kw(&["garp_interval"], One("SECONDS"), take_time!(Duration::ZERO..=LONGEST, interval))
        .default("0")
        .doc("pause between two ARPs"),
    kw(&["gna_interval"], One("SECONDS"), take_time!(Duration::ZERO..=LONGEST, gna_interval))
        .default("0")
        .doc("pause between two neighbour advertisements"),
    kw(&["interface"], One("INTERFACE"), |d: &mut Draft, s, _| {
        d.interfaces.extend(words::name(s));
    })
    .doc("the only member"),
    kw(&["interfaces"], Lines("INTERFACE..."), |d: &mut Draft, s, _| {
        let names = s.body().iter().flat_map(|line| &line.words);
        d.interfaces
            .extend(names.map(|word| Spanned { value: word.as_str().to_owned(), span: word.span }));
    })
    .doc("the members"),
];

/// The root table's line.
pub(super) fn garp_group(all: &mut All, statement: &Statement<'_>, out: &mut Diagnostics) {
    let mut draft = Draft::default();
    apply(GARP_GROUP, "garp_group", statement.body(), &mut draft, out);
    let groups = &mut all.interfaces.groups;
    let is_free = |name: &Spanned<String>, out: &mut Diagnostics| {
        let taken = groups.iter().any(|group| group.interfaces.contains(&name.value));
        if taken {
            out.report(rules::GARP_GROUP_TWICE, name.span).with("name", &name.value);
        }
        !taken
    };
    let interfaces: Vec<String> = draft
        .interfaces
        .into_iter()
        .filter(|name| is_free(name, out))
        .map(|name| name.value)
        .collect();
    if interfaces.is_empty() {
        out.report(rules::GARP_GROUP_EMPTY, statement.span);
        return;
    }
    groups.push(GarpGroup {
        interfaces,
        interval: draft.interval.unwrap_or_default(),
        gna_interval: draft.gna_interval.unwrap_or_default(),
    });
}

/// The root table's line: `INTERFACE DOWN [UP]` each.
pub(super) fn delays(all: &mut All, statement: &Statement<'_>, out: &mut Diagnostics) {
    for line in statement.body() {
        let Some(name) = words::word(line, 0) else { continue };
        if line.word(1).is_none() {
            out.report(rules::LINK_DELAY_MISSING, name.span).with("name", &name.value);
            continue;
        }
        let range = Duration::ZERO..=LONGEST_DELAY;
        let Some(down) = value::timer(line, 1, range.clone(), out) else { continue };
        let up = line.word(2).and_then(|_| value::timer(line, 2, range, out)).unwrap_or(down);
        let delays = Spanned { value: LinkDelays { down, up }, span: name.span };
        all.interfaces.delays.insert(name.value, delays);
    }
}

impl Drafts {
    /// A delay must end before a backup that hears nothing meanwhile would take over.
    pub(super) fn settle(
        self,
        instances: &[VrrpInstance],
        out: &mut Diagnostics,
    ) -> (Vec<GarpGroup>, BTreeMap<String, LinkDelays>) {
        let mut settled = BTreeMap::new();
        for (name, Spanned { value: mut delays, span }) in self.delays {
            let users = instances.iter().filter(|instance| uses(instance, &name));
            let longest = users
                .map(|user| user.advert_interval * u32::from(user.down_timer_adverts.max(2) - 1))
                .min()
                .unwrap_or(LONGEST_DELAY);
            if delays.down > longest || delays.up > longest {
                out.report(rules::LINK_DELAY_LONG, span)
                    .with("name", &name)
                    .with("longest", longest.as_secs_f64());
                delays.down = delays.down.min(longest);
                delays.up = delays.up.min(longest);
            }
            settled.insert(name, delays);
        }
        (self.groups, settled)
    }
}

fn uses(instance: &VrrpInstance, name: &str) -> bool {
    instance.interface.value == name
        || instance.track_interfaces.iter().any(|tracked| tracked.name.value == name)
}
