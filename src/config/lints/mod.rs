//! Advice: what a file that loads without an error will hardly do as its author thinks. Only
//! `ldirector check` asks; the daemon does not need it.
//!
//! A lint looks at a statement of the file, at the settled model, or at both; it reports one of
//! [`rules::lints`](super::rules::lints) and changes nothing.
mod checks;
mod commands;
mod global;
mod instance;
mod instances;
mod service;
mod text;

use super::{
    Config, blocks,
    diagnostic::Diagnostics,
    model::{TrackScript, VirtualServer, VrrpInstance},
    reader::Reader,
    source::{Sources, Span},
    tree::Statement,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

/// The first bytes of scripts, by the path in the configuration.
pub type ScriptTexts = BTreeMap<String, String>;

/// Appends advice about what [`super::parse`] made of `sources`. `scripts` may hold the texts of
/// [`commands`]; a script that is not there gets no advice.
pub fn lint(sources: &Sources, config: &Config, scripts: &ScriptTexts, out: &mut Diagnostics) {
    let model = Model::of(config);
    let mut seen = Seen::default();
    // What is wrong in the text has been said already.
    let said = RefCell::new(Diagnostics::default());
    for statement in Reader::new(sources, blocks::is_root_block, &said) {
        text::statement(&statement, sources, out);
        commands::statement(&statement, scripts, out);
        match statement.first() {
            "global_defs" => global::block(&statement, &mut seen, out),
            "vrrp_instance" => {
                if let Some(settled) = model.instances.get(&key(statement.span)) {
                    instance::block(&statement, settled, config, out);
                }
            }
            "vrrp_script" => {
                if let Some(settled) = model.scripts.get(&key(statement.span)) {
                    commands::script(&statement, settled, scripts, out);
                }
            }
            "virtual_server" => {
                seen.group_uses.extend(service::group_name(&statement));
                if let Some(settled) = model.services.get(&key(statement.span)) {
                    service::block(&statement, settled, config, out);
                    checks::service(&statement, settled, out);
                }
            }
            "virtual_server_group" => seen.groups.push(service::group(&statement, out)),
            _ => {}
        }
    }
    instances::all(config, out);
    service::unused_groups(&seen, out);
    global::whole(config, &seen, out);
    text::definitions(sources, out);
}

/// The commands of a configuration whose texts [`lint`] looks at.
#[must_use]
pub fn scripts_of(config: &Config) -> Vec<&str> {
    commands::paths(config)
}

/// What single blocks say about the file as a whole.
#[derive(Debug, Default)]
struct Seen {
    global_defs: Option<Span>,
    /// The recipients' block.
    recipients: Option<Span>,
    /// Name and place of each virtual_server_group.
    groups: Vec<(String, Span)>,
    group_uses: Vec<String>,
}

/// The settled blocks by the place of their header.
struct Model<'c> {
    instances: HashMap<(u16, u32), &'c VrrpInstance>,
    scripts: HashMap<(u16, u32), &'c TrackScript>,
    services: HashMap<(u16, u32), &'c VirtualServer>,
}

impl<'c> Model<'c> {
    fn of(config: &'c Config) -> Self {
        // A name stands behind its keyword: the line is what they share.
        let services = &config.director.virtual_servers;
        Self {
            instances: config.vrrp.instances.iter().map(|i| (key(i.name.span), i)).collect(),
            scripts: config.vrrp.scripts.iter().map(|s| (key(s.name.span), s)).collect(),
            services: services.iter().map(|s| (key(s.span), s)).collect(),
        }
    }
}

/// Where a header ends: behind the name.
const fn key(span: Span) -> (u16, u32) {
    (span.file.0, span.end)
}

/// The place of the first of these keywords in a block, or of the block's header.
fn place(block: &Statement<'_>, keywords: &[&str]) -> Span {
    child(block, keywords).map_or(block.span, |statement| statement.span)
}

fn child<'b, 's>(block: &'b Statement<'s>, keywords: &[&str]) -> Option<&'b Statement<'s>> {
    block.body().iter().find(|statement| keywords.contains(&statement.first()))
}

/// Seconds as people write them.
fn seconds(duration: std::time::Duration) -> String {
    format!("{}", duration.as_millis() as f64 / 1000.0)
}
