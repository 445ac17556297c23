//! Writes dumps to files that others wait for: a reader sees the old file or the whole new one, and
//! a link that somebody has left there is replaced, not followed.
#![allow(clippy::disallowed_methods, reason = "this is where dumps are written")]
use super::{
    Snapshot,
    dump::{self, Facts},
    json, stats,
};
use crate::config::model::{Config, DumpSettings};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const STATE: &str = "/tmp/keepalived.data";
const STATISTICS: &str = "/tmp/keepalived.stats";
const JSON: &str = "/tmp/keepalived.json";

#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error("writing {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("making the directory {path}: {source}")]
    Folder { path: PathBuf, source: io::Error },
}

/// SIGUSR1: a file for each process that says something.
///
/// # Errors
/// The first file that could not be written.
pub fn data(config: &Config, snapshot: &Snapshot) -> Result<(), DumpError> {
    let facts = Facts { config, snapshot, clock: clock() };
    let at = |process: &str| {
        let base = config.global.dumps.state.as_deref().unwrap_or(Path::new(STATE));
        named(base, process, config)
    };
    write(&at("_parent"), &dump::parent(&facts))?;
    if snapshot.vrrp.is_some() {
        write(&at(""), &dump::vrrp(&facts))?;
    }
    if snapshot.director.is_some() {
        write(&at("_check"), &dump::checkers(&facts))?;
    }
    Ok(())
}

/// SIGUSR2.
///
/// # Errors
/// When the file cannot be written.
pub fn statistics(config: &Config, snapshot: &Snapshot) -> Result<(), DumpError> {
    let settings = &config.global.dumps;
    let base = settings.stats.as_deref().unwrap_or(Path::new(STATISTICS));
    let vrrp = snapshot.vrrp.as_ref().map(stats::render);
    vrrp.map_or(Ok(()), |text| write(&named(base, "", config), &text))
}

/// The JSON signal.
///
/// # Errors
/// When the file cannot be written.
pub fn json(config: &Config, snapshot: &Snapshot) -> Result<(), DumpError> {
    let DumpSettings { json, .. } = &config.global.dumps;
    let base = json.as_deref().unwrap_or(Path::new(JSON));
    let vrrp = snapshot.vrrp.as_ref().map(|vrrp| json::render(config, vrrp, clock()));
    vrrp.map_or(Ok(()), |text| write(&named(base, "", config), &text))
}

/// `config_save_dir`: the state around a reload, named like keepalived's.
///
/// # Errors
/// When the directory cannot be made or a file not be written.
pub fn saved(
    folder: &Path,
    config: &Config,
    snapshot: &Snapshot,
    number: u64,
    when: &str,
) -> Result<(), DumpError> {
    make(folder)?;
    let facts = Facts { config, snapshot, clock: clock() };
    let at =
        |process: &str| folder.join(format!("{process}.{}.{number}.{when}", std::process::id()));
    if snapshot.vrrp.is_some() {
        write(&at("keepalived_vrrp"), &dump::vrrp(&facts))?;
    }
    if snapshot.director.is_some() {
        write(&at("keepalived_check"), &dump::checkers(&facts))?;
    }
    Ok(())
}

/// `config_save_dir`: the texts of a configuration that was taken, one file after the other.
///
/// # Errors
/// When the directory cannot be made or the file not be written.
pub fn save_texts<'t>(
    folder: &Path,
    texts: impl Iterator<Item = (&'t Path, &'t str)>,
    number: u64,
) -> Result<(), DumpError> {
    make(folder)?;
    let mut whole = String::new();
    for (at, (path, text)) in texts.enumerate() {
        if at > 0 {
            whole.push_str(&format!("# {}\n", path.display()));
        }
        whole.push_str(text);
    }
    let name = format!("keepalived.conf.{}.{number}", std::process::id());
    write(&folder.join(name), &whole)
}

fn make(folder: &Path) -> Result<(), DumpError> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(DumpError::Folder { path: folder.to_owned(), source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// `/tmp/keepalived.data` of a process and an instance: `/tmp/keepalived_check.one.data`.
fn named(base: &Path, process: &str, config: &Config) -> PathBuf {
    let control = &config.global.process;
    let mut middle = process.to_owned();
    if config.global.dumps.use_instance {
        for name in [&control.net_namespace, &control.instance].into_iter().flatten() {
            middle.push('.');
            middle.push_str(name);
        }
    }
    let stem = base.file_stem().unwrap_or_default().to_string_lossy();
    let extension = base.extension().map(|e| format!(".{}", e.to_string_lossy()));
    base.with_file_name(format!("{stem}{middle}{}", extension.unwrap_or_default()))
}

fn clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whoever owns the folder may have anything there: a fresh file takes the name.
fn write(path: &Path, text: &str) -> Result<(), DumpError> {
    let error = |source| DumpError::Write { path: path.to_owned(), source };
    let mut fresh = path.to_owned().into_os_string();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(error(source)),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(error)?;
    file.write_all(text.as_bytes()).map_err(error)?;
    fs::rename(&fresh, path).map_err(error)
}

#[cfg(test)]
mod tests;
