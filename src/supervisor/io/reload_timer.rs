//! Reloads at the time that `reload_time_file` says. One task, which looks at the file every second;
//! it is ended when its handle is dropped, and holds nothing that must be tidied up.
use crate::{
    machine::io::Inbound,
    supervisor::{Event, Signal, reload_time::ReloadTime},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::mpsc, task::JoinHandle};

const LOOK: Duration = Duration::from_secs(1);

/// Ends the task when dropped.
#[derive(Debug)]
pub struct ReloadTimer(JoinHandle<()>);

impl Drop for ReloadTimer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the task. With `repeat` the file stays, and a time without a date comes every day.
#[must_use]
pub fn watch(path: PathBuf, repeat: bool, inbox: mpsc::Sender<Inbound<Event>>) -> ReloadTimer {
    ReloadTimer(tokio::spawn(async move {
        let mut seen: Option<(SystemTime, i64)> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let Ok(changed) = fs::metadata(&path).and_then(|about| about.modified()) else {
                if seen.take().is_some() {
                    tracing::info!("the scheduled reload is cancelled: the file is gone");
                }
                continue;
            };
            let now = now();
            match seen {
                Some((known, at)) if known == changed => {
                    if at > now {
                        continue;
                    }
                    tracing::info!("Reloading at the scheduled time");
                    if !repeat && let Err(error) = fs::remove_file(&path) {
                        tracing::warn!("removing {}: {error}", path.display());
                    }
                    super::spawn::tell(&inbox, Event::Signal(Signal::Reload)).await;
                    seen = if repeat { schedule(&path, changed, now) } else { None };
                }
                Some(_) | None => seen = schedule(&path, changed, now),
            }
        }
    }))
}

/// What the file says now; i64::MAX where that is nothing that will come.
fn schedule(path: &Path, changed: SystemTime, now: i64) -> Option<(SystemTime, i64)> {
    let shown = path.display();
    let at = match next(path, now) {
        Ok(Some(at)) => {
            tracing::info!("a reload is scheduled in {} s by {shown}", at - now);
            at
        }
        Ok(None) => {
            tracing::warn!(
                "{shown}: its first line is no time to come: write [[YY]YY-MM-DD ]HH:MM:SS[Z]"
            );
            i64::MAX
        }
        Err(error) => {
            tracing::warn!("{shown}: {error}");
            i64::MAX
        }
    };
    Some((changed, at))
}

fn next(path: &Path, now: i64) -> io::Result<Option<i64>> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().next().unwrap_or_default();
    let Some(time) = ReloadTime::parse(line) else { return Ok(None) };
    // The zone's distance to UTC, as it is now.
    let offset = if time.utc { 0 } else { zone_offset(now) };
    Ok(time.after(now + offset).map(|at| at - offset))
}

/// Seconds that the machine's time is ahead of UTC at this time.
fn zone_offset(at: i64) -> i64 {
    #[allow(unsafe_code, reason = "localtime_r(3) has no safe wrapper")]
    // SAFETY: an all-zero tm is a valid one; both pointers live through the call, which fills the
    // second and keeps neither. Nothing in this process changes the environment that it reads.
    unsafe {
        let mut local: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&raw const at, &raw mut local).is_null() {
            return 0;
        }
        local.tm_gmtoff
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
