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
    Config,
    diagnostic::Diagnostics,
    model::{TrackScript, VirtualServer, VrrpInstance},
    source::{Sources, Span},
    tree::Statement,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The first bytes of scripts, by the path in the configuration.
pub type ScriptTexts = BTreeMap<String, String>;

/// What is kept of a text while it is read, so that it need not be read twice.
#[derive(Debug, Default)]
pub struct Written<'s> {
    /// Advice about the text alone.
    found: Diagnostics,
    /// Blocks other than virtual_server, whole.
    blocks: Vec<Statement<'s>>,
    services: Vec<WrittenService<'s>>,
    commands: commands::Commands,
}

/// A `virtual_server` without its real servers, of which there may be thousands.
#[derive(Debug)]
struct WrittenService<'s> {
    block: Statement<'s>,
    /// One of its servers says how often it is looked at.
    a_server_has_a_loop: bool,
}

impl<'s> Written<'s> {
    /// Looks at a top-level statement after it has been read.
    pub(super) fn keep(&mut self, mut statement: Statement<'s>, sources: &Sources) {
        text::statement(&statement, sources, &mut self.found);
        self.commands.keep(&statement);
        if statement.first() != "virtual_server" {
            self.blocks.push(statement);
            return;
        }
        checks::urls(&statement, &mut self.found);
        let is_server = |line: &Statement<'_>| line.first() == "real_server";
        let a_server_has_a_loop = statement
            .body()
            .iter()
            .any(|line| is_server(line) && child(line, &["delay_loop"]).is_some());
        if let Some(block) = &mut statement.block {
            block.body.retain(|line| !is_server(line));
            block.body.shrink_to_fit();
        }
        self.services.push(WrittenService { block: statement, a_server_has_a_loop });
    }
}

/// Appends advice about a configuration. `scripts` may hold the texts of [`scripts_of`]; a script
/// that is not there gets no advice.
pub fn lint(
    written: Written<'_>,
    sources: &Sources,
    config: &Config,
    scripts: &ScriptTexts,
    out: &mut Diagnostics,
) {
    let model = Model::of(config);
    let mut seen = Seen::default();
    out.append(written.found);
    written.commands.advise(scripts, out);
    for block in &written.blocks {
        match block.first() {
            "global_defs" => global::block(block, &mut seen, out),
            "vrrp_instance" => {
                if let Some(settled) = model.instances.get(&key(block.span)) {
                    instance::block(block, settled, config, out);
                }
            }
            "vrrp_script" => {
                if let Some(settled) = model.scripts.get(&key(block.span)) {
                    commands::script(block, settled, scripts, out);
                }
            }
            "virtual_server_group" => seen.groups.push(service::group(block, out)),
            _ => {}
        }
    }
    let places = service::Places::of(config);
    for service in &written.services {
        seen.group_uses.extend(service::group_name(&service.block));
        if let Some(settled) = model.services.get(&key(service.block.span)) {
            service::block(service, settled, config, &places, out);
            checks::service(settled, out);
        }
    }
    instances::all(config, &places.addresses, out);
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
    /// global_defs says which mails are wanted.
    alert: bool,
    /// Name and place of each virtual_server_group.
    groups: Vec<(String, Span)>,
    group_uses: HashSet<String>,
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
