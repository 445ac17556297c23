//! Runs a command for the user: as the right user, in a process group of its own, for a bounded
//! time. Dropping the future of a run ends the whole group.
#![allow(
    clippy::disallowed_methods,
    reason = "this is where programs are started; it reads the clock"
)]
mod identity;
mod names;
mod security;

use super::{Exit, Policy, Refusal};
use crate::base::Script;
use identity::{Identity, Wanted};
use names::NAMES;
use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::{Gid, Pid},
};
use security::Flaw;
use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, timeout, timeout_at},
};

/// Between asking a script to end and making it.
const GRACE: Duration = Duration::from_secs(2);
/// How long a sentence waits for the name of a file's owner; it can do with the number.
const OWNER: Duration = Duration::from_secs(1);
/// Variables that change what a script does without standing in it.
const DANGEROUS: [&str; 3] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];

/// Runs to the end, or to `limit`: then SIGTERM to the group, and SIGKILL two seconds later. Looking
/// up its user, which never holds up other tasks, counts.
pub async fn run(script: &Script, policy: &Policy, limit: Option<Duration>) -> Exit {
    let until = limit.map(|limit| Instant::now() + limit);
    let (mut child, mut group) = match start(script, policy, until).await {
        Ok(started) => started,
        Err(reason) => return Exit::NotStarted(reason),
    };
    let ended = match until {
        None => child.wait().await,
        Some(until) => match timeout_at(until, child.wait()).await {
            Ok(ended) => ended,
            Err(_) => {
                group.send(Signal::SIGTERM);
                let obeyed = timeout(GRACE, child.wait()).await.is_ok();
                // What the script started may be deaf where the script itself was not.
                group.send(Signal::SIGKILL);
                if !obeyed {
                    // It cannot refuse; until it is reaped its number stays taken.
                    if let Err(error) = child.wait().await {
                        tracing::debug!("waiting for a killed script: {error}");
                    }
                }
                group.0 = None;
                return Exit::TimedOut;
            }
        },
    };
    group.0 = None;
    exit_of(ended)
}

/// Starts a script that is to run for as long as we do (a FIFO's reader): it ends with us however
/// we end.
///
/// # Errors
/// The sentence why it cannot be started.
pub async fn spawn(script: &Script, policy: &Policy) -> Result<Running, String> {
    let (child, group) = start_bound(script, policy).await?;
    Ok(Running { child, _group: group })
}

/// A script in the background; its group ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    _group: Group,
}

impl Running {
    /// Waits for its end.
    pub async fn ended(&mut self) -> Exit {
        exit_of(self.child.wait().await)
    }
}

/// Why a script cannot run as configured; None if it can. Blocks while users are looked up.
#[must_use]
pub fn refusal(script: &Script, policy: &Policy) -> Option<Refusal> {
    let program = match find(script) {
        Ok(program) => program,
        Err(refusal) => return Some(refusal),
    };
    let wanted = Wanted::of(script, policy);
    let identity = match wanted.judge(wanted.look_up(), policy) {
        Ok(identity) => identity,
        Err(refusal) => return Some(refusal),
    };
    let flaw = flaw(&program, &identity, policy)?;
    let owner = Wanted::owner(flaw.owner);
    Some(flaw.refusal(&identity, &owner.called(Some(owner.look_up()))))
}

/// To be called at a reload: users and groups may be others than before.
pub fn look_up_again() {
    NAMES.ask_again();
}

/// This program, as which `child script` becomes a script in what needs a step between fork and
/// exec. Unset in tests of the library.
static LAUNCHER: OnceLock<PathBuf> = OnceLock::new();

/// To be called once by the program, if it answers to `child script`.
pub fn set_launcher(program: PathBuf) {
    if LAUNCHER.set(program).is_err() {
        tracing::debug!("the launcher of scripts is set already");
    }
}

async fn start_bound(script: &Script, policy: &Policy) -> Result<(Child, Group), String> {
    let (program, identity) = admitted(script, policy, None).await?;
    match LAUNCHER.get() {
        Some(launcher) => launch(launcher, script, policy, &program, &identity),
        None => start_as(script, &program, &identity),
    }
}

/// Starts it through the launcher, which is told as whom.
fn launch(
    launcher: &Path,
    script: &Script,
    policy: &Policy,
    program: &Path,
    identity: &Identity,
) -> Result<(Child, Group), String> {
    let mut command = Command::new(launcher);
    command.args(["child", "script"]);
    let mut outer = identity.clone();
    if let (true, Some(user), Some(group)) = (policy.all_groups, identity.user, identity.group) {
        let groups: Vec<String> = identity.groups.iter().map(Gid::to_string).collect();
        command.args(["--groups", &groups.join(",")]);
        command.args(["--uid", &user.to_string(), "--gid", &group.to_string()]);
        outer = Identity::default();
    }
    command.arg("--").arg(program).args(script.argv.get(1..).unwrap_or_default());
    let child = prepare(&mut command, &outer).spawn();
    started(child, program, identity)
}

