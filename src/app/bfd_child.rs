//! The BFD process: the machine of `bfd` with its sockets around it.
use super::{
    child::{self, Answers, Link, Order},
    cli::RunArgs,
};
use crate::{
    bfd::{Event, io::Upward},
    config::Config,
    ipc::{Child, ToParent},
    machine::io::Inbound,
};
use std::hash::{BuildHasher, Hasher, RandomState};
use tokio::sync::mpsc;

/// Packets and orders that wait while the machine is busy.
const INBOX: usize = 256;

pub(super) fn run(arguments: &RunArgs) -> u8 {
    child::run(arguments, Child::Bfd, "ldirector_bfd", async |config, link, answers| {
        Ok(turn(arguments, config, link, answers).await)
    })
}

async fn turn(arguments: &RunArgs, config: Config, link: Link, answers: Answers) -> u8 {
    let (events, inbox) = mpsc::channel::<Inbound<Event>>(INBOX);
    child::obey(link, events.clone(), move |order| match order {
        Order::Reload(config) => Event::Reload(config.bfd),
        Order::ReportStatus(number) => Event::ReportStatus(number),
        // The parent tells this to the others only; a status that nobody asked for is dropped.
        Order::Bfd { .. } => Event::ReportStatus(0),
        Order::Stop => Event::Stop,
    });
    let (upward, mut reports) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(report) = reports.recv().await {
            match report {
                Upward::Reached(mark) => answers.send(child::reached(mark)),
                Upward::Status(number, status) => answers.send(ToParent::Bfd(number, status)),
                // The next one would not make up for it.
                Upward::Changed { name, up } => {
                    answers.deliver(ToParent::BfdChanged { name, up }).await;
                }
            }
        }
    });
    let seed = RandomState::new().build_hasher().finish();
    let sessions = config.bfd;
    crate::bfd::io::run(sessions, seed, inbox, events, upward, arguments.log_detail).await
}
