//! Rules over several blocks, applied to the settled model.
mod vrrp;

pub(super) use vrrp::vrrp;
