//! Scripts in order: one queue per instance or service runs one script at a time; queues run side
//! by side. Nothing is lost: a queue is as long as it has to be.
use crate::{
    base::Script,
    scripts::{self, Exit, Policy},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// A script that runs for so long holds up those behind it: worth a line in the log.
const SLOW: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Queues {
    policy: Arc<Policy>,
    queues: HashMap<String, Queue>,
}

#[derive(Debug)]
struct Queue {
    // Unbounded on purpose: a transition's script must not be lost, and transitions are rare.
    scripts: mpsc::UnboundedSender<(Script, Arc<Policy>)>,
    task: JoinHandle<()>,
}

impl Queues {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self { policy, queues: HashMap::new() }
    }

    /// What comes from now on runs by this policy.
    pub(super) fn settle(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
    }

    pub(super) fn run(&mut self, name: String, script: Script) {
        let item = (script, Arc::clone(&self.policy));
        let queue = self.queues.entry(name).or_insert_with_key(|name| {
            let (scripts, waiting) = mpsc::unbounded_channel();
            Queue { scripts, task: tokio::spawn(work(name.clone(), waiting)) }
        });
        if queue.scripts.send(item).is_err() {
            tracing::error!("a notify script is lost: its queue has ended");
        }
    }

    /// Until everything has run.
    pub(super) async fn drain(self) {
        for queue in self.queues.into_values() {
            drop(queue.scripts);
            if let Err(error) = queue.task.await {
                tracing::error!("a queue of notify scripts: {error}");
            }
        }
    }
}

async fn work(name: String, mut waiting: mpsc::UnboundedReceiver<(Script, Arc<Policy>)>) {
    while let Some((script, policy)) = waiting.recv().await {
        let shown = script.argv.join(" ");
        let (done, running) = oneshot::channel::<()>();
        let watched = shown.clone();
        let queue = name.clone();
        let watch = tokio::spawn(async move {
            if tokio::time::timeout(SLOW, running).await.is_err() {
                tracing::warn!(
                    "({queue}) notify script `{watched}` runs for more than {} s; those behind it wait",
                    SLOW.as_secs()
                );
            }
        });
        let exit = scripts::io::run(&script, &policy, None).await;
        drop(done);
        watch.abort();
        match exit {
            Exit::Code(0) => tracing::debug!("({name}) notify script `{shown}` is done"),
            Exit::Code(code) => {
                tracing::info!("({name}) notify script `{shown}` exited with status {code}");
            }
            Exit::Signal(signal) => {
                tracing::warn!("({name}) notify script `{shown}` ended due to signal {signal}");
            }
            Exit::TimedOut => tracing::warn!("({name}) notify script `{shown}` timed out"),
            Exit::NotStarted(why) => {
                tracing::error!("({name}) notify script `{shown}` cannot run: {why}");
            }
        }
    }
}
