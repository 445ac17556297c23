//! Reads the numbers of tracked files: by inotify on their directories, so that files may be
//! replaced, removed and created; where that is not possible, every second.
use super::Watch;
use crate::{
    config::model::{InitFile, TrackFile},
    trackers::{News, Reading, Subject, read_number},
};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::OpenOptions,
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::Path,
    time::Duration,
};
use tokio::{net::unix::pipe, sync::mpsc};

/// More than any number needs; keeps a mistaken path from being read whole.
const LONGEST: u64 = 128;
/// How often files are read whose directory cannot be watched.
const POLL: Duration = Duration::from_secs(1);

/// Of events in one go: at least one with the longest name.
const BUFFER: usize = 4096;
/// struct inotify_event without the name.
const EVENT_HEADER: usize = 16;

/// Creates the files that are to be created. `overwrite` is for the start of a process only: what
/// somebody has written meanwhile must survive a reload.
pub fn initialise(files: &[TrackFile], overwrite: bool) {
    for file in files {
        let init =
            file.init.map(|init| InitFile { overwrite: init.overwrite && overwrite, ..init });
        if let Some(init) = init
            && let Err(error) = create(&file.path, init)
        {
            tracing::error!("Unable to initialise track file {}: {error}", file.name.value);
        }
    }
}

