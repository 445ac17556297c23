//! The plan for programs. Members are added, never renamed; `version` changes if they must be.
use super::{Act, Cost, Mark, Plan, Section, Title, text};
use crate::{config::rules::text::Language, ipvs::Step};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'p> {
    version: u32,
    file: &'p str,
    /// Whether the kernel holds what the file says.
    equal: bool,
    /// Whether a daemon runs: the steps are a reload's, else a start's.
    daemon: bool,
    sections: Vec<Part>,
    steps: Vec<Taken>,
    foreign: Vec<String>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Part {
    kind: &'static str,
    name: Option<String>,
    /// MASTER, BACKUP, FAULT, INIT.
    state: Option<String>,
    change: &'static str,
    lines: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    change: &'static str,
    text: String,
    remark: Option<String>,
}

#[derive(Serialize)]
struct Taken {
    kind: &'static str,
    text: String,
    drops_connections: bool,
    /// How many are established now; None where that is not known.
    connections: Option<u64>,
}

/// One JSON document, in English.
///
/// # Errors
/// Never in practice: there is nothing in it that JSON cannot say.
pub fn json(plan: &Plan, file: &str) -> Result<String, serde_json::Error> {
    let document = Document {
        version: 1,
        file,
        equal: !plan.differs(),
        daemon: plan.daemon,
        sections: plan.sections.iter().filter(|s| s.is_worth_a_word()).map(part).collect(),
        steps: plan
            .steps
            .iter()
            .map(|step| Taken {
                kind: kind(&step.act),
                text: text::act(&step.act, Language::English),
                drops_connections: step.cost.drops(),
                connections: match step.cost {
                    Cost::Drops(count) => Some(count),
                    Cost::Nothing | Cost::Drains | Cost::Address | Cost::Path => None,
                },
            })
            .collect(),
        foreign: plan.foreign.iter().map(ToString::to_string).collect(),
        notes: plan.notes.iter().map(|note| text::note(note, Language::English)).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn part(section: &Section) -> Part {
    let (kind, name, state) = match &section.title {
        Title::Service(key) => ("virtual_server", Some(key.to_string()), None),
        Title::Timeouts => ("lvs_timeouts", None, None),
        Title::SyncDaemon => ("lvs_sync_daemon", None, None),
        Title::Statics => ("static", None, None),
        Title::Instance { name, state } => ("vrrp_instance", Some(name.clone()), state.clone()),
        Title::Dropped => ("dropped", None, None),
    };
    let lines = section.lines.iter().map(|line| Entry {
        change: change(line.mark),
        text: line.text.clone(),
        remark: line.remark.as_ref().map(|remark| text::remark(remark, Language::English)),
    });
    Part { kind, name, state, change: change(section.mark), lines: lines.collect() }
}

const fn change(mark: Mark) -> &'static str {
    match mark {
        Mark::Same => "same",
        Mark::Add => "add",
        Mark::Remove => "remove",
    }
}

const fn kind(act: &Act) -> &'static str {
    match act {
        Act::Ipvs(Step::AddService { .. }) => "add_service",
        Act::Ipvs(Step::EditService { .. }) => "edit_service",
        Act::Ipvs(Step::DeleteService { .. }) => "delete_service",
        Act::Ipvs(Step::AddDestination { .. }) => "add_server",
        Act::Ipvs(Step::EditDestination { .. }) => "edit_server",
        Act::Ipvs(Step::DeleteDestination { .. }) => "delete_server",
        Act::Timeouts(_) => "set_timeouts",
        Act::StopSync(_) => "stop_sync_daemon",
        Act::StartSync(_) => "start_sync_daemon",
        Act::Add(_) => "add",
        Act::Remove(_) => "remove",
    }
}
