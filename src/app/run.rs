//! `ldirector run` and keepalived's daemon mode: the parent process.
use super::{
    check,
    chores::{self, Marker, ParentChores},
    cli::RunArgs,
    exit, logging, memory,
    places::{self, PidFiles},
    tuning,
};
use crate::{
    config::model::GlobalDefs,
    ipc::Child,
    machine::io::{Inbound, drive},
    supervisor::{
        Configuration, Event, Supervisor,
        io::{
            Chores, INBOX, Launch, Read, SupervisorExecutor,
            control::{self, Clients},
            pidfile::{self, PidFile},
            signals,
        },
    },
};
use std::{
    ffi::OsString,
    io::{Read as _, Write as _},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// For dumps that are being written at the end. A thread that waits for a name service or a dead
/// file server holds nobody up for longer.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Set for the process that a daemon start leaves in the background.
const BACKGROUND: &str = "LDIRECTOR_BACKGROUND";

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    #[error("cannot catch signals: {0}")]
    Signals(std::io::Error),
    #[error(transparent)]
    PidFile(#[from] pidfile::PidFileError),
    #[error(transparent)]
    Control(#[from] control::ControlError),
    #[error("the network namespace {path}: {source}; `ip netns add NAME` makes one")]
    Namespace { path: PathBuf, source: std::io::Error },
}

/// `ldirector run`.
pub(super) fn foreground(arguments: &RunArgs) -> u8 {
    if let Some(log) = &arguments.config_test {
        return check::test(&chosen_file(arguments), arguments, log.as_deref());
    }
    parent(arguments, Pids::AsAsked, Background::No)
}

/// keepalived's options without a subcommand.
pub(super) fn daemon(arguments: &RunArgs) -> u8 {
    if let Some(function) = &arguments.signum {
        return signum(function);
    }
    if let Some(log) = &arguments.config_test {
        return check::test(&chosen_file(arguments), arguments, log.as_deref());
    }
    if std::env::var_os(BACKGROUND).is_some() {
        return parent(arguments, Pids::Always, Background::Yes);
    }
    if arguments.dont_fork {
        return parent(arguments, Pids::Always, Background::No);
    }
    match detach() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ldirector: cannot go to the background: {error}");
            exit::FAILED
        }
    }
}

/// `--signum`: what scripts send instead of a number that they would have to know.
fn signum(function: &str) -> u8 {
    let number = match function {
        "RELOAD" => libc::SIGHUP,
        "STOP" => libc::SIGTERM,
        "DATA" => libc::SIGUSR1,
        "STATS" => libc::SIGUSR2,
        "JSON" => signals::json(),
        unknown => {
            eprintln!("Unknown sigfunc {unknown}: there are RELOAD, STOP, DATA, STATS and JSON");
            return exit::FAILED;
        }
    };
    super::print(&format!("{number}\n"))
}

/// Where pid files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pids {
    AsAsked,
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Background {
    No,
    /// Standard output is a pipe: a line on it says that we are ready.
    Yes,
}

/// Starts this program again in a session of its own and waits until it is ready, so that whoever
/// started us knows that the pid file is there and the configuration was taken.
fn detach() -> std::io::Result<u8> {
    let mut process = Command::new("/proc/self/exe")
        .arg0("ldirector")
        .args(std::env::args_os().skip(1))
        .env(BACKGROUND, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut word = [0; 1];
    let ready = match &mut process.stdout {
        Some(pipe) => pipe.read(&mut word)? == 1,
        None => false,
    };
    if ready {
        return Ok(exit::OK);
    }
    let status = process.wait()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILED))
}

pub(super) fn chosen_file(arguments: &RunArgs) -> PathBuf {
    arguments.file.clone().unwrap_or_else(check::usual_file)
}

fn parent(arguments: &RunArgs, pids: Pids, background: Background) -> u8 {
    memory::prepare();
    tuning::name(None);
    crate::scripts::io::set_launcher(super::SELF.into());
    let _log = logging::start(arguments, "ldirector", background == Background::Yes);
    let file = chosen_file(arguments);
    let options = check::options(arguments);
    let marker = Marker::default();
    let known_marker = Arc::clone(&marker);
    let read: Read = Arc::new(move || {
        let _mark = Mark::set(&known_marker);
        let configuration = check::read(&file, &options);
        if tokio::runtime::Handle::try_current().is_ok() {
            memory::give_back_later();
        }
        configuration
    });
    let configuration = match read() {
        Ok(configuration) => configuration,
        Err(why) => {
            tracing::error!("not starting: {why}");
            return exit::CONFIG;
        }
    };
    match turn(arguments, configuration, read, marker, pids, background) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            exit::FAILED
        }
    }
}

