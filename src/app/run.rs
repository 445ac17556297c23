//! `ldirector run` and keepalived's daemon mode: the parent process.
use super::{
    check,
    cli::{CONFIG_FILES, RunArgs},
    exit, logging, memory,
};
use crate::{
    ipc::Child,
    machine::io::{Inbound, drive},
    supervisor::{
        Configuration, Event, Supervisor,
        io::{
            INBOX, Launch, Read, SupervisorExecutor,
            control::{self, Clients},
            pidfile::PidFile,
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
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Set for the process that a daemon start leaves in the background.
const BACKGROUND: &str = "LDIRECTOR_BACKGROUND";
/// keepalived's, which its unit files wait for.
const PID_FILE: &str = "/run/keepalived.pid";

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    #[error("cannot catch signals: {0}")]
    Signals(std::io::Error),
    #[error(transparent)]
    PidFile(#[from] crate::supervisor::io::pidfile::PidFileError),
    #[error(transparent)]
    Control(#[from] control::ControlError),
}

/// `ldirector run`.
pub(super) fn foreground(arguments: &RunArgs) -> u8 {
    if let Some(log) = &arguments.config_test {
        return check::test(&chosen_file(arguments), arguments, log.as_deref());
    }
    parent(arguments, arguments.pid.as_deref(), Background::No)
}

/// keepalived's options without a subcommand.
pub(super) fn daemon(mut arguments: RunArgs) -> u8 {
    if let Some(log) = &arguments.config_test {
        return check::test(&chosen_file(&arguments), &arguments, log.as_deref());
    }
    let pid_file = arguments.pid.get_or_insert_with(|| PathBuf::from(PID_FILE)).clone();
    if std::env::var_os(BACKGROUND).is_some() {
        return parent(&arguments, Some(&pid_file), Background::Yes);
    }
    if arguments.dont_fork {
        return parent(&arguments, Some(&pid_file), Background::No);
    }
    match detach() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ldirector: cannot go to the background: {error}");
            exit::FAILED
        }
    }
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

/// For `ps -C`, `pidof` and `killall`: who was started through /proc/self/exe would be called `exe`.
pub(super) fn name_process() {
    if let Err(error) = nix::sys::prctl::set_name(c"ldirector") {
        tracing::debug!("naming the process: {error}");
    }
}

fn chosen_file(arguments: &RunArgs) -> PathBuf {
    arguments.file.clone().unwrap_or_else(|| {
        let found = CONFIG_FILES.iter().map(Path::new).find(|path| path.exists());
        found.unwrap_or(Path::new(CONFIG_FILES[0])).to_owned()
    })
}

fn parent(arguments: &RunArgs, pid_file: Option<&Path>, background: Background) -> u8 {
    memory::prepare();
    name_process();
    let _log = logging::start(arguments, "ldirector", background == Background::Yes);
    let file = chosen_file(arguments);
    let id = arguments.config_id.clone();
    let read: Read = Arc::new(move || {
        let configuration = check::read(&file, id.as_deref());
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
    match turn(arguments, configuration, read, pid_file, background) {
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
    pid_file: Option<&Path>,
    background: Background,
) -> Result<u8, RunError> {
    if background == Background::Yes
        && let Err(error) = nix::unistd::setsid()
    {
        tracing::debug!("already leading a session: {error}");
    }
    let _pid_file = pid_file.map(PidFile::take).transpose()?;
    tracing::info!("Starting ldirector {}", env!("CARGO_PKG_VERSION"));
    let which: &[Child] = match (arguments.vrrp, arguments.check) {
        (true, _) => &[Child::Vrrp],
        (_, true) => &[Child::Checkers],
        (false, false) => &[Child::Vrrp, Child::Checkers],
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    runtime.block_on(async {
        memory::give_back_later();
        let (inbox, events) = mpsc::channel::<Inbound<Event>>(INBOX);
        signals::watch(inbox.clone()).map_err(RunError::Signals)?;
        let clients = Clients::default();
        let _socket = control::serve(&arguments.socket, clients.clone(), inbox.clone()).await?;
        let grace = Duration::from_secs(5);
        let supervisor = Supervisor::new(configuration, which, grace, Instant::now());
        let ready: Box<dyn FnOnce() + Send> = match background {
            Background::No => Box::new(|| {}),
            Background::Yes => {
                let keep_terminal = arguments.log_console;
                Box::new(move || say_ready(keep_terminal))
            }
        };
        let launch = Launch {
            arguments: child_arguments(arguments, background),
            pid_files: pid_files(arguments),
            terminal: background == Background::No || arguments.log_console,
        };
        let executor = SupervisorExecutor::new(launch, read, clients, inbox, ready);
        let code = drive(supervisor, events, executor).await;
        tracing::info!("Stopped ldirector");
        Ok(code)
    })
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

fn pid_files(arguments: &RunArgs) -> Vec<(Child, PathBuf)> {
    let vrrp = arguments.vrrp_pid.clone().map(|path| (Child::Vrrp, path));
    let checkers = arguments.checkers_pid.clone().map(|path| (Child::Checkers, path));
    vrrp.into_iter().chain(checkers).collect()
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
    if let Some(Some(file)) = &arguments.log_file {
        words.push("--log-file".into());
        words.push(file.into());
    } else if arguments.log_file.is_some() {
        words.push("--log-file".into());
    }
    words
}
