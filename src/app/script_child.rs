//! `ldirector child script`: becomes a script. What must happen between fork and exec happens here,
//! in a process that is nothing else yet.
use super::cli::ScriptArgs;
use nix::{
    errno::Errno,
    sys::{prctl, signal::Signal},
    unistd::{Gid, Uid, setgid, setgroups, setuid},
};
use std::{ffi::OsStr, os::unix::process::CommandExt, process::Command};

/// What a shell answers for a command that cannot be executed.
const CANNOT_EXECUTE: u8 = 126;

/// Comes back only when it fails; nobody reads what it would say, so its exit code says it.
pub(super) fn run(arguments: &ScriptArgs) -> u8 {
    let Some((program, rest)) = arguments.command.split_first() else { return CANNOT_EXECUTE };
    if become_user(arguments).is_err() {
        return CANNOT_EXECUTE;
    }
    // Last: a change of user takes it back.
    if let Err(error) = prctl::set_pdeathsig(Signal::SIGTERM) {
        tracing::debug!("a script may outlive us: {error}");
    }
    let error = Command::new(program).args(rest).exec();
    if error.raw_os_error() == Some(Errno::ENOEXEC as i32) {
        // A text without a first line that names its interpreter: execve(2) leaves it to a shell.
        let arguments = std::iter::once(program.as_os_str()).chain(rest.iter().map(OsStr::new));
        let _never: std::io::Error = Command::new("/bin/sh").args(arguments).exec();
    }
    CANNOT_EXECUTE
}

fn become_user(arguments: &ScriptArgs) -> Result<(), Errno> {
    let (Some(uid), Some(gid)) = (arguments.uid, arguments.gid) else { return Ok(()) };
    let groups: Vec<Gid> = arguments.groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups)?;
    setgid(Gid::from_raw(gid))?;
    setuid(Uid::from_raw(uid))
}
