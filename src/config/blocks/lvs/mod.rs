//! Virtual and real servers: stand-in until their tables arrive.
use super::global_defs;
use crate::config::{
    diagnostic::Diagnostics, keyword::BlockInfo, model::DirectorConfig, tree::Statement,
};

#[derive(Debug, Default)]
pub(in crate::config) struct Drafts;

pub(super) fn virtual_server(_: &mut super::Drafts, _: &Statement<'_>, _: &mut Diagnostics) {}
pub(super) fn virtual_server_group(_: &mut super::Drafts, _: &Statement<'_>, _: &mut Diagnostics) {}
pub(super) fn ssl(_: &mut super::Drafts, _: &Statement<'_>, _: &mut Diagnostics) {}
pub(super) fn settle(_: Drafts, _: &global_defs::Draft, _: &mut Diagnostics) -> DirectorConfig {
    DirectorConfig::default()
}
pub(super) fn blocks() -> Vec<BlockInfo> {
    vec![]
}
