//! The stream of events that `notify_fifo` asks for.
//!
//! Tasks: one per FIFO that has to be given to its owner or has a reader. It is the stream's; aborting
//! it ends the reader.
use crate::{
    config::model::{Fifo, GlobalDefs},
    scripts::{self, Policy},
};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::stat::Mode,
    unistd::{Group, User, fchown, mkfifo},
};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    time::Duration,
};
use tokio::task::JoinHandle;

/// A reader waits for so long until the file is its owner's.
const OWNED: Duration = Duration::from_secs(10);

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
    /// Until the reader has ended.
    reader: Option<JoinHandle<()>>,
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
        let mut stream = Self {
            of: fifo.clone(),
            policy: policy.clone(),
            file,
            made: made && keeps,
            lost: 0,
            reader: None,
        };
        let owned = if made { stream.own() } else { None };
        if keeps {
            stream.start_reader(owned);
        }
        Some(stream)
    }

    /// Whether this is what a new configuration wants. A reader that has ended is started again.
    pub(super) fn serves(&mut self, fifo: &Fifo, policy: &Policy) -> bool {
        if self.of != *fifo || self.policy != *policy || !fifo.path.exists() {
            return false;
        }
        if self.reader.as_ref().is_some_and(JoinHandle::is_finished) {
            self.start_reader(None);
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

impl Stream {
    /// Gives the new file to whom it is to belong: on a thread of its own, since looking them up may
    /// take any time.
    fn own(&self) -> Option<JoinHandle<()>> {
        let user = self.of.user.clone()?;
        let file = match self.file.try_clone() {
            Ok(file) => file,
            Err(error) => {
                tracing::error!("notify_fifo {}: {error}", self.of.path.display());
                return None;
            }
        };
        let fifo = self.of.clone();
        Some(tokio::task::spawn_blocking(move || own(&fifo, &user, &file)))
    }

    fn start_reader(&mut self, owned: Option<JoinHandle<()>>) {
        let Some(script) = &self.of.script else { return };
        let path = self.of.path.clone();
        let script = script.with_arguments(&[&path.to_string_lossy()]);
        let policy = self.policy.clone();
        self.reader = Some(tokio::spawn(async move {
            if let Some(owned) = owned
                && tokio::time::timeout(OWNED, owned).await.is_err()
            {
                tracing::warn!("notify_fifo {}: the name service does not answer", path.display());
            }
            match scripts::io::spawn(&script, &policy).await {
                Ok(mut reader) => {
                    let exit = reader.ended().await;
                    tracing::warn!("notify_fifo_script of {} has ended: {exit:?}", path.display());
                }
                Err(why) => tracing::error!("notify_fifo_script cannot run: {why}"),
            }
        }));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
        if self.made
            && let Err(error) = std::fs::remove_file(&self.of.path)
        {
            tracing::debug!("removing {}: {error}", self.of.path.display());
        }
    }
}

/// The file has just been made by us, so it is nobody's before.
fn own(fifo: &Fifo, user: &str, file: &File) {
    let Ok(Some(about)) = User::from_name(user) else {
        tracing::error!("notify_fifo {}: there is no user {user}", fifo.path.display());
        return;
    };
    let group = fifo.group.as_ref().and_then(|name| Group::from_name(name).ok().flatten());
    let group = group.map_or(about.gid, |group| group.gid);
    if let Err(error) = fchown(file, Some(about.uid), Some(group)) {
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
        scripts::io::look_up_again();
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
