//! TCP_CHECK: it accepts a connection.
use super::connect;
use crate::{checkers::Outcome, config::model::Connection};

pub(super) async fn probe(connection: &Connection) -> Outcome {
    match connect::tcp(connection).await {
        Ok(_) => Outcome::pass("connected"),
        Err(outcome) => outcome,
    }
}
