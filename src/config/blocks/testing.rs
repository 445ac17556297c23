//! For unit tests: a text to the model, and the codes of what was found.
use crate::config::{
    diagnostic::Diagnostics,
    model::{Config, VrrpInstance},
    parse,
    source::Sources,
};

/// Reads a text as the program would.
pub(super) fn read(text: &str) -> (Config, Diagnostics) {
    parse(&Sources::from_text("test.conf", text))
}

/// The codes of the findings, in their order.
pub(super) fn codes(text: &str) -> Vec<u16> {
    read(text).1.iter().map(|found| found.rule.code).collect()
}

/// An instance on eth0 with VRID 51, one address, and what `more` says.
pub(super) fn instance(more: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n\
         10.0.0.100/24\n}}\n{more}\n}}\n"
    )
}

/// The only instance of a text.
pub(super) fn only(text: &str) -> VrrpInstance {
    let (config, _) = read(text);
    assert_eq!(config.vrrp.instances.len(), 1, "instances of {text}");
    config.vrrp.instances[0].clone()
}
