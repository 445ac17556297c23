//! Reads the numbers of tracked files: by inotify on their directories, so that files may be
//! replaced, removed and created; where that is not possible, every second.
//!
//! Whatever touches a file is done on its directory's lane, in the order of the calls.
//!
//! Tasks: one for each directory, and one that holds them; aborting that ends them all.
use super::{Watch, lanes::give};
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
    path::{Path, PathBuf},
    sync::{Arc, mpsc as threads},
    time::{Duration, Instant},
};
use tokio::{
    net::unix::pipe,
    sync::{mpsc, oneshot},
    task::JoinSet,
};

/// More than any number needs; keeps a mistaken path from being read whole.
const LONGEST: u64 = 128;
/// How often files are read whose directory cannot be watched.
const POLL: Duration = Duration::from_secs(1);
/// How long whoever cannot begin without them waits for numbers.
const PATIENCE: Duration = Duration::from_secs(2);
/// After which files that are still being read are worth a line in the log.
const SLOW: Duration = Duration::from_secs(5);

/// Of events in one go: at least one with the longest name.
const BUFFER: usize = 4096;
/// struct inotify_event without the name.
const EVENT_HEADER: usize = 16;

/// Has the files created that are to be created: done by the time anything else is done with them
/// here. `overwrite` is for the start of a process only: what somebody has written meanwhile must
/// survive a reload.
pub fn initialise(files: &[TrackFile], overwrite: bool) {
    for (directory, files) in by_directory(files) {
        give(&directory, move || {
            for file in &*files {
                if let Some(init) = file.init {
                    let init = InitFile { overwrite: init.overwrite && overwrite, ..init };
                    if let Err(error) = create(&file.path, init) {
                        tracing::error!(
                            "Unable to initialise track file {}: {error}",
                            file.name.value
                        );
                    }
                }
            }
        });
    }
}

fn by_directory(files: &[TrackFile]) -> BTreeMap<PathBuf, Arc<[TrackFile]>> {
    let mut found: BTreeMap<PathBuf, Vec<TrackFile>> = BTreeMap::new();
    for file in files {
        let directory = match Path::new(&file.path).parent() {
            Some(parent) if parent != Path::new("") => parent,
            Some(_) | None => Path::new("."),
        };
        found.entry(directory.to_owned()).or_default().push(file.clone());
    }
    found.into_iter().map(|(directory, files)| (directory, files.into())).collect()
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

/// What the files hold now; 0 for one that is missing or cannot be read within two seconds, for which
/// this waits.
#[must_use]
pub fn read_all(files: &[TrackFile]) -> Vec<(String, i64)> {
    let until = Instant::now() + PATIENCE;
    let (tell, told) = threads::channel();
    for (directory, files) in by_directory(files) {
        let tell = tell.clone();
        give(&directory, move || {
            if tell.send(numbers(&files)).is_err() {
                tracing::debug!("a number was read too late");
            }
        });
    }
    drop(tell);
    let mut found = BTreeMap::new();
    while let Ok(numbers) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        found.extend(numbers);
    }
    let number = |file: &TrackFile| {
        let name = &file.name.value;
        let number = found.get(name).copied().unwrap_or_else(|| {
            tracing::warn!("track_file {name}: reading {} hangs; it counts as 0", file.path);
            0
        });
        (name.clone(), number)
    };
    files.iter().map(number).collect()
}

fn numbers(files: &[TrackFile]) -> Vec<(String, i64)> {
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
        let mut directories: JoinSet<()> = by_directory(&files)
            .into_iter()
            .map(|(directory, files)| watch_directory(directory, files, tell.clone()))
            .collect();
        drop(tell);
        while let Some(ended) = directories.join_next().await {
            if let Err(error) = ended {
                tracing::error!("watching track files: {error}");
            }
        }
    }))
}

