//! FILE_CHECK: reads a small number.
use crate::{
    checkers::{Outcome, misc},
    config::model::FileCheck,
};
use std::io;
use tokio::{fs::File, io::AsyncReadExt};

/// More than any number needs; keeps a mistaken path from being read whole.
const MAX_LENGTH: u64 = 128;

pub(super) async fn probe(check: &FileCheck) -> Outcome {
    match read(&check.path).await {
        Ok(text) => misc::judge_file(check, Some(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => misc::judge_file(check, None),
        Err(error) => Outcome::local(format!("cannot read {}: {error}", check.path)),
    }
}

async fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path).await?.take(MAX_LENGTH).read_to_string(&mut text).await?;
    Ok(text)
}
