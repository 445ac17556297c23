//! MISC_CHECK: what is on this machine.
use super::*;
use crate::{base::Script, config::model::MiscCheck};
use tokio::{io::AsyncReadExt, net::unix::pipe, time::timeout};

/// A command for the shell; no file is written that another test's fork could hold open.
fn misc(command: &str, timeout: Duration, dynamic: bool) -> CheckerKind {
    let argv = ["/bin/sh", "-c", command].map(str::to_owned).to_vec();
    let script = Script { argv, user: None, group: None };
    CheckerKind::Misc(Box::new(MiscCheck { script, timeout, dynamic }))
}

#[tokio::test]
async fn exit_codes_pass_fail_or_weigh() {
    for code in [0, 1, 2, 3, 127, 254, 255] {
        let command = format!("exit {code}");
        let words = format!("exited with status {code}");
        let plain = run(&misc(&command, AMPLE, false)).await;
        let dynamic = run(&misc(&command, AMPLE, true)).await;
        match code {
            0 => {
                passes(&plain, &words);
                passes(&dynamic, &words);
            }
            1 => {
                fails(&plain, &words);
                fails(&dynamic, &words);
            }
            weight => {
                fails(&plain, &words);
                assert_eq!(dynamic, Outcome::Pass { code: Some(weight), reason: words });
            }
        }
    }
}

#[tokio::test]
async fn a_script_ended_by_a_signal_fails() {
    for dynamic in [false, true] {
        fails(&run(&misc("kill -9 $$", AMPLE, dynamic)).await, "signal 9");
    }
}

#[tokio::test]
async fn a_missing_script_fails_and_is_named() {
    let script = Script { argv: vec!["/absent/check.sh".to_owned()], user: None, group: None };
    for dynamic in [false, true] {
        let check = MiscCheck { script: script.clone(), timeout: AMPLE, dynamic };
        fails(&run(&CheckerKind::Misc(Box::new(check))).await, "/absent/check.sh");
    }
}

/// Runs until `limit` a script whose every process holds the pipe open; back when all are gone.
async fn overrun(command: &str, limit: Duration) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alive");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut alive = pipe::OpenOptions::new().open_receiver(&path).unwrap();
    let command = format!("exec 9>{}; echo begun >&9; {command}", path.display());
    fails(&run(&misc(&command, limit, true)).await, "timed out");
    let mut said = String::new();
    let ended = timeout(AMPLE, alive.read_to_string(&mut said)).await;
    ended.expect("some process of the group lives on").unwrap();
    assert_eq!(said, "begun\n");
}

#[tokio::test]
async fn a_slow_script_is_ended_with_its_children() {
    overrun("(sleep 600; :) & sleep 600 & wait", Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_script_deaf_to_sigterm_is_killed_with_its_children() {
    overrun("trap '' TERM; sleep 600 & sleep 600; sleep 600", Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_dropped_probe_ends_its_script() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alive");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut alive = pipe::OpenOptions::new().open_receiver(&path).unwrap();
    let command = format!("exec 9>{}; echo begun >&9; sleep 600", path.display());
    let probe = tokio::spawn(async move { run(&misc(&command, AMPLE * 20, false)).await });
    let mut said = [0; 6];
    // Until the script has opened its end there is nothing to read, and no error.
    while alive.readable().await.is_ok() {
        match alive.try_read(&mut said) {
            Ok(6) => break,
            _ => tokio::task::yield_now().await,
        }
    }
    probe.abort();
    let ended = timeout(AMPLE, alive.read_to_end(&mut vec![])).await;
    ended.expect("the script lives on").unwrap();
}
