//! From statements to the typed model: one file per block, the root table, and the settling of
//! what blocks take from each other.
mod addresses;
pub(in crate::config) mod global_defs;
mod interfaces;
mod line;
pub(super) mod lvs;
mod notify;
mod planned;
mod routing;
mod static_network;
mod trackers;
mod vrrp_instance;
mod vrrp_script;
mod vrrp_sync_group;
mod words;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use super::{
    diagnostic::{Diagnostic, Diagnostics},
    keyword::{
        BlockInfo, Keyword, Support, TOP,
        Takes::{Block, Lines, NamedBlock, Nothing, One, UpTo1, WordsBlock},
        apply, describe, kw, not_yet,
    },
    model::{Config, IpvsNamespace, VrrpConfig},
    rules::Rule,
    source::{KeyFile, Sources, Spanned},
    tree::{Statement, Word},
    validate,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Everything that was said, block by block, before anything is filled in.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) global: global_defs::Draft,
    instances: Vec<vrrp_instance::Draft>,
    groups: Vec<vrrp_sync_group::Draft>,
    scripts: Vec<vrrp_script::Draft>,
    fixed: static_network::Draft,
    track_groups: Vec<routing::TrackGroup>,
    routing: routing::Shared,
    interfaces: interfaces::Drafts,
    pub(super) lvs: lvs::Drafts,
}

const TRACKER: Support = Support::NotYet("it is planned; nothing is guarded by it");

static ROOT: &[Keyword<Drafts>] = &[
    kw(&["global_defs"], Block, global_defs::block).doc("what concerns everything"),
    kw(
        &["virtual_server"],
        WordsBlock(1, 2, "ADDRESS [PORT] | fwmark N | group NAME"),
        lvs::virtual_server,
    )
    .doc("a balanced service"),
    kw(&["virtual_server_group"], NamedBlock("NAME"), lvs::virtual_server_group)
        .doc("addresses and marks that share a virtual_server"),
    kw(&["SSL"], Block, lvs::ssl).doc("client certificate of SSL_GET"),
    kw(&["vrrp_instance"], NamedBlock("NAME"), vrrp_instance::block).doc("a virtual router"),
    kw(&["vrrp_sync_group"], NamedBlock("NAME"), vrrp_sync_group::block)
        .doc("instances that change state together"),
    kw(&["vrrp_script"], NamedBlock("NAME"), vrrp_script::block)
        .doc("a command that says whether an instance is healthy"),
    kw(
        &["static_ipaddress"],
        Lines("ADDRESS[/LENGTH] [dev INTERFACE] [...]"),
        static_network::static_ipaddress,
    )
    .doc("addresses while the program runs"),
    kw(
        &["static_routes"],
        Lines("DESTINATION [via ADDRESS] [dev INTERFACE] [...]"),
        static_network::static_routes,
    )
    .doc("routes while the program runs"),
    kw(
        &["static_rules"],
        Lines("[from PREFIX] [to PREFIX] [...] table TABLE"),
        static_network::static_rules,
    )
    .doc("routing rules while the program runs"),
    not_yet(&["vrrp_track_process"], NamedBlock("NAME")).support(TRACKER).doc("processes to track"),
    not_yet(&["track_file", "vrrp_track_file"], NamedBlock("NAME"))
        .support(TRACKER)
        .doc("a file whose number counts"),
    not_yet(&["bfd_instance"], NamedBlock("NAME")).support(TRACKER).doc("a BFD session"),
    kw(&["track_group"], NamedBlock("NAME"), routing::track_group)
        .doc("instances that need the interfaces of static addresses, routes and rules"),
    kw(&["garp_group"], Block, interfaces::garp_group).doc("interfaces that share a pace of ARPs"),
    not_yet(&["linkbeat_interfaces"], Lines("INTERFACE [MII|ETHTOOL|IOCTL]"))
        .support(Support::NoEffect("the kernel reports link changes"))
        .doc("interfaces that are polled"),
    not_yet(&["linkbeat_use_polling"], Nothing)
        .support(Support::NoEffect("the kernel reports link changes"))
        .doc("poll all links"),
    kw(&["interface_up_down_delays"], Lines("INTERFACE DOWN [UP]"), interfaces::delays)
        .default("0")
        .range("0..255")
        .doc("how long a change of an interface must last; UP is as DOWN unless given"),
    kw(&["net_namespace"], One("NAME"), |d: &mut Drafts, s, _| {
        words::set(&mut d.global.process.net_namespace, words::text(s));
    })
    .default("the one it is started in")
    .doc("network namespace to run in; taken at start only"),
    kw(&["net_namespace_ipvs"], UpTo1("NAME"), |d: &mut Drafts, s, _| {
        let named = words::text(s).map(IpvsNamespace::Named);
        d.global.process.net_namespace_ipvs = Some(named.unwrap_or(IpvsNamespace::Main));
    })
    .default("net_namespace")
    .doc("network namespace of the IPVS table; without a name the machine's first; at start only"),
    not_yet(&["namespace_with_ipsets"], Nothing)
        .support(Support::NoEffect("ipsets are not used"))
        .doc("ipsets in namespaces"),
    kw(&["instance"], One("NAME"), |d: &mut Drafts, s, _| {
        words::set(&mut d.global.process.instance, words::text(s));
    })
    .doc("name among several daemons, in names of pid files and dumps; at start only"),
    kw(&["use_pid_dir"], Nothing, |d: &mut Drafts, _, _| d.global.process.use_pid_dir = true)
        .default("off")
        .doc("pid files go to /run/keepalived; at start only"),
    kw(&["child_wait_time"], One("SECONDS"), |d: &mut Drafts, s, out| {
        words::set(&mut d.global.child_wait_time, words::whole_seconds(s, 0..=4294, out));
    })
    .default("5")
    .doc("how long children may take to stop"),
    // Some copies of the packaged sample have it before global_defs.
    kw(&["lvs_id"], One("NAME"), |d: &mut Drafts, s, out| {
        global_defs::lvs_id(&mut d.global, s, out)
    })
    .doc("old name of router_id"),
];

