//! `track_group`: instances that are in fault while the interface of a static address, route or
//! rule is.
use super::Draft as Line;
use crate::config::{
    blocks::{Drafts, names_nothing, words},
    diagnostic::Diagnostics,
    keyword::{Keyword, Takes::Lines, apply, kw},
    rules::global as rules,
    source::Spanned,
    tree::Statement,
};
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::config::blocks) static KEYWORDS: &[Keyword<Draft>] =
    &[kw(&["group"], Lines("INSTANCE..."), |d: &mut Draft, s, _| {
        let words = s.body().iter().flat_map(|line| &line.words);
        d.members
            .extend(words.map(|word| Spanned { value: word.as_str().to_owned(), span: word.span }));
    })
    .doc("the instances")];

#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    name: Spanned<String>,
    members: Vec<Spanned<String>>,
}

/// The root table's line.
pub(in crate::config::blocks) fn block(
    drafts: &mut Drafts,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let Some(name) = words::name(statement) else { return };
    let mut draft = Draft { name, members: vec![] };
    apply(KEYWORDS, "track_group", statement.body(), &mut draft, out);
    drafts.track_groups.push(draft);
}

/// Which interfaces the instances need for the sake of static lines.
#[derive(Debug, Default)]
pub(in crate::config::blocks) struct Followers {
    /// Members by group.
    groups: BTreeMap<String, Vec<String>>,
    /// Interfaces by instance.
    needs: BTreeMap<String, BTreeSet<String>>,
}

impl Followers {
    /// `instances` are the names of all there are.
    pub(in crate::config::blocks) fn new(
        groups: Vec<Draft>,
        instances: &[&str],
        out: &mut Diagnostics,
    ) -> Self {
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for group in groups {
            let members = known.entry(group.name.value.clone()).or_default();
            for member in group.members {
                if instances.contains(&member.value.as_str()) {
                    members.push(member.value);
                } else {
                    let known = instances.iter().copied();
                    let (rule, near) = (rules::TRACK_GROUP_MEMBER, rules::TRACK_GROUP_MEMBER_NEAR);
                    names_nothing(&member, known, rule, near, out).with("group", &group.name.value);
                }
            }
        }
        Self { groups: known, needs: BTreeMap::new() }
    }

    /// Notes what a line needs, and takes the line's value.
    pub(in crate::config::blocks) fn take<T>(
        &mut self,
        line: Line<T>,
        interfaces: impl FnOnce(&T) -> Vec<String>,
        out: &mut Diagnostics,
    ) -> T {
        let Line { value, group } = line;
        let Some(group) = group else { return value };
        let Some(members) = self.groups.get(&group.value) else {
            let known = self.groups.keys().map(String::as_str);
            let (rule, near) = (rules::TRACK_GROUP_UNKNOWN, rules::TRACK_GROUP_UNKNOWN_NEAR);
            names_nothing(&group, known, rule, near, out);
            return value;
        };
        let interfaces = interfaces(&value);
        if interfaces.is_empty() {
            out.report(rules::TRACK_GROUP_NOWHERE, group.span).with("group", &group.value);
        }
        for member in members {
            self.needs.entry(member.clone()).or_default().extend(interfaces.iter().cloned());
        }
        value
    }

    /// The interfaces that an instance needs.
    pub(in crate::config::blocks) fn of(&self, instance: &str) -> Vec<String> {
        self.needs.get(instance).into_iter().flatten().cloned().collect()
    }
}
