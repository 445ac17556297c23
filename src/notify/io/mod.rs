//! Tells the world without ever making the teller wait.
//!
//! Tasks: one per queue of scripts while it has something to run, one for mail. They are owned by
//! the [`Notifier`]'s runtime and end by themselves; when the process ends, [`Notifier::finish`]
//! gives them a last moment.
#![allow(clippy::disallowed_methods, reason = "this is a shell: it starts tasks")]
mod fifo;
mod mail;
mod queues;
#[cfg(test)]
mod tests;

use super::Notification;
use crate::{
    config::model::{Fifo, GlobalDefs},
    scripts::Policy,
};
use mail::Post;
use queues::Queues;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Delivers notifications of one process.
#[derive(Debug)]
pub struct Notifier {
    queues: Queues,
    post: Post,
    fifos: Vec<fifo::Writer>,
}

/// Which process: it has a FIFO of its own beside the common one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    Vrrp,
    Lvs,
}

impl Notifier {
    /// Opens the FIFOs and starts the script that reads them; what cannot be opened is logged.
    #[must_use]
    pub fn start(global: &GlobalDefs, plane: Plane) -> Self {
        let policy = policy(global);
        let own = match plane {
            Plane::Vrrp => &global.vrrp_fifo,
            Plane::Lvs => &global.lvs_fifo,
        };
        let open = |fifo: &Fifo| fifo::Writer::open(fifo, &policy);
        let fifos = [own, &global.fifo].into_iter().flatten().filter_map(open).collect();
        Self {
            queues: Queues::new(Arc::new(policy.clone())),
            post: Post::start(global.mail.clone(), global.router_id.as_deref()),
            fifos,
        }
    }

    /// Takes the new settings; what is under way goes on with the old ones.
    pub fn reload(&mut self, global: &GlobalDefs, plane: Plane) {
        let queues = std::mem::replace(&mut self.queues, Queues::new(Arc::default()));
        self.fifos.clear();
        let fresh = Self::start(global, plane);
        *self = Self { queues: queues.with(Arc::new(policy(global))), ..fresh };
    }

    /// Starts what has to be done, and comes back at once.
    pub fn deliver(&mut self, notification: Notification) {
        match notification {
            Notification::Script { queue, script } => self.queues.run(queue, script),
            Notification::Fifo(line) => {
                for fifo in &mut self.fifos {
                    fifo.write(&line);
                }
            }
            Notification::Mail { subject, body } => self.post.send(subject, body),
        }
    }

    /// Waits for scripts and mail, at most for so long; what is not done by then is ended.
    pub async fn finish(self, patience: Duration) {
        let until = Instant::now() + patience;
        if timeout_at(until, self.queues.drain()).await.is_err() {
            tracing::warn!("notify scripts were still running at the end");
        }
        if timeout_at(until, self.post.drain()).await.is_err() {
            tracing::warn!("mails were still waiting at the end");
        }
    }
}

/// What scripts of this configuration may do.
#[must_use]
pub fn policy(global: &GlobalDefs) -> Policy {
    Policy { default_user: global.script_user.clone(), security: global.enable_script_security }
}