/// Reads every top-level statement, then fills in what the file as a whole decides, so the order
/// of blocks does not matter.
///
/// The reader of the statements reports into the same list, one borrow at a time. `keep` gets what
/// has been read.
pub(super) fn interpret<'s>(
    statements: impl Iterator<Item = Statement<'s>>,
    sources: &Sources,
    out: &RefCell<Diagnostics>,
    mut keep: impl FnMut(Statement<'s>),
) -> Config {
    let routing = routing::Shared::new(Arc::new(sources.names.clone()));
    let mut drafts = Drafts { routing, ..Drafts::default() };
    for statement in statements {
        let found = &mut *out.borrow_mut();
        apply(ROOT, TOP, std::slice::from_ref(&statement), &mut drafts, found);
        keep(statement);
    }
    drafts.settle(&sources.keys, &mut out.borrow_mut())
}

/// Whether a line opens a block that stands at the top level and nowhere else.
pub(super) fn is_root_block(words: &[Word<'_>]) -> bool {
    let Some((first, arguments)) = words.split_first() else { return false };
    // Without a name it is a list within an instance.
    (first.as_str() != "track_file" || !arguments.is_empty())
        && ROOT.iter().any(|keyword| {
            keyword.names.contains(&first.as_str())
                && matches!(keyword.takes, Block | Lines(_) | NamedBlock(_) | WordsBlock(..))
        })
}

/// Every block's name and keywords: for suggestions and for the list in the documentation.
#[must_use]
pub fn blocks() -> Vec<BlockInfo> {
    let mut blocks = vec![
        BlockInfo { name: TOP, keywords: || describe(ROOT) },
        BlockInfo { name: "global_defs", keywords: || describe(&global_defs::KEYWORDS) },
        BlockInfo { name: "vrrp_instance", keywords: || describe(vrrp_instance::KEYWORDS) },
        BlockInfo { name: "authentication", keywords: || describe(vrrp_instance::AUTHENTICATION) },
        BlockInfo { name: "auth_hmac", keywords: || describe(vrrp_instance::AUTH_HMAC) },
        BlockInfo { name: "vrrp_sync_group", keywords: || describe(vrrp_sync_group::KEYWORDS) },
        BlockInfo { name: "garp_group", keywords: || describe(interfaces::GARP_GROUP) },
        BlockInfo { name: "vrrp_script", keywords: || describe(vrrp_script::KEYWORDS) },
        BlockInfo { name: "track_group", keywords: || describe(routing::TRACK_GROUP) },
    ];
    blocks.extend(planned::blocks());
    blocks.extend(lvs::blocks());
    blocks
}

impl Drafts {
    fn settle(mut self, key_files: &BTreeMap<String, KeyFile>, out: &mut Diagnostics) -> Config {
        let names: Vec<String> = self.instances.iter().map(|d| d.name.value.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let global = &self.global;
        let scripts = vrrp_script::settle(self.scripts, out);
        let (sync_groups, memberships) = vrrp_sync_group::settle(
            self.groups,
            &names,
            &scripts,
            global.vrrp_alert(),
            global.vrrp.notify_priority_changes.unwrap_or(false),
            out,
        );
        let sync_interfaces =
            self.instances.iter_mut().filter_map(vrrp_instance::Draft::take_sync_interface);
        let sync_interfaces = sync_interfaces.collect();
        let around = vrrp_instance::Surroundings {
            defaults: &global.vrrp,
            key_files,
            default_interface: global.default_interface(),
            smtp_alert: global.vrrp_alert(),
            scripts: &scripts,
            memberships: &memberships,
        };
        let mut own_names = global.own_names();
        let mut instances: Vec<_> = self
            .instances
            .into_iter()
            .filter_map(|draft| draft.settle(&around, &mut own_names, out))
            .collect();
        let used: BTreeSet<String> = instances
            .iter()
            .flat_map(|instance| &instance.track_scripts)
            .map(|tracked| tracked.name.value.clone())
            .collect();
        // An instance that was refused may track any of them.
        let scripts = if instances.len() == names.len() {
            vrrp_script::drop_unused(scripts, &used, out)
        } else {
            scripts
        };
        let mut followers = routing::Followers::new(self.track_groups, &names, out);
        let statics = self.fixed.settle(global.default_interface(), &mut followers, out);
        for instance in &mut instances {
            instance.static_interfaces = followers.of(&instance.name.value);
        }
        let vrrp = VrrpConfig {
            static_addresses: statics.addresses,
            static_routes: statics.routes,
            static_rules: statics.rules,
            instances,
            sync_groups,
            scripts,
        };
        validate::vrrp(&vrrp, out);
        let director = lvs::settle(self.lvs, global, out);
        let mut global = self.global.settle(&names, sync_interfaces, out);
        (global.garp_groups, global.link_delays) = self.interfaces.settle(&vrrp.instances, out);
        Config { global: Arc::new(global), vrrp: Arc::new(vrrp), director: Arc::new(director) }
    }
}

/// Reports a name that stands for nothing, with the nearest of those that do.
fn names_nothing<'d, 'n>(
    name: &Spanned<String>,
    known: impl Iterator<Item = &'n str>,
    rule: &'static Rule,
    rule_near: &'static Rule,
    out: &'d mut Diagnostics,
) -> &'d mut Diagnostic {
    let near = known
        .map(|other| (strsim::osa_distance(&name.value, other), other))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    match near {
        Some((_, near)) => out
            .report(rule_near, name.span)
            .with("name", &name.value)
            .with("near", near)
            .replace_with(near),
        None => out.report(rule, name.span).with("name", &name.value),
    }
}
