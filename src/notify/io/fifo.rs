//! The stream of events that `notify_fifo` asks for.
use crate::{
    config::model::Fifo,
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
    path::PathBuf,
};

/// An open FIFO. Its file goes when we made it.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    made: bool,
    /// Lines in a row that found no room.
    lost: u64,
    _reader: Option<Running>,
}

impl Writer {
    /// None after a problem, which is logged: a FIFO is nobody's reason not to serve.
    pub(super) fn open(fifo: &Fifo, policy: &Policy) -> Option<Self> {
        let path = fifo.path.clone();
        let shown = path.display();
        let made = match mkfifo(&path, Mode::from_bits_truncate(0o644)) {
            Ok(()) => true,
            Err(Errno::EEXIST) => {
                let is_fifo = path.symlink_metadata().is_ok_and(|m| m.file_type().is_fifo());
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
            .open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                tracing::error!("notify_fifo {shown}: {error}");
                return None;
            }
        };
        let reader = fifo.script.as_ref().and_then(|script| {
            let script = script.with_arguments(&[&path.to_string_lossy()]);
            scripts::io::spawn(&script, policy)
                .inspect_err(|why| tracing::error!("notify_fifo_script cannot run: {why}"))
                .ok()
        });
        Some(Self { path, file, made, lost: 0, _reader: reader })
    }

    pub(super) fn write(&mut self, line: &str) {
        let shown = self.path.display();
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

impl Drop for Writer {
    fn drop(&mut self) {
        if self.made
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::debug!("removing {}: {error}", self.path.display());
        }
    }
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
