//! The keywords of `global_defs` about interfaces of our own, and about filters.
use super::Draft as Global;
use crate::config::{
    blocks::{
        vrrp_instance::Names,
        words::{self, take_word},
    },
    diagnostic::Diagnostics,
    keyword::{
        Keyword, Support,
        Takes::{Nothing, One, UpTo1},
        kw,
    },
    model::Nftables,
    rules::global as rules,
    tree::Statement,
    value,
};

#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    vmac_prefix: Option<String>,
    vmac_addr_prefix: Option<String>,
    pub(super) disable_local_igmp: bool,
    pub(super) nftables: Nftables,
}

const ALWAYS: Support = Support::Obsolete(
    "interfaces may always appear, vanish and come back as others; the line changes nothing",
);

pub(super) fn keywords() -> Vec<Keyword<Global>> {
    type Draft = Global;
    vec![
        kw(&["dynamic_interfaces"], UpTo1("allow_if_changes"), dynamic_interfaces)
            .support(ALWAYS)
            .default("on")
            .doc("interfaces may come and go"),
        kw(&["vmac_prefix"], One("PREFIX"), take_word!(links.vmac_prefix))
            .default("vrrp")
            .doc("of names of VMACs"),
        kw(&["vmac_addr_prefix"], One("PREFIX"), take_word!(links.vmac_addr_prefix))
            .default("vmac_prefix")
            .doc("of names of VMACs for addresses"),
        kw(&["disable_local_igmp"], Nothing, |d: &mut Draft, _, _| {
            d.links.disable_local_igmp = true;
        })
        .default("off")
        .doc("no IGMP for 224.0.0.x from this machine, while the program runs"),
        kw(&["nftables"], UpTo1("TABLE"), |d: &mut Draft, s, _| {
            if let Some(name) = words::text(s) {
                d.links.nftables.table = name;
            }
        })
        .default("keepalived")
        .doc("table for filters"),
        kw(&["nftables_priority"], One("PRIORITY"), |d: &mut Draft, s, out| {
            let priority = value::signed(s, 1, -2_147_483_648..=2_147_483_647, out);
            if let Some(priority) = priority.and_then(|number| i32::try_from(number).ok()) {
                d.links.nftables.priority = priority;
            }
        })
        .default("-1")
        .doc("of our chains"),
        kw(&["nftables_ifindex"], Nothing, |d: &mut Draft, _, _| {
            d.links.nftables.by_index = true;
        })
        .default("off")
        .doc("filters name interfaces by number"),
        kw(&["nftables_counters"], Nothing, |d: &mut Draft, _, _| {
            d.links.nftables.counters = true;
        })
        .default("off")
        .doc("filters count"),
    ]
}

fn dynamic_interfaces(_: &mut Global, statement: &Statement<'_>, out: &mut Diagnostics) {
    let word = statement.word(1).filter(|word| word.as_str() != "allow_if_changes");
    if let Some(word) = word {
        out.report(rules::BAD_FLAG_WORD, word.span)
            .with("word", word.as_str())
            .with("keyword", statement.first())
            .with("takes", "nothing or allow_if_changes");
    }
}

impl Draft {
    pub(super) fn names(&self) -> Names {
        Names::new(self.vmac_prefix.clone(), self.vmac_addr_prefix.clone())
    }
}