fn create(path: &str, init: InitFile) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
    if init.overwrite {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options.open(path) {
        Ok(mut file) if file.metadata()?.is_file() => {
            file.write_all(format!("{}\n", init.value).as_bytes())
        }
        Ok(_) => Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !init.overwrite => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the files hold now; 0 for one that is missing or cannot be read.
#[must_use]
pub fn read_all(files: &[TrackFile]) -> Vec<(String, i64)> {
    files.iter().map(|file| (file.name.value.clone(), read(file))).collect()
}

fn read(file: &TrackFile) -> i64 {
    match text(&file.path) {
        Ok(text) => read_number(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => {
            tracing::warn!("track_file {}: reading {}: {error}", file.name.value, file.path);
            0
        }
    }
}

fn text(path: &str) -> io::Result<String> {
    // A pipe of that name must not hold us up.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let mut bytes = vec![];
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Starts watching. The number of each file goes into `tell` at once, and again whenever it is
/// another; the task waits while that is full.
#[must_use]
pub fn watch(files: Vec<TrackFile>, tell: mpsc::Sender<News>) -> Watch {
    Watch(tokio::spawn(async move {
        let mut known = BTreeMap::new();
        let mut complained = false;
        loop {
            let watcher = Watcher::new(&files);
            // After watching has begun: nothing is missed in between.
            if say(&files, &mut known, &tell).await.is_err() {
                return;
            }
            let (watcher, complete) = match watcher {
                Ok(found) => found,
                Err(error) => {
                    if !complained {
                        tracing::warn!(
                            "Unable to monitor track files: {error}; reading them every second"
                        );
                    }
                    complained = true;
                    tokio::time::sleep(POLL).await;
                    continue;
                }
            };
            let changed = watcher.changed(&files);
            if complete {
                changed.await;
            } else if tokio::time::timeout(POLL, changed).await.is_err() {
                tracing::trace!("a directory of a track file is still missing");
            }
        }
    }))
}

/// Tells the numbers that are other than before.
async fn say(
    files: &[TrackFile],
    known: &mut BTreeMap<String, i64>,
    tell: &mpsc::Sender<News>,
) -> Result<(), mpsc::error::SendError<News>> {
    for (name, number) in read_all(files) {
        if known.insert(name.clone(), number) != Some(number) {
            let subject = Subject::File(name);
            tell.send(News { subject, reading: Reading::Number(number) }).await?;
        }
    }
    Ok(())
}

/// Tokio's pipe is but a registered descriptor that is read: inotify's fits.
struct Watcher(pipe::Receiver);

impl Watcher {
    /// The watcher, and whether all directories are there.
    fn new(files: &[TrackFile]) -> io::Result<(Self, bool)> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        let mut complete = true;
        for file in files {
            let directory = match Path::new(&file.path).parent() {
                Some(parent) if parent != Path::new("") => parent,
                Some(_) | None => Path::new("."),
            };
            complete &= inotify.add_watch(directory, flags).is_ok();
        }
        Ok((Self(pipe::Receiver::from_owned_fd_unchecked(inotify.into())?), complete))
    }

    /// Waits until one of the files may hold another number.
    async fn changed(&self, files: &[TrackFile]) {
        let concerns =
            |name: &OsStr| files.iter().any(|file| Path::new(&file.path).file_name() == Some(name));
        let mut buffer = [0; BUFFER];
        loop {
            if let Err(error) = self.0.readable().await {
                tracing::debug!("inotify: {error}");
                return;
            }
            match self.0.try_read(&mut buffer) {
                Ok(length) => {
                    let mut names = names(buffer.get(..length).unwrap_or_default()).into_iter();
                    // Without a name it is about the directory itself, or the kernel has lost some.
                    if names.any(|name| name.is_none_or(concerns)) {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::debug!("inotify: {error}");
                    return;
                }
            }
        }
    }
}

/// The names in a row of `struct inotify_event` (inotify(7)): wd, mask, cookie, length of 4 bytes
/// each, then the name, padded with NUL.
fn names(mut events: &[u8]) -> Vec<Option<&OsStr>> {
    let mut found = vec![];
    while let Some((header, rest)) = events.split_first_chunk::<EVENT_HEADER>() {
        let [.., a, b, c, d] = *header;
        let length = usize::try_from(u32::from_ne_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some((name, rest)) = rest.split_at_checked(length) else { break };
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        found.push((!name.is_empty()).then(|| OsStr::from_bytes(name)));
        events = rest;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Spanned;
    use std::fs;

    fn file(name: &str, path: &Path, init: Option<InitFile>) -> TrackFile {
        TrackFile {
            name: Spanned { value: name.to_owned(), ..Spanned::default() },
            path: path.display().to_string(),
            weight: 1,
            reverse: false,
            init,
        }
    }

    #[tokio::test]
    async fn each_change_of_a_number_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let later = dir.path().join("later");
        let (a, b) = (dir.path().join("a"), later.join("b"));
        fs::write(&a, "5\n").unwrap();
        let (tell, mut told) = mpsc::channel(8);
        let watch = watch(vec![file("a", &a, None), file("b", &b, None)], tell);
        let said = |name: &str, number| {
            Some(News { subject: Subject::File(name.into()), reading: Reading::Number(number) })
        };
        assert_eq!(told.recv().await, said("a", 5));
        assert_eq!(told.recv().await, said("b", 0), "there is not even its directory");
        fs::write(&a, "-3").unwrap();
        assert_eq!(told.recv().await, said("a", -3));
        fs::write(dir.path().join("new"), "7").unwrap();
        fs::rename(dir.path().join("new"), &a).unwrap();
        assert_eq!(told.recv().await, said("a", 7), "replaced by another file");
        fs::remove_file(&a).unwrap();
        assert_eq!(told.recv().await, said("a", 0));
        fs::create_dir(&later).unwrap();
        fs::write(&b, "0x10").unwrap();
        assert_eq!(told.recv().await, said("b", 16), "its directory came later");
        fs::write(&b, "1").unwrap();
        assert_eq!(told.recv().await, said("b", 1));
        fs::remove_dir_all(&later).unwrap();
        assert_eq!(told.recv().await, said("b", 0));
        drop(watch);
        assert_eq!(told.recv().await, None);
    }

    #[test]
    fn files_are_created_and_others_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let init = |value, overwrite| file("f", &path, Some(InitFile { value, overwrite }));
        initialise(&[init(3, false)], true);
        assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
        initialise(&[init(4, false)], true);
        initialise(&[init(4, true)], false);
        assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
        initialise(&[init(5, true)], true);
        assert_eq!(fs::read_to_string(&path).unwrap(), "5\n");
        assert_eq!(read_all(&[init(0, true)]), [("f".to_owned(), 5)]);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        initialise(&[file("l", &link, Some(InitFile { value: 9, overwrite: true }))], true);
        assert_eq!(fs::read_to_string(&path).unwrap(), "5\n", "nothing is written through a link");
    }
}
