//! Reloads at the time that `reload_time_file` says. One task, which looks at the file every second;
//! it is ended when its handle is dropped, and holds nothing that must be tidied up.
use crate::{
    machine::io::Inbound,
    supervisor::{Event, Signal, reload_time::ReloadTime},
};
use chrono::{DateTime, Local, Utc};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
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

/// A file as it was looked at, and the time in it.
struct Seen {
    changed: SystemTime,
    at: Option<DateTime<Utc>>,
}

/// Starts the task. With `repeat` the file stays, and a time without a date comes every day.
#[must_use]
pub fn watch(path: PathBuf, repeat: bool, inbox: mpsc::Sender<Inbound<Event>>) -> ReloadTimer {
    ReloadTimer(tokio::spawn(async move {
        let mut seen: Option<Seen> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let Ok(changed) = fs::metadata(&path).and_then(|about| about.modified()) else {
                if seen.take().is_some() {
                    tracing::info!("the scheduled reload is cancelled: the file is gone");
                }
                continue;
            };
            match &seen {
                Some(known) if known.changed == changed => {
                    if known.at.is_none_or(|at| at > Utc::now()) {
                        continue;
                    }
                    tracing::info!("Reloading at the scheduled time");
                    if !repeat && let Err(error) = fs::remove_file(&path) {
                        tracing::warn!("removing {}: {error}", path.display());
                    }
                    super::spawn::tell(&inbox, Event::Signal(Signal::Reload)).await;
                    seen = repeat.then(|| schedule(&path, changed));
                }
                Some(_) | None => seen = Some(schedule(&path, changed)),
            }
        }
    }))
}

/// What the file says now; no time where that is nothing that will come.
fn schedule(path: &Path, changed: SystemTime) -> Seen {
    let shown = path.display();
    let at = match next(path) {
        Ok(Some(at)) => {
            tracing::info!("a reload is scheduled for {at} by {shown}");
            Some(at)
        }
        Ok(None) => {
            tracing::warn!(
                "{shown}: its first line is no time to come: write [[YY]YY-MM-DD ]HH:MM:SS[Z]"
            );
            None
        }
        Err(error) => {
            tracing::warn!("{shown}: {error}");
            None
        }
    };
    Seen { changed, at }
}

fn next(path: &Path) -> io::Result<Option<DateTime<Utc>>> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().next().unwrap_or_default();
    let Some(time) = ReloadTime::parse(line) else { return Ok(None) };
    if time.utc {
        return Ok(time.after(Utc::now().naive_utc()).map(|at| at.and_utc()));
    }
    // Where the clock is put back a time comes twice: the first one counts. One that the clock
    // skips never comes.
    let at = time.after(Local::now().naive_local());
    Ok(at.and_then(|at| at.and_local_timezone(Local).earliest()).map(|at| at.to_utc()))
}
