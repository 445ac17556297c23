//! Drives a machine on tokio: what is already in the inbox first, then the clock. Between actions
//! other tasks of the process get their turn now and then, so that a long list starves nobody.
#![allow(clippy::disallowed_methods, reason = "this is the shell: it may read the clock")]
use super::Machine;
use std::{
    future::{Future, pending},
    ops::ControlFlow,
    time::Instant,
};
use tokio::{sync::mpsc::Receiver, task::coop::consume_budget};

/// Carries a machine's actions out. One per process.
pub trait Executor<M: Machine> {
    /// Carries out one action. Anything slow is started here and reports back as an event.
    fn execute(&mut self, action: M::Action) -> impl Future<Output = ControlFlow<u8>>;
    /// The loop has come to this, and carried out everything before it: the parent wants to know.
    fn reached(&mut self, _mark: Mark) -> impl Future<Output = ()> {
        async {}
    }
}
/// What the inbox of a driver carries.
#[derive(Debug)]
pub enum Inbound<E> {
    Event(E),
    Mark(Mark),
}

/// A place in the order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Of the parent's watchdog: a stuck loop stays silent.
    Ping(u64),
    /// Behind a new configuration.
    Configured,
}

/// Events looked at before the clock gets its turn.
const BATCH: usize = 64;

/// Turns the machine until an action breaks the loop or every sender of the inbox is gone; answers
/// the exit code. What is already queued is looked at before a deadline counts as missed, in batches
/// so that a flood cannot stop the clock.
pub async fn drive<M: Machine, X: Executor<M>>(
    mut machine: M,
    mut inbox: Receiver<Inbound<M::Event>>,
    mut executor: X,
) -> u8 {
    loop {
        let mut next = tokio::select! {
            biased;
            inbound = inbox.recv() => match inbound { Some(inbound) => Some(inbound), None => return 0 },
            () = until(machine.next_deadline()) => None,
        };
        let mut left = BATCH;
        while let Some(inbound) = next {
            match inbound {
                Inbound::Mark(mark) => executor.reached(mark).await,
                Inbound::Event(event) => {
                    for action in machine.handle(event, Instant::now()) {
                        if let ControlFlow::Break(code) = executor.execute(action).await {
                            return code;
                        }
                        consume_budget().await;
                    }
                }
            }
            left -= 1;
            next = if left == 0 { None } else { inbox.try_recv().ok() };
        }
        let now = Instant::now();
        if machine.next_deadline().is_some_and(|at| at <= now) {
            for action in machine.handle_deadline(now) {
                if let ControlFlow::Break(code) = executor.execute(action).await {
                    return code;
                }
                consume_budget().await;
            }
        }
    }
}
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}
