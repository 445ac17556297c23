//! Telling the world of a change: scripts, fifo, mail. Pure: what to tell; `io` tells it.
pub mod io;

use crate::base::Script;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// Scripts of one queue run one after the other, in order; queues run side by side.
    /// The queue is the instance's or the service's name.
    Script {
        queue: String,
        script: Script,
    },
    /// A line (with its newline) for the process's own fifo and the common one.
    Fifo(String),
    Mail {
        subject: String,
        body: String,
    },
}
