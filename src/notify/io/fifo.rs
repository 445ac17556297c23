//! The stream of events that `notify_fifo` asks for.
use crate::{
    config::model::{Fifo, GlobalDefs},
    scripts::{self, Policy, io::Running},
};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::stat::Mode,
    unistd::{Group, User, chown, mkfifo},
};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
};

/// What a process has to do with a FIFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It makes the file, starts the script that reads it, and removes the file.
    Keeper,
    /// It writes lines; another process keeps the FIFO.
    Writer,
}

/// An open FIFO. Its file goes when we made it as its keeper.
#[derive(Debug)]
pub(super) struct Stream {
    of: Fifo,
    policy: Policy,
    file: File,
    made: bool,
    /// Lines in a row that found no room.
    lost: u64,
    reader: Option<Running>,
}

impl Stream {
    /// None after a problem, which is logged: a FIFO is nobody's reason not to serve.
    pub(super) fn open(fifo: &Fifo, policy: &Policy, part: Part) -> Option<Self> {
        let shown = fifo.path.display();
        // The umask decides who may read; keepalived's leaves the owner alone.
        let made = match mkfifo(&fifo.path, Mode::from_bits_truncate(0o666)) {
            Ok(()) => true,
            Err(Errno::EEXIST) => {
                let is_fifo = fifo.path.symlink_metadata().is_ok_and(|m| m.file_type().is_fifo());
                if !is_fifo {
                    tracing::error!(
                        "notify_fifo {shown} exists and is no FIFO: remove it, or choose another path"
                    );
                    return None;
                }
                false
            }
            Err(error) => {
                tracing::error!("notify_fifo {shown}: {error}");
                return None;
            }
        };
        if made {
            own(fifo);
        }
        // Read and write: opening does not wait for a reader, and lines written before it comes
        // are kept for it.
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits() | OFlag::O_NOFOLLOW.bits())
            .open(&fifo.path);
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                tracing::error!("notify_fifo {shown}: {error}");
                return None;
            }
        };
        let keeps = part == Part::Keeper;
        let reader = if keeps { start_reader(fifo, policy) } else { None };
        let (of, policy) = (fifo.clone(), policy.clone());
        Some(Self { of, policy, file, made: made && keeps, lost: 0, reader })
    }

    /// Whether this is what a new configuration wants. A reader that has ended is started again.
    pub(super) fn serves(&mut self, fifo: &Fifo, policy: &Policy) -> bool {
        if self.of != *fifo || self.policy != *policy || !fifo.path.exists() {
            return false;
        }
        if let Some(exit) = self.reader.as_mut().and_then(Running::ended) {
            tracing::warn!("notify_fifo_script of {} has ended: {exit:?}", self.of.path.display());
            self.reader = start_reader(&self.of, &self.policy);
        }
        true
    }

    pub(super) fn write(&mut self, line: &str) {
        let shown = self.of.path.display();
        // At most PIPE_BUF bytes, so written whole or not at all (pipe(7)).
        match self.file.write_all(line.as_bytes()) {
            Ok(()) if self.lost > 0 => {
                tracing::warn!(
                    "notify_fifo {shown}: {} lines were lost, it takes them again",
                    self.lost
                );
                self.lost = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if self.lost == 0 {
                    tracing::warn!(
                        "notify_fifo {shown}: a line is lost: {error}; does anybody read it?"
                    );
                }
                self.lost += 1;
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.made
            && let Err(error) = std::fs::remove_file(&self.of.path)
        {
            tracing::debug!("removing {}: {error}", self.of.path.display());
        }
    }
}

fn start_reader(fifo: &Fifo, policy: &Policy) -> Option<Running> {
    let script = fifo.script.as_ref()?.with_arguments(&[&fifo.path.to_string_lossy()]);
    scripts::io::spawn(&script, policy)
        .inspect_err(|why| tracing::error!("notify_fifo_script cannot run: {why}"))
        .ok()
}

fn own(fifo: &Fifo) {
    let Some(user) = &fifo.user else { return };
    let Ok(Some(about)) = User::from_name(user) else {
        tracing::error!("notify_fifo {}: there is no user {user}", fifo.path.display());
        return;
    };
    let group = fifo.group.as_ref().and_then(|name| Group::from_name(name).ok().flatten());
    let group = group.map_or(about.gid, |group| group.gid);
    if let Err(error) = chown(&fifo.path, Some(about.uid), Some(group)) {
        tracing::error!("notify_fifo {}: {error}", fifo.path.display());
    }
}

/// All FIFOs of a configuration. The parent keeps them, so that each has one reader whoever writes to
/// it, and stays while a child is started again.
#[derive(Debug, Default)]
pub struct Kept([Option<Stream>; 3]);

impl Kept {
    /// As a configuration has them; one that stays the same is left alone.
    pub fn settle(&mut self, global: &GlobalDefs, policy: &Policy) {
        let wanted = [&global.fifo, &global.vrrp_fifo, &global.lvs_fifo];
        for (slot, fifo) in self.0.iter_mut().zip(wanted) {
            again(slot, fifo.as_ref(), policy, Part::Keeper);
        }
    }
}

/// Opens a FIFO unless it is open as it is wanted.
pub(super) fn again(slot: &mut Option<Stream>, fifo: Option<&Fifo>, policy: &Policy, part: Part) {
    let Some(fifo) = fifo else {
        *slot = None;
        return;
    };
    if !slot.as_mut().is_some_and(|stream| stream.serves(fifo, policy)) {
        // The old one's file goes before a new one of the same name comes.
        *slot = None;
        *slot = Stream::open(fifo, policy, part);
    }
}
