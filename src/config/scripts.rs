//! All commands of a configuration that are run for the user, and where each is written.
use super::{
    model::{CheckerKind, Config, NotifyScripts},
    source::{FileId, Sources, Span},
};
use crate::base::Script;

/// A command and a place near it.
#[derive(Clone, Copy, Debug)]
pub struct ScriptUse<'c> {
    pub script: &'c Script,
    /// The name of its block, or the start of the text.
    block: Span,
}

impl ScriptUse<'_> {
    /// The command itself where it stands in the text, else its block: it may have come through a
    /// parameter.
    #[must_use]
    pub fn place(&self, sources: &Sources) -> Span {
        place(self.script, self.block, sources).unwrap_or(self.block)
    }
}

/// Every command, block by block.
#[must_use]
pub fn scripts(config: &Config) -> Vec<ScriptUse<'_>> {
    let mut found = vec![];
    let mut add = |script, block| found.extend(of(script, block));
    let global = &config.global;
    let process = &global.process;
    for timed in [&process.startup, &process.shutdown].into_iter().flatten() {
        add(Some(&timed.script), Span::default());
    }
    for fifo in [&global.fifo, &global.vrrp_fifo, &global.lvs_fifo].into_iter().flatten() {
        add(fifo.script.as_ref(), Span::default());
    }
    for tracked in &config.vrrp.scripts {
        add(Some(&tracked.script), tracked.name.span);
    }
    let instances = config.vrrp.instances.iter().map(|one| (&one.notify, one.name.span));
    let groups = config.vrrp.sync_groups.iter().map(|one| (&one.notify, one.name.span));
    for (notify, span) in instances.chain(groups) {
        let NotifyScripts {
            master, backup, fault, stop, deleted, master_rx_lower_pri, any, ..
        } = notify;
        for script in [master, backup, fault, stop, deleted, master_rx_lower_pri, any] {
            add(script.as_ref(), span);
        }
    }
    for service in &config.director.virtual_servers {
        add(service.quorum_up.as_ref(), service.span);
        add(service.quorum_down.as_ref(), service.span);
        for server in &service.real_servers {
            add(server.notify_up.as_deref(), server.span);
            add(server.notify_down.as_deref(), server.span);
            for checker in &server.checkers {
                if let CheckerKind::Misc(misc) = &checker.kind {
                    add(Some(&misc.script), server.span);
                }
            }
        }
    }
    found
}

fn of(script: Option<&Script>, block: Span) -> Option<ScriptUse<'_>> {
    let script = script.filter(|script| !script.argv.is_empty())?;
    Some(ScriptUse { script, block })
}

/// The first time that the command's first word stands in the text of its block's file, from the
/// block on.
fn place(script: &Script, block: Span, sources: &Sources) -> Option<Span> {
    let word = script.argv.first()?;
    let text = &sources.file(block.file)?.text;
    let from = usize::try_from(block.start).ok()?;
    let at = from + text.get(from..)?.find(word.as_str())?;
    let (start, end) = (u32::try_from(at).ok()?, u32::try_from(at + word.len()).ok()?);
    Some(Span { file: FileId(block.file.0), start, end })
}
