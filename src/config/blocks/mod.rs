//! From statements to the typed model: one file per block, the root table, and the settling of
//! what blocks take from each other.
mod addresses;
mod bfd_instance;
pub(in crate::config) mod global_defs;
mod interfaces;
mod line;
pub(super) mod lvs;
mod notify;
mod routing;
mod static_network;
mod track_file;
mod track_process;
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
        apply, describe, inert, kw,
    },
    model::{BfdConfig, Config, IpvsNamespace, TrackerUse, VrrpConfig, VrrpInstance},
    rules::Rule,
    source::{KeyFile, Sources, Span, Spanned},
    tree::{Statement, Word},
    validate,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

/// Everything that was said, block by block, before anything is filled in.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    /// Where each name of each kind of block was given first.
    names: HashMap<(&'static str, String), Span>,
    pub(super) global: global_defs::Draft,
    instances: Vec<vrrp_instance::Draft>,
    groups: Vec<vrrp_sync_group::Draft>,
    scripts: Vec<vrrp_script::Draft>,
    processes: Vec<track_process::Draft>,
    files: Vec<track_file::Draft>,
    bfds: Vec<bfd_instance::Draft>,
    fixed: static_network::Draft,
    track_groups: Vec<routing::TrackGroup>,
    routing: routing::Shared,
    interfaces: interfaces::Drafts,
    pub(super) lvs: lvs::Drafts,
}

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
    kw(&["vrrp_track_process"], NamedBlock("NAME"), track_process::block)
        .doc("processes that must run"),
    kw(&["track_file"], NamedBlock("NAME"), track_file::block).doc("a file whose number counts"),
    kw(&["vrrp_track_file"], NamedBlock("NAME"), track_file::block)
        .support(Support::Obsolete("write `track_file`"))
        .doc("old name of track_file"),
    kw(&["bfd_instance"], NamedBlock("NAME"), bfd_instance::block)
        .doc("a BFD session with a neighbour"),
    kw(&["track_group"], NamedBlock("NAME"), routing::track_group)
        .doc("instances that need the interfaces of static addresses, routes and rules"),
    kw(&["garp_group"], Block, interfaces::garp_group).doc("interfaces that share a pace of ARPs"),
    inert(
        &["linkbeat_interfaces"],
        Lines("INTERFACE [MII|ETHTOOL|IOCTL]"),
        Support::NoEffect("the kernel reports link changes"),
    )
    .doc("interfaces that are polled"),
    inert(&["linkbeat_use_polling"], Nothing, Support::NoEffect("the kernel reports link changes"))
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
    inert(&["namespace_with_ipsets"], Nothing, Support::NoEffect("ipsets are not used"))
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
        BlockInfo { name: track_process::BLOCK, keywords: || describe(track_process::KEYWORDS) },
        BlockInfo { name: track_file::BLOCK, keywords: || describe(track_file::KEYWORDS) },
        BlockInfo { name: bfd_instance::BLOCK, keywords: || describe(bfd_instance::KEYWORDS) },
    ];
    blocks.extend(lvs::blocks());
    blocks
}

impl Drafts {
    /// Whether this is the first block of its kind with that name; of another one `twice` is
    /// reported.
    fn admit(
        &mut self,
        block: &'static str,
        name: &Spanned<String>,
        twice: &'static Rule,
        out: &mut Diagnostics,
    ) -> bool {
        match self.names.entry((block, name.value.clone())) {
            Entry::Occupied(first) => {
                out.report(twice, name.span)
                    .with("block", block)
                    .with("name", &name.value)
                    .label(*first.get(), "first defined here");
                false
            }
            Entry::Vacant(place) => {
                place.insert(name.span);
                true
            }
        }
    }

    fn settle(mut self, key_files: &BTreeMap<String, KeyFile>, out: &mut Diagnostics) -> Config {
        let names: Vec<String> = self.instances.iter().map(|d| d.name.value.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let global = &self.global;
        let instances = self.instances.iter().flat_map(vrrp_instance::Draft::named_scripts);
        let groups = self.groups.iter().flat_map(vrrp_sync_group::Draft::named_scripts);
        let named: BTreeSet<String> = instances.chain(groups).cloned().collect();
        let available = trackers::Available::new(
            vrrp_script::settle(self.scripts, out),
            track_process::settle(self.processes, out),
            track_file::settle(self.files, out),
            bfd_instance::settle(self.bfds, out),
        );
        let (sync_groups, memberships) = vrrp_sync_group::settle(
            self.groups,
            &names,
            &available,
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
            available: &available,
            memberships: &memberships,
        };
        let mut own_names = global.own_names();
        let mut instances: Vec<_> = self
            .instances
            .into_iter()
            .filter_map(|draft| draft.settle(&around, &mut own_names, out))
            .collect();
        let trackers::Available { scripts, processes, files, bfds, .. } = available;
        let used = |uses: fn(&VrrpInstance) -> &[TrackerUse]| -> BTreeSet<&str> {
            instances.iter().flat_map(uses).map(|tracked| tracked.name.value.as_str()).collect()
        };
        // An instance that was refused may track any of them.
        let scripts = if instances.len() == names.len() {
            vrrp_script::drop_unused(scripts, &used(|i| &i.track_scripts), &named, out)
        } else {
            scripts
        };
        let processes = {
            let used = used(|i| &i.track_processes);
            processes.into_iter().filter(|p| used.contains(p.name.value.as_str())).collect()
        };
        let mut tracked_files = files.clone();
        {
            let used = used(|i| &i.track_files);
            tracked_files.retain(|f| f.init.is_some() || used.contains(f.name.value.as_str()));
        }
        let tracked_bfds = used(|i| &i.track_bfds).into_iter().map(str::to_owned).collect();
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
            files: tracked_files,
            processes,
            bfds: tracked_bfds,
        };
        validate::vrrp(&vrrp, out);
        let director = lvs::settle(self.lvs, global, &lvs::Tracked { files, bfds: &bfds }, out);
        let mut global = self.global.settle(&names, sync_interfaces, out);
        (global.garp_groups, global.link_delays) = self.interfaces.settle(&vrrp.instances, out);
        let bfd = BfdConfig { sessions: bfds };
        Config {
            global: Arc::new(global),
            vrrp: Arc::new(vrrp),
            director: Arc::new(director),
            bfd: Arc::new(bfd),
        }
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
