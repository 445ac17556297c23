//! Watches what instances and servers track: a task per script, one per directory of files, one for
//! all processes. Each says what it has found at once and then every change; aborting it loses
//! nothing.
#![allow(
    clippy::disallowed_methods,
    reason = "this is a shell: it starts tasks and reads the clock"
)]
pub mod files;
mod lanes;
mod proc;
mod proc_events;
pub mod processes;
pub mod scripts;

use tokio::task::JoinHandle;

/// Something watched; watching ends when this is dropped.
#[derive(Debug)]
pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
