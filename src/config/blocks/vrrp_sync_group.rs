//! `vrrp_sync_group`: instances that change state together.
use super::{
    Drafts, notify,
    trackers::{self, Available, Standing, Uses},
    words,
};
use crate::config::{
    diagnostic::Diagnostics,
    keyword::{
        Keyword, Support, TOP,
        Takes::{Lines, Nothing, OptionalBool, Script},
        apply, kw,
    },
    model::{SyncGroup, TrackInterface},
    rules::vrrp as rules,
    source::Spanned,
    tree::Statement,
    value,
};
use std::collections::BTreeMap;

/// What a block says.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    name: Spanned<String>,
    members: Vec<Spanned<String>>,
    notify: notify::Draft,
    interfaces: Vec<trackers::Draft>,
    lines: trackers::Lines,
    tracking_weight: bool,
}

impl Draft {
    pub(super) fn named_scripts(&self) -> impl Iterator<Item = &String> {
        self.lines.named_scripts()
    }
}

const BLOCK: &str = "vrrp_sync_group";

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["group"], Lines("INSTANCE..."), |d: &mut Draft, s, _| {
        d.members.extend(
            s.body()
                .iter()
                .flat_map(|line| &line.words)
                .map(|word| Spanned { value: word.as_str().to_owned(), span: word.span }),
        );
    })
    .doc("names of the instances"),
    kw(&["notify_master"], Script, |d: &mut Draft, s, out| {
        notify::script(&mut d.notify.scripts.master, s, out)
    })
    .doc("run when all members are MASTER"),
    kw(&["notify_backup"], Script, |d: &mut Draft, s, out| {
        notify::script(&mut d.notify.scripts.backup, s, out)
    })
    .doc("run when the group becomes BACKUP"),
    kw(&["notify_fault"], Script, |d: &mut Draft, s, out| {
        notify::script(&mut d.notify.scripts.fault, s, out)
    })
    .doc("run when the group becomes FAULT"),
    kw(&["notify_stop"], Script, |d: &mut Draft, s, out| {
        notify::script(&mut d.notify.scripts.stop, s, out)
    })
    .doc("run when the program stops"),
    kw(&["notify"], Script, |d: &mut Draft, s, out| {
        notify::script(&mut d.notify.scripts.any, s, out)
    })
    .doc("run at every change, with GROUP NAME STATE 0"),
    kw(&["smtp_alert"], OptionalBool, |d: &mut Draft, s, out| {
        words::set(&mut d.notify.smtp_alert, value::boolean(s, out));
    })
    .default("smtp_alert_vrrp")
    .doc("mail at every change"),
    kw(&["notify_priority_changes"], OptionalBool, |d: &mut Draft, s, out| {
        words::set(&mut d.notify.priority_changes, value::boolean(s, out));
    })
    .default("vrrp_notify_priority_changes")
    .doc("also tell FIFOs of the members' changed priorities"),
    kw(&["track_interface"], Lines("INTERFACE [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.interfaces, "interface", s, out);
    })
    .doc("interfaces that every member needs"),
    kw(&["track_script"], Lines("SCRIPT [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.scripts, "script", s, out);
    })
    .doc("scripts that every member needs"),
    kw(&["track_process"], Lines("PROCESS [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.processes, "process", s, out);
    })
    .doc("processes that every member needs"),
    kw(&["track_file"], Lines("FILE [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.files, trackers::FILE, s, out);
    })
    .doc("files whose numbers count for every member"),
    kw(&["track_bfd"], Lines("BFD [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.bfds, "BFD session", s, out);
    })
    .doc("BFD sessions that every member needs"),
    kw(&["sync_group_tracking_weight"], Nothing, |d: &mut Draft, _, _| d.tracking_weight = true)
        .default("off")
        .doc("weights count although the instances are in a group"),
    kw(&["global_tracking"], Nothing, |d: &mut Draft, _, _| d.tracking_weight = true)
        .support(Support::Obsolete("write `sync_group_tracking_weight`"))
        .doc("old name of sync_group_tracking_weight"),
];

/// The root table's line.
pub(super) fn block(drafts: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(name) = words::name(statement) else { return };
    let mut draft = Draft { name, ..Draft::default() };
    let start = out.here();
    apply(KEYWORDS, BLOCK, statement.body(), &mut draft, out);
    let said = out.since(start);
    if !drafts.admit(BLOCK, &draft.name, rules::GROUP_TWICE, out) {
        return;
    }
    if draft.members.is_empty() {
        if !out.explains(said, BLOCK, "group") {
            out.report(rules::GROUP_EMPTY, draft.name.span).with("group", &draft.name.value);
        }
        return;
    }
    drafts.groups.push(draft);
}

/// What a group means for one of its members.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) standing: Standing,
    pub(super) interfaces: Vec<TrackInterface>,
    pub(super) uses: Uses,
    pub(super) priority_changes: Option<bool>,
}

/// The groups, and for every instance that is in one what it takes from it.
pub(super) fn settle(
    drafts: Vec<Draft>,
    instances: &[&str],
    available: &Available,
    smtp_alert: bool,
    priority_changes: bool,
    out: &mut Diagnostics,
) -> (Vec<SyncGroup>, BTreeMap<String, Membership>) {
    let mut taken: BTreeMap<String, (Spanned<String>, Membership)> = BTreeMap::new();
    let mut groups = vec![];
    for draft in drafts {
        let membership = Membership {
            standing: Standing { owner: false, bound: !draft.tracking_weight },
            interfaces: draft
                .interfaces
                .into_iter()
                .map(|line| TrackInterface {
                    name: line.name,
                    weight: line.weight.unwrap_or(0),
                    reverse: line.reverse.unwrap_or(false),
                })
                .collect(),
            uses: draft.lines.resolve(available, out),
            priority_changes: draft.notify.priority_changes,
        };
        let membership = membership.without_weights(out);
        let mut members = vec![];
        let single = draft.members.len() == 1;
        for member in draft.members {
            if !instances.contains(&member.value.as_str()) {
                // It seems to be there, in a block whose name was misspelt.
                if out.explains(out.all(), TOP, "vrrp_instance") {
                    continue;
                }
                super::names_nothing(
                    &member,
                    instances.iter().copied(),
                    rules::GROUP_UNKNOWN_MEMBER,
                    rules::GROUP_UNKNOWN_MEMBER_NEAR,
                    out,
                )
                .with("group", &draft.name.value);
                continue;
            }
            if let Some((first, _)) = taken.get(&member.value) {
                out.report(rules::GROUP_MEMBER_TWICE, member.span)
                    .with("name", &member.value)
                    .label(first.span, "its first group");
                continue;
            }
            taken.insert(member.value.clone(), (member.clone(), membership.clone()));
            members.push(member);
        }
        if let (true, [only]) = (single, members.as_slice()) {
            out.report(rules::GROUP_OF_ONE, only.span).with("group", &draft.name.value);
        }
        groups.push(SyncGroup {
            name: draft.name,
            members,
            smtp_alert: draft.notify.smtp_alert.unwrap_or(smtp_alert),
            notify: draft.notify.settle(priority_changes),
            tracking_weight: draft.tracking_weight,
        });
    }
    (groups, taken.into_iter().map(|(name, (_, membership))| (name, membership)).collect())
}

impl Membership {
    /// Says once, not once per member, which trackers of the group do not count.
    fn without_weights(mut self, out: &mut Diagnostics) -> Self {
        let standing = self.standing;
        self.interfaces.retain(|t| standing.admits(&t.name.value, t.weight, t.name.span, out));
        self.uses = self.uses.admitted(standing, out);
        self
    }
}