async fn start(
    script: &Script,
    policy: &Policy,
    until: Option<Instant>,
) -> Result<(Child, Group), String> {
    let (program, identity) = admitted(script, policy, until).await?;
    match LAUNCHER.get() {
        Some(launcher) if policy.all_groups => {
            launch(launcher, script, policy, &program, &identity)
        }
        Some(_) | None => start_as(script, &program, &identity),
    }
}

fn start_as(
    script: &Script,
    program: &Path,
    identity: &Identity,
) -> Result<(Child, Group), String> {
    let arguments = script.argv.get(1..).unwrap_or_default();
    let mut command = Command::new(program);
    command.args(arguments);
    let mut result = prepare(&mut command, identity).spawn();
    if result.as_ref().is_err_and(|error| error.raw_os_error() == Some(Errno::ENOEXEC as i32)) {
        // A text without a first line that names its interpreter: execve(2) leaves it to a shell.
        let mut shell = Command::new("/bin/sh");
        shell.arg(program).args(arguments);
        result = prepare(&mut shell, identity).spawn();
    }
    started(result, program, identity)
}

fn started(
    child: io::Result<Child>,
    program: &Path,
    identity: &Identity,
) -> Result<(Child, Group), String> {
    let child = child.map_err(|error| why_not(program, identity, &error))?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()));
    Ok((child, group))
}

/// The program and whom it runs as, unless something speaks against it.
async fn admitted(
    script: &Script,
    policy: &Policy,
    until: Option<Instant>,
) -> Result<(PathBuf, Identity), String> {
    let program = find(script).map_err(|refusal| refusal.to_string())?;
    let wanted = Wanted::of(script, policy);
    let identity = NAMES.identity(&wanted, policy, until).await;
    let identity = identity.map_err(|refusal| refusal.to_string())?;
    let Some(flaw) = flaw(&program, &identity, policy) else { return Ok((program, identity)) };
    let owner = Wanted::owner(flaw.owner);
    let known = timeout(OWNER, NAMES.answer(&owner, |_| true)).await.ok();
    Err(flaw.refusal(&identity, &owner.called(known)).to_string())
}

fn flaw(program: &Path, identity: &Identity, policy: &Policy) -> Option<Flaw> {
    security::obstacle(program, identity).or_else(|| {
        // The daemon is root's: who only checks a file is not whom its scripts run as.
        let runs_as_root = identity.user.is_none_or(|user| user.is_root());
        (policy.security && runs_as_root).then(|| security::weakness(program)).flatten()
    })
}

fn prepare<'c>(command: &'c mut Command, identity: &Identity) -> &'c mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    for name in DANGEROUS {
        command.env_remove(name);
    }
    if let Some(group) = identity.group {
        command.gid(group.as_raw());
    }
    if let Some(user) = identity.user {
        command.uid(user.as_raw());
    }
    command
}

fn why_not(program: &Path, identity: &Identity, error: &io::Error) -> String {
    let program = program.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!(
                "{program} cannot be executed by {identity}: chmod +x {program}, or name another user"
            )
        }
        _ => format!("{program}: {error}"),
    }
}

/// The program's path: as written, or searched in PATH.
fn find(script: &Script) -> Result<PathBuf, Refusal> {
    let Some(name) = script.argv.first().filter(|name| !name.is_empty()) else {
        return Err(Refusal::new("the command is empty", "write one"));
    };
    if name.contains('/') {
        let path = PathBuf::from(name);
        return match path.metadata() {
            Ok(about) if about.is_dir() => {
                Err(Refusal::new(format!("{name} is a directory"), "name a program in it"))
            }
            Ok(_) => Ok(path),
            Err(error) => Err(Refusal {
                absent: error.kind() == io::ErrorKind::NotFound,
                ..Refusal::new(format!("{name}: {error}"), "install it, or correct the path")
            }),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file());
    found.ok_or_else(|| Refusal {
        absent: true,
        ..Refusal::new(format!("{name} is in no directory of PATH"), "write its full path")
    })
}

fn exit_of(ended: io::Result<ExitStatus>) -> Exit {
    match ended {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        },
        Err(error) => Exit::NotStarted(error.to_string()),
    }
}

/// The process group of a running script: ended when this is dropped, unless it has ended itself.
#[derive(Debug)]
struct Group(Option<i32>);

impl Group {
    fn send(&self, signal: Signal) {
        let Some(id) = self.0 else { return };
        match killpg(Pid::from_raw(id), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!("sending {signal} to process group {id}: {error}"),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::SIGTERM);
    }
}

#[cfg(test)]
mod tests;