fn turn(
    arguments: &RunArgs,
    configuration: Configuration,
    read: Read,
    marker: Marker,
    pids: Pids,
    background: Background,
) -> Result<u8, RunError> {
    if background == Background::Yes
        && let Err(error) = nix::unistd::setsid()
    {
        tracing::debug!("already leading a session: {error}");
    }
    let global = Arc::clone(&configuration.global);
    tuning::set_umask(&global, arguments.umask);
    let files = PidFiles::of(arguments, &global, pids == Pids::Always);
    let mut folders = vec![];
    for path in files.parent.iter().chain(files.children.iter().map(|(_, path)| path)) {
        folders.extend(pidfile::Folder::of(path)?);
    }
    let _pid_file = files.parent.as_deref().map(PidFile::take).transpose()?;
    if let Some(path) = places::network_namespace(arguments, &global) {
        enter(&path).map_err(|source| RunError::Namespace { path, source })?;
    }
    tracing::info!("Starting ldirector {}", env!("CARGO_PKG_VERSION"));
    let mut which = match (arguments.vrrp, arguments.check) {
        (true, _) => vec![Child::Vrrp],
        (_, true) => vec![Child::Checkers],
        (false, false) => vec![Child::Vrrp, Child::Checkers],
    };
    if !arguments.no_bfd {
        which.push(Child::Bfd);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    let code = runtime.block_on(async {
        memory::give_back_later();
        let (inbox, events) = mpsc::channel::<Inbound<Event>>(INBOX);
        signals::watch(inbox.clone()).map_err(RunError::Signals)?;
        let clients = Clients::default();
        let socket = places::socket(arguments, &global);
        let _socket = control::serve(&socket, clients.clone(), inbox.clone()).await?;
        let mut chores = ParentChores::new(arguments.clone(), marker, inbox.clone());
        chores.settle(0, &configuration);
        let newest = Arc::clone(&chores.newest);
        start_up(&global).await?;
        let now = Instant::now();
        let supervisor =
            Supervisor::new(configuration, &which, now).watched(sd_notify::watchdog_enabled(), now);
        let ready: Box<dyn FnOnce() + Send> = match background {
            Background::No => Box::new(|| {}),
            Background::Yes => {
                let keep_terminal = arguments.log_console;
                Box::new(move || say_ready(keep_terminal))
            }
        };
        let launch = Launch {
            arguments: child_arguments(arguments, background),
            pid_files: files.children.clone(),
            terminal: background == Background::No || arguments.log_console,
        };
        let executor =
            SupervisorExecutor::new(launch, read, clients, inbox, Box::new(chores), ready);
        let code = drive(supervisor, events, executor).await;
        for (_, path) in &files.children {
            pidfile::remove(path);
        }
        let global = newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        chores::run_script("shutdown", &global, global.process.shutdown.as_ref()).await;
        tracing::info!("Stopped ldirector");
        Ok(code)
    });
    runtime.shutdown_timeout(LAST_MOMENT);
    code
}

/// Whoever started us goes on; from here on nobody's pipe or terminal is held open.
fn say_ready(keep_terminal: bool) {
    let mut out = std::io::stdout();
    if let Err(error) = out.write_all(b"\n").and_then(|()| out.flush()) {
        tracing::debug!("whoever started us has gone: {error}");
    }
    let nowhere = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null");
    let left = nowhere.and_then(|nowhere| {
        nix::unistd::dup2_stdout(&nowhere)?;
        if !keep_terminal {
            nix::unistd::dup2_stderr(&nowhere)?;
        }
        Ok(())
    });
    if let Err(error) = left {
        tracing::debug!("leaving the terminal: {error}");
    }
}

/// The startup script, unless somebody wants us gone before it has ended: then the signal waits in
/// the inbox, and the script is ended.
async fn start_up(global: &GlobalDefs) -> Result<(), RunError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut int = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    tokio::select! {
        () = chores::run_script("startup", global, global.process.startup.as_ref()) => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

/// Before any thread or child that is to be there as well.
pub(super) fn enter(namespace: &Path) -> std::io::Result<()> {
    let file = std::fs::File::open(namespace)?;
    Ok(nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET)?)
}

/// `reload_file`: exists while the configuration is read.
struct Mark(Option<PathBuf>);

impl Mark {
    fn set(marker: &Marker) -> Self {
        let path = marker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(path) = &path
            && let Err(error) = std::fs::write(path, "")
        {
            tracing::warn!("reload_file {}: {error}", path.display());
        }
        Self(path)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::debug!("reload_file {}: {error}", path.display());
        }
    }
}

/// What a child must know that no configuration says.
fn child_arguments(arguments: &RunArgs, background: Background) -> Vec<OsString> {
    let mut words = vec![];
    for (given, word) in [
        (arguments.log_detail, "--log-detail"),
        (arguments.log_console, "--log-console"),
        (arguments.no_syslog, "--no-syslog"),
        (arguments.dont_release_vrrp, "--dont-release-vrrp"),
        (arguments.dont_release_ipvs, "--dont-release-ipvs"),
        (background == Background::No, "--dont-fork"),
    ] {
        if given {
            words.push(word.into());
        }
    }
    if let Some(mask) = arguments.umask {
        words.push("--umask".into());
        words.push(format!("0{mask:o}").into());
    }
    if let Some(Some(file)) = &arguments.log_file {
        words.push("--log-file".into());
        words.push(file.into());
    } else if arguments.log_file.is_some() {
        words.push("--log-file".into());
    }
    words
}
