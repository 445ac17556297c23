//! What the parent does beside its children: its own name and umask, the FIFOs, dumps, copies
//! of what was read, and reloads by the clock.
use super::{cli::RunArgs, places, tuning};
use crate::{
    config::{
        self,
        model::{GlobalDefs, TimedScript},
        source::Sources,
    },
    machine::io::Inbound,
    notify::io::{Kept, policy},
    scripts::{self, Exit},
    status::{self, Snapshot},
    supervisor::{
        Configuration, Dump, Event,
        io::{
            Chores,
            reload_timer::{self, ReloadTimer},
        },
    },
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc;

/// The file that exists while a reload reads, known to whoever reads.
pub(super) type Marker = Arc<Mutex<Option<PathBuf>>>;

/// See the file's head.
pub(super) struct ParentChores {
    pub(super) arguments: RunArgs,
    pub(super) marker: Marker,
    pub(super) inbox: mpsc::Sender<Inbound<Event>>,
    /// As the last configuration that was taken has it.
    pub(super) newest: Arc<Mutex<Arc<GlobalDefs>>>,
    fifos: Kept,
    /// The file it looks at, and whether it repeats.
    timer: Option<((PathBuf, bool), ReloadTimer)>,
}

impl ParentChores {
    pub(super) fn new(
        arguments: RunArgs,
        marker: Marker,
        inbox: mpsc::Sender<Inbound<Event>>,
    ) -> Self {
        let newest = Arc::default();
        Self { arguments, marker, inbox, newest, fifos: Kept::default(), timer: None }
    }
}

impl Chores for ParentChores {
    fn settle(&mut self, number: u64, configuration: &Configuration) {
        let global = &configuration.global;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(global);
        tuning::set_umask(global, self.arguments.umask);
        tuning::name(global.process.parent_name.as_deref());
        self.fifos.settle(global, &policy(global));
        *self.marker.lock().unwrap_or_else(PoisonError::into_inner) =
            places::reload_marker(&self.arguments, global);
        let wanted = global.reload.time_file.clone().map(|path| (path, global.reload.repeat));
        if self.timer.as_ref().map(|(known, _)| known) != wanted.as_ref() {
            let start = |(path, repeat): (PathBuf, bool)| {
                let timer = reload_timer::watch(path.clone(), repeat, self.inbox.clone());
                ((path, repeat), timer)
            };
            self.timer = wanted.map(start);
        }
        if let Some(folder) = global.reload.save_dir.clone() {
            let sources = Arc::clone(&configuration.sources);
            tokio::task::spawn_blocking(move || save(&folder, &sources, number));
        }
    }

    fn dump(&mut self, dump: Dump, sources: Arc<Sources>, snapshot: Box<Snapshot>) {
        tokio::task::spawn_blocking(move || write(dump, &sources, &snapshot));
    }
}

fn save(folder: &Path, sources: &Sources, number: u64) {
    let texts = sources.files.iter().map(|file| (file.path.as_path(), file.text.as_str()));
    if let Err(error) = status::io::save_texts(folder, texts, number) {
        tracing::error!("config_save_dir: {error}");
    }
}

fn write(dump: Dump, sources: &Sources, snapshot: &Snapshot) {
    let (config, _) = config::parse(sources);
    let written = match dump {
        Dump::Data => {
            tracing::info!("Printing parent data for process({})", std::process::id());
            status::io::data(&config, snapshot)
        }
        Dump::Statistics => {
            tracing::info!("Printing VRRP stats");
            status::io::statistics(&config, snapshot)
        }
        Dump::Json => {
            tracing::info!("Printing VRRP as json");
            status::io::json(&config, snapshot)
        }
        Dump::Saved { number, when } => match &config.global.reload.save_dir {
            Some(folder) => status::io::saved(folder, &config, snapshot, number, when),
            None => Ok(()),
        },
    };
    if let Err(error) = written {
        tracing::error!("{error}");
    }
}

/// Runs the startup or the shutdown script to its end; whatever it says, we go on.
pub(super) async fn run_script(
    which: &'static str,
    global: &GlobalDefs,
    timed: Option<&TimedScript>,
) {
    let Some(timed) = timed else { return };
    tracing::info!("Running {which} script {}", timed.script.argv.join(" "));
    match scripts::io::run(&timed.script, &policy(global), Some(timed.timeout)).await {
        Exit::Code(0) => tracing::info!("{which} script succeeded"),
        Exit::Code(code) => tracing::warn!("{which} script failed, status {code}"),
        Exit::Signal(signal) => tracing::warn!("{which} script ended due to signal {signal}"),
        Exit::TimedOut => {
            tracing::warn!("{which} script timed out after {} s", timed.timeout.as_secs());
        }
        Exit::NotStarted(why) => tracing::error!("{which} script cannot run: {why}"),
    }
}
