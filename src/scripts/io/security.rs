//! Whether a script can run as it is to: its file, the way to it, and, under
//! `enable_script_security`, who else could change what runs as root.
use super::identity::Identity;
use crate::scripts::Refusal;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const ANY_EXECUTE: u32 = 0o111;
const STICKY: u32 = 0o1000;

/// What speaks against running a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    part: PathBuf,
    /// Of the part. Who that is has to be looked up.
    pub(super) owner: u32,
    mode: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NotRoots,
    Writable,
    /// It cannot be entered, or executed.
    Barred(&'static str),
}

impl Flaw {
    fn new(part: PathBuf, about: &fs::Metadata, kind: Kind) -> Self {
        Self { part, owner: about.uid(), mode: about.mode() & 0o7777, kind }
    }

    /// `owner` is the owner's name.
    pub(super) fn refusal(&self, identity: &Identity, owner: &str) -> Refusal {
        let (shown, mode) = (self.part.display(), self.mode);
        match self.kind {
            Kind::NotRoots => Refusal::new(
                format!(
                    "{shown} belongs to {owner} (mode {mode:04o}), who could change what runs as root"
                ),
                format!("chown root {shown}, or name another user for the script"),
            ),
            Kind::Writable => Refusal::new(
                format!(
                    "{shown} (owner {owner}) has mode {mode:04o}, so others could change what runs as root"
                ),
                format!("chmod go-w {shown}"),
            ),
            Kind::Barred(what) => Refusal::new(
                format!("{identity} cannot {what} {shown} (owner {owner}, mode {mode:04o})"),
                format!("chmod +x {shown}, or name another user for the script"),
            ),
        }
    }
}

/// The first part of the path that somebody but root may change.
pub(super) fn weakness(program: &Path) -> Option<Flaw> {
    for part in parts(program).ok()? {
        let Ok(about) = fs::symlink_metadata(&part) else { continue };
        if about.uid() != 0 {
            return Some(Flaw::new(part, &about, Kind::NotRoots));
        }
        let sticky_folder = about.is_dir() && about.mode() & STICKY != 0;
        if about.mode() & GROUP_OR_OTHERS_WRITE != 0 && !sticky_folder {
            return Some(Flaw::new(part, &about, Kind::Writable));
        }
    }
    None
}

/// The first part of the path that keeps this user from executing it.
pub(super) fn obstacle(program: &Path, identity: &Identity) -> Option<Flaw> {
    for part in parts(program).ok()? {
        let Ok(about) = fs::metadata(&part) else { continue };
        let mode = about.mode();
        let may = match identity.user {
            // Root goes everywhere, and executes what anybody may.
            None => about.is_dir() || mode & ANY_EXECUTE != 0,
            Some(user) if user.is_root() => about.is_dir() || mode & ANY_EXECUTE != 0,
            Some(user) if user.as_raw() == about.uid() => mode & 0o100 != 0,
            Some(_) if identity.groups.iter().any(|group| group.as_raw() == about.gid()) => {
                mode & 0o010 != 0
            }
            Some(_) => mode & 0o001 != 0,
        };
        if !may {
            let what = if about.is_dir() { "enter" } else { "execute" };
            return Some(Flaw::new(part, &about, Kind::Barred(what)));
        }
    }
    None
}

/// From the root to the file itself, with all links followed.
fn parts(program: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut part = PathBuf::new();
    let full = program.canonicalize()?;
    Ok(full
        .components()
        .map(|component| {
            part.push(component);
            part.clone()
        })
        .collect())
}
