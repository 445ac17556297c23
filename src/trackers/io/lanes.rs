//! Work on files, off the loop: on a dead file server it may take any time. There is one lane for each
//! directory, so that what hangs in one holds up no other. What is given to a lane is done in order and
//! never two at a time: however often it is given, one thread hangs.
//!
//! Threads: one per lane; it ends when there has been nothing to do for a while. The end of the process
//! waits for none.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

/// Of a thread without work.
const IDLE: Duration = Duration::from_secs(2);

type Work = Box<dyn FnOnce() + Send>;

static LANES: Mutex<BTreeMap<PathBuf, Sender<Work>>> = Mutex::new(BTreeMap::new());

/// Comes back at once. Work that no thread can be had for is dropped, and that is logged.
pub(super) fn give(directory: &Path, work: impl FnOnce() + Send + 'static) {
    let mut lanes = LANES.lock().unwrap_or_else(PoisonError::into_inner);
    let work: Work = Box::new(work);
    let work = match lanes.get(directory) {
        None => work,
        Some(lane) => match lane.send(work) {
            Ok(()) => return,
            Err(refused) => refused.0,
        },
    };
    let (lane, queue) = channel();
    let path = directory.to_owned();
    let begun = thread::Builder::new().name("files".to_owned()).spawn(move || {
        work();
        serve(&path, &queue);
    });
    match begun {
        Ok(_) => {
            lanes.insert(directory.to_owned(), lane);
        }
        Err(error) => tracing::error!("no thread for files of {}: {error}", directory.display()),
    }
}

fn serve(path: &Path, queue: &Receiver<Work>) {
    loop {
        if let Ok(work) = queue.recv_timeout(IDLE) {
            work();
            continue;
        }
        // Nobody gives any while this is held.
        let mut lanes = LANES.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.try_recv() {
            Ok(work) => {
                drop(lanes);
                work();
            }
            Err(_) => {
                lanes.remove(path);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_lane_keeps_its_order_and_holds_up_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let (hang, hanging) = channel::<()>();
        let (said, heard) = channel();
        give(&a, move || hanging.recv().unwrap());
        for n in 0..10 {
            let said = said.clone();
            give(&a, move || said.send(n).unwrap());
        }
        let other = said.clone();
        give(&b, move || other.send(100).unwrap());
        let patience = Duration::from_secs(20);
        assert_eq!(heard.recv_timeout(patience), Ok(100), "the other one is free");
        assert!(heard.recv_timeout(Duration::from_millis(50)).is_err());
        hang.send(()).unwrap();
        let order: Vec<i32> = (0..10).map(|_| heard.recv_timeout(patience).unwrap()).collect();
        assert_eq!(order, (0..10).collect::<Vec<_>>());
        let begun = Instant::now();
        let lives = || LANES.lock().unwrap().contains_key(&a);
        assert!(lives());
        while lives() && begun.elapsed() < IDLE * 10 {
            thread::sleep(Duration::from_millis(50));
        }
        assert!(!lives(), "its thread has ended");
        let again = said.clone();
        give(&a, move || again.send(200).unwrap());
        assert_eq!(heard.recv_timeout(patience), Ok(200));
    }
}
