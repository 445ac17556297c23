//! `enable_script_security`: who else could change what runs as root.
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// The first part of the path that somebody but root may change, as a sentence with the command
/// that mends it.
pub(super) fn weakness(program: &Path) -> Option<String> {
    let full = match program.canonicalize() {
        Ok(full) => full,
        Err(error) => return Some(format!("{}: {error}", program.display())),
    };
    let mut part = PathBuf::new();
    for component in full.components() {
        part.push(component);
        let about = match fs::symlink_metadata(&part) {
            Ok(about) => about,
            Err(error) => return Some(format!("{}: {error}", part.display())),
        };
        let shown = part.display();
        if about.uid() != 0 {
            return Some(format!(
                "{shown} belongs to user {}, who could change what runs as root: chown root {shown}, or name another user for the script",
                about.uid()
            ));
        }
        let sticky_folder = about.is_dir() && about.mode() & STICKY != 0;
        if about.mode() & GROUP_OR_OTHERS_WRITE != 0 && !sticky_folder {
            return Some(format!(
                "{shown} has mode {:04o}, so others than root could change what runs as root: chmod go-w {shown}",
                about.mode() & 0o7777
            ));
        }
    }
    None
}
