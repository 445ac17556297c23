//! Watches tracked scripts: one task per script, which runs it at once and then at its interval,
//! counted from the last start. Aborting the task ends a running script; nothing else is lost.
use super::Watch;
use crate::{
    config::model::TrackScript,
    scripts::{self, Exit, Policy},
    trackers::{News, Reading, RiseFall, Subject, Turn},
};
use std::sync::Arc;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

/// Starts watching. News go into `tell`; the task waits while that is full.
#[must_use]
pub fn watch(script: TrackScript, policy: Arc<Policy>, tell: mpsc::Sender<News>) -> Watch {
    Watch(tokio::spawn(run(script, policy, tell)))
}

async fn run(script: TrackScript, policy: Arc<Policy>, tell: mpsc::Sender<News>) {
    let name = &script.name.value;
    let mut counter = RiseFall::new(script.rise, script.fall);
    let mut last: Option<Exit> = None;
    let mut ticks = interval(script.interval);
    // A run that lasts longer than the interval makes the next one start right after it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let begun = Instant::now();
        let exit = scripts::io::run(&script.script, &policy, Some(script.timeout)).await;
        if begun.elapsed() > script.interval {
            tracing::info!("Track script {name} is already running, expect idle - skipping run");
        }
        log_change(&script, last.as_ref(), &exit);
        let turn = counter.record(exit == Exit::Code(0));
        let up = match turn {
            Turn::None => None,
            Turn::Up => {
                tracing::info!("VRRP_Script({name}) succeeded");
                Some(true)
            }
            Turn::Down => {
                // That it timed out has been said.
                if exit != Exit::TimedOut {
                    tracing::info!("VRRP_Script({name}) failed ({})", describe(&exit));
                }
                Some(false)
            }
        };
        last = Some(exit);
        if let Some(up) = up {
            let news = News { subject: Subject::Script(name.clone()), reading: Reading::of(up) };
            if tell.send(news).await.is_err() {
                return;
            }
        }
    }
}

/// What operators look for: each change of the exit code.
fn log_change(script: &TrackScript, last: Option<&Exit>, exit: &Exit) {
    let name = &script.name.value;
    if last == Some(exit) || (last.is_none() && *exit == Exit::Code(0)) {
        return;
    }
    match exit {
        Exit::Code(code) => tracing::info!("Script `{name}` now returning {code}"),
        Exit::Signal(_) => tracing::info!("Script `{name}` {}", describe(exit)),
        Exit::TimedOut => tracing::warn!("VRRP_Script({name}) timed_out"),
        Exit::NotStarted(why) => tracing::error!("VRRP_Script({name}) cannot run: {why}"),
    }
}

fn describe(exit: &Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with status {code}"),
        Exit::Signal(signal) => format!("due to signal {signal}"),
        Exit::TimedOut => "timed out".to_owned(),
        Exit::NotStarted(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::Script, config::source::Spanned};
    use std::{fs, time::Duration};

    #[tokio::test]
    async fn a_script_is_heard_of_when_it_turns() {
        let dir = tempfile::tempdir().unwrap();
        let flag = dir.path().join("bad");
        let argv = ["sh", "-c", &format!("test ! -e {}", flag.display())].map(str::to_owned);
        let script = TrackScript {
            name: Spanned { value: "chk".into(), ..Spanned::default() },
            script: Script { argv: argv.into(), user: None, group: None },
            interval: Duration::from_millis(30),
            timeout: Duration::from_secs(5),
            weight: 0,
            reverse: false,
            rise: 2,
            fall: 2,
            init_fail: false,
        };
        let (tell, mut told) = mpsc::channel(8);
        let watch = watch(script, Arc::default(), tell);
        let verdict =
            |up| Some(News { subject: Subject::Script("chk".into()), reading: Reading::of(up) });
        assert_eq!(told.recv().await, verdict(true), "at once");
        fs::write(&flag, "").unwrap();
        assert_eq!(told.recv().await, verdict(false));
        fs::remove_file(&flag).unwrap();
        assert_eq!(told.recv().await, verdict(true));
        drop(watch);
        assert_eq!(told.recv().await, None, "nothing after the end");
    }
}
