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
    scripts::{self, Policy},
};
pub use fifo::Kept;
use fifo::{Part, Stream, again};
use mail::Post;
use queues::Queues;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Delivers notifications of one process.
#[derive(Debug)]
pub struct Notifier {
    queues: Queues,
    post: Post,
    /// `vrrp_notify_fifo` or `lvs_notify_fifo`. The parent keeps all FIFOs ([`Kept`]).
    own: Option<Stream>,
    /// `notify_fifo`, as all other processes.
    common: Option<Stream>,
}

/// Which process: it has a FIFO of its own beside the common one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    Vrrp,
    Lvs,
}

impl Notifier {
    /// Opens the FIFOs that this process writes to; what cannot be opened is logged.
    #[must_use]
    pub fn start(global: &GlobalDefs, plane: Plane) -> Self {
        let policy = policy(global);
        let open = |fifo: &Option<Fifo>| {
            fifo.as_ref().and_then(|fifo| Stream::open(fifo, &policy, Part::Writer))
        };
        Self {
            own: open(own_fifo(global, plane)),
            common: open(&global.fifo),
            queues: Queues::new(Arc::new(policy.clone())),
            post: Post::start(&global.mail, global.router_id.as_deref()),
        }
    }

    /// Takes the new settings; what is under way goes on with the old ones, and what stays as it is
    /// is left alone.
    pub fn reload(&mut self, global: &GlobalDefs, plane: Plane) {
        scripts::io::look_up_again();
        let policy = policy(global);
        again(&mut self.own, own_fifo(global, plane).as_ref(), &policy, Part::Writer);
        again(&mut self.common, global.fifo.as_ref(), &policy, Part::Writer);
        self.queues.settle(Arc::new(policy.clone()));
        self.post.reload(&global.mail, global.router_id.as_deref());
    }

    /// Starts what has to be done, and comes back at once.
    pub fn deliver(&mut self, notification: Notification) {
        match notification {
            Notification::Script { queue, script } => self.queues.run(queue, script),
            Notification::Fifo(line) => {
                for stream in [&mut self.own, &mut self.common].into_iter().flatten() {
                    stream.write(&line);
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

const fn own_fifo(global: &GlobalDefs, plane: Plane) -> &Option<Fifo> {
    match plane {
        Plane::Vrrp => &global.vrrp_fifo,
        Plane::Lvs => &global.lvs_fifo,
    }
}

/// What scripts of this configuration may do.
#[must_use]
pub fn policy(global: &GlobalDefs) -> Policy {
    Policy {
        default_user: global.script_user.clone(),
        security: global.enable_script_security,
        all_groups: global.process.set_supplementary_groups,
    }
}
