//! Puts a mended text in the place of a file: whole or not at all.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error("{0} has changed since it was read; nothing is written")]
    Changed(PathBuf),
    #[error("cannot write {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// Replaces the contents of a file, `before`, by `after`. Mode and owner stay; a symbolic link
/// stays one, and the file it leads to is replaced.
///
/// # Errors
/// When the file does not hold `before` any more, or cannot be written; it is then as it was.
pub fn replace(path: &Path, before: &str, after: &str) -> Result<(), ReplaceError> {
    let failed = |source| ReplaceError::Io { path: path.to_owned(), source };
    let target = fs::canonicalize(path).map_err(failed)?;
    if fs::read(&target).map_err(failed)? != before.as_bytes() {
        return Err(ReplaceError::Changed(path.to_owned()));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let draft = target.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&draft, &target, after);
    if written.is_err() {
        // What is reported is why it could not be written.
        fs::remove_file(&draft).unwrap_or(());
    }
    written.map_err(failed)
}

fn write(draft: &Path, target: &Path, text: &str) -> io::Result<()> {
    let about = fs::metadata(target)?;
    // Nobody else may read it before it has its mode: it may hold passwords.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (about.uid(), about.gid()) {
        fchown(&file, Some(about.uid()), Some(about.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(about.mode() & 0o7777))?;
    file.sync_all()?;
    fs::rename(draft, target)?;
    // The new name outlives a power cut once the directory is on disk.
    match target.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_and_link_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        replace(&link, "old", "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(&file, "other").unwrap();
        assert!(matches!(replace(&file, "old", "new"), Err(ReplaceError::Changed(_))));
        assert_eq!(fs::read_to_string(&file).unwrap(), "other");
    }
}
