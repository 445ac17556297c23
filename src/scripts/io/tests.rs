//! Real scripts, run for real.
use super::*;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Instant};

fn script(dir: &Path, name: &str, text: &str) -> Script {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Script { argv: vec![path.to_str().unwrap().to_owned()], user: None, group: None }
}

#[tokio::test]
async fn exit_codes_signals_and_interpreters() {
    let dir = tempfile::tempdir().unwrap();
    let policy = Policy::default();
    for (text, expected) in [
        ("#!/bin/sh\nexit 0\n", Exit::Code(0)),
        ("#!/bin/sh\nexit 7\n", Exit::Code(7)),
        ("#!/bin/sh\nkill -9 $$\n", Exit::Signal(9)),
        ("exit 3\n", Exit::Code(3)),
    ] {
        let script = script(dir.path(), "s", text);
        assert_eq!(run(&script, &policy, None).await, expected, "{text}");
    }
    let bare = Script { argv: vec!["true".into()], user: None, group: None };
    assert_eq!(run(&bare, &policy, None).await, Exit::Code(0), "searched in PATH");
}

#[tokio::test]
async fn a_slow_script_is_ended_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("alive");
    let text = format!("#!/bin/sh\n(sleep 1; touch {}) &\nsleep 30\n", mark.display());
    let script = script(dir.path(), "slow", &text);
    let limit = Some(Duration::from_millis(200));
    let begun = Instant::now();
    assert_eq!(run(&script, &Policy::default(), limit).await, Exit::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(20), "did not wait for the sleep");
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert!(!mark.exists(), "the group was ended, not the leader alone");
}

#[tokio::test]
async fn a_dropped_run_ends_the_script() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("alive");
    let text = format!("#!/bin/sh\nsleep 1\ntouch {}\n", mark.display());
    let script = script(dir.path(), "dropped", &text);
    let policy = Policy::default();
    let dropped = timeout(Duration::from_millis(200), run(&script, &policy, None)).await;
    assert!(dropped.is_err());
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let why = |argv: &str, user: Option<&str>| {
        let script = Script {
            argv: argv.split(' ').map(str::to_owned).collect(),
            user: user.map(str::to_owned),
            group: None,
        };
        async move {
            match run(&script, &Policy::default(), None).await {
                Exit::NotStarted(why) => why,
                other => format!("{other:?}"),
            }
        }
    };
    assert!(why("/absent/x.sh", None).await.contains("No such file"));
    assert!(why("no-such-program-anywhere", None).await.contains("full path"));
    assert!(why("/bin/true", Some("nosuchuser")).await.contains("double quotes"));
    let plain = dir.path().join("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    let answer = why(plain.to_str().unwrap(), None).await;
    assert!(answer.contains("chmod +x"), "{answer}");
}

#[test]
fn security_names_the_weak_part_and_the_command() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can set up what is tested here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let secure =
        Policy { default_user: Some(("root".into(), None)), security: true, ..Policy::default() };
    let script = script(dir.path(), "s", "#!/bin/sh\n");
    assert_eq!(refusal(&script, &secure), None);
    fs::set_permissions(&script.argv[0], fs::Permissions::from_mode(0o777)).unwrap();
    let why = refusal(&script, &secure).unwrap().to_string();
    assert!(why.contains("chmod go-w") && why.contains("0777"), "{why}");
    fs::set_permissions(&script.argv[0], fs::Permissions::from_mode(0o755)).unwrap();
    nix::unistd::chown(Path::new(&script.argv[0]), Some(65534.into()), None).unwrap();
    let why = refusal(&script, &secure).unwrap().to_string();
    assert!(why.contains("belongs to nobody") && why.contains("chown root"), "{why}");
    assert_eq!(refusal(&script, &Policy::default()), None, "only where it is asked for");
}

#[test]
fn what_keeps_a_user_from_a_script_is_named() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can set up what is tested here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut script = script(dir.path(), "s", "#!/bin/sh\n");
    script.user = Some("nobody".into());
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let why = refusal(&script, &Policy::default()).unwrap().to_string();
    assert!(why.contains("user nobody cannot enter") && why.contains("mode 0700"), "{why}");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(refusal(&script, &Policy::default()), None);
    fs::set_permissions(&script.argv[0], fs::Permissions::from_mode(0o744)).unwrap();
    let why = refusal(&script, &Policy::default()).unwrap().to_string();
    assert!(why.contains("cannot execute") && why.contains("chmod +x"), "{why}");
    script.argv[0] = "/absent/s".into();
    assert!(refusal(&script, &Policy::default()).unwrap().absent);
}
