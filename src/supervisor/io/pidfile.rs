//! The file that says which process we are, as keepalived's unit files and scripts expect it.
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub enum PidFileError {
    #[error("writing the pid file {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "process {pid} of {path} is running: stop it first, or give this one another pid file with -p FILE"
    )]
    Running { path: PathBuf, pid: i32 },
}

/// Removes the file when dropped.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Takes the file for this process.
    ///
    /// # Errors
    /// When a living process owns it, or it cannot be written.
    pub fn take(path: &Path) -> Result<Self, PidFileError> {
        if let Some(pid) = read(path)
            && pid != Pid::this()
            && !matches!(kill(pid, None), Err(Errno::ESRCH))
        {
            return Err(PidFileError::Running { path: path.to_owned(), pid: pid.as_raw() });
        }
        write(path, std::process::id())?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!("removing {}: {error}", self.0.display());
        }
    }
}

fn read(path: &Path) -> Option<Pid> {
    let number = fs::read_to_string(path).ok()?.trim().parse().ok()?;
    (number > 0).then(|| Pid::from_raw(number))
}

/// A directory that we have made: it goes when this is dropped, unless somebody else uses it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the directory of a pid file, for everybody to look into; None where it is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn of(path: &Path) -> Result<Option<Self>, PidFileError> {
        let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) else {
            return Ok(None);
        };
        fs::create_dir_all(folder)
            .and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(0o755)))
            .map_err(|source| PidFileError::Write { path: path.to_owned(), source })?;
        Ok(Some(Self(folder.to_owned())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            tracing::debug!("leaving {}: {error}", self.0.display());
        }
    }
}

/// Removes a child's file at the end.
pub fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!("removing {}: {error}", path.display());
        }
        Ok(()) | Err(_) => {}
    }
}

/// Writes a pid and a newline; a reader never sees half of it.
///
/// # Errors
/// When the directory does not take it.
pub fn write(path: &Path, pid: u32) -> Result<(), PidFileError> {
    let error = |source| PidFileError::Write { path: path.to_owned(), source };
    let mut fresh = path.to_owned().into_os_string();
    fresh.push(".new");
    fs::write(&fresh, format!("{pid}\n")).map_err(error)?;
    // Whatever the umask: scripts of other users read it.
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o644)).map_err(error)?;
    fs::rename(&fresh, path).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_owner_is_respected_and_a_dead_one_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d.pid");
        write(&path, 1).unwrap();
        assert!(matches!(PidFile::take(&path), Err(PidFileError::Running { pid: 1, .. })));
        // The kernel's pids end at 4194304.
        write(&path, 4_194_999).unwrap();
        let taken = PidFile::take(&path).unwrap();
        assert_eq!(read(&path), Some(Pid::this()));
        drop(taken);
        assert!(!path.exists());
    }
}