async fn watch_directory(directory: PathBuf, files: Arc<[TrackFile]>, tell: mpsc::Sender<News>) {
    let mut known = BTreeMap::new();
    let mut complained = false;
    loop {
        let (watched, numbers) = look(&directory, &files).await;
        // Tells the numbers that are other than before.
        for (name, number) in numbers {
            if known.insert(name.clone(), number) != Some(number) {
                let news = News { subject: Subject::File(name), reading: Reading::Number(number) };
                if tell.send(news).await.is_err() {
                    return;
                }
            }
        }
        match watched.and_then(|inotify| inotify.map(Watcher::new).transpose()) {
            Ok(Some(watcher)) => watcher.changed(&files).await,
            Ok(None) => tokio::time::sleep(POLL).await,
            Err(error) => {
                if !complained {
                    tracing::warn!(
                        "Unable to monitor track files: {error}; reading them every second"
                    );
                }
                complained = true;
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// Begins to watch the directory, unless it is not there, and then reads: nothing is missed in between.
async fn look(directory: &Path, files: &Arc<[TrackFile]>) -> (Watched, Vec<(String, i64)>) {
    let (tell, mut told) = oneshot::channel();
    let (path, all) = (directory.to_owned(), Arc::clone(files));
    give(directory, move || {
        let watched = inotify(&path);
        if tell.send((watched, numbers(&all))).is_err() {
            tracing::debug!("nobody wants to know of track files any more");
        }
    });
    let looked = match tokio::time::timeout(SLOW, &mut told).await {
        Ok(looked) => looked,
        Err(_) => {
            tracing::warn!(
                "track files of {} have been read for {} s: does its file server answer? They keep their numbers",
                directory.display(),
                SLOW.as_secs()
            );
            told.await
        }
    };
    looked.unwrap_or_else(|_| (Err(io::Error::other("no thread")), vec![]))
}

/// None: there is no such directory.
type Watched = io::Result<Option<Inotify>>;

fn inotify(directory: &Path) -> Watched {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    let flags = AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_MOVE_SELF
        | AddWatchFlags::IN_ONLYDIR;
    Ok(inotify.add_watch(directory, flags).is_ok().then_some(inotify))
}

/// Tokio's pipe is but a registered descriptor that is read: inotify's fits.
struct Watcher(pipe::Receiver);

impl Watcher {
    fn new(inotify: Inotify) -> io::Result<Self> {
        Ok(Self(pipe::Receiver::from_owned_fd_unchecked(inotify.into())?))
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
        let first = [told.recv().await, told.recv().await];
        assert!(first.contains(&said("a", 5)), "{first:?}");
        assert!(first.contains(&said("b", 0)), "there is not even its directory: {first:?}");
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
        let after = |file: TrackFile, overwrite| {
            initialise(&[file], overwrite);
            // Its turn comes after that.
            let numbers = read_all(&[init(0, true)]);
            (fs::read_to_string(&path).unwrap(), numbers)
        };
        let is = |number: i64| (format!("{number}\n"), vec![("f".to_owned(), number)]);
        assert_eq!(after(init(3, false), true), is(3));
        assert_eq!(after(init(4, false), true), is(3));
        assert_eq!(after(init(4, true), false), is(3));
        assert_eq!(after(init(5, true), true), is(5));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let linked = file("l", &link, Some(InitFile { value: 9, overwrite: true }));
        assert_eq!(after(linked, true), is(5), "nothing is written through a link");
    }

    #[tokio::test]
    async fn a_file_server_that_hangs_holds_up_nobody_else() {
        let (dead, alive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = [
            file("a", &dead.path().join("a"), None),
            file("b", &alive.path().join("b"), Some(InitFile { value: 7, overwrite: false })),
        ];
        fs::write(dead.path().join("a"), "5").unwrap();
        let (answer, answers) = threads::channel::<()>();
        give(dead.path(), move || answers.recv().unwrap());
        initialise(&files, true);
        let numbers = [("a".to_owned(), 0), ("b".to_owned(), 7)];
        assert_eq!(read_all(&files), numbers, "after two seconds");
        let (tell, mut told) = mpsc::channel(8);
        let _watch = watch(files.into(), tell);
        let said = |name: &str, number| {
            Some(News { subject: Subject::File(name.into()), reading: Reading::Number(number) })
        };
        assert_eq!(told.recv().await, said("b", 7));
        fs::write(alive.path().join("b"), "8").unwrap();
        assert_eq!(told.recv().await, said("b", 8));
        answer.send(()).unwrap();
        assert_eq!(told.recv().await, said("a", 5));
    }
}
