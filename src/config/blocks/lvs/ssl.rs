//! `SSL`: the certificate that SSL_GET shows to servers.
use crate::config::{
    blocks::{Drafts, words},
    diagnostic::Diagnostics,
    keyword::{Keyword, Support, Takes::One, apply, kw},
    model::TlsIdentity,
    rules::lvs as rules,
    tree::Statement,
};
use std::path::PathBuf;

type Draft = TlsIdentity;

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["certificate"], One("FILE"), |d: &mut Draft, s, _| d.certificate = path(s))
        .doc("certificate chain, PEM"),
    kw(&["key"], One("FILE"), |d: &mut Draft, s, _| d.key = path(s)).doc("private key, PEM"),
    kw(&["password"], One("TEXT"), |d: &mut Draft, s, _| d.password = words::text(s))
        .doc("password of the key"),
    kw(&["ca"], One("FILE"), |d: &mut Draft, s, _| d.ca = path(s))
        .support(Support::NoEffect("certificates of servers are never verified, as in keepalived"))
        .doc("certificate authorities"),
];

fn path(statement: &Statement<'_>) -> Option<PathBuf> {
    words::text(statement).map(PathBuf::from)
}

/// The root table's line. A second block takes the place of the first.
pub(in crate::config::blocks) fn block(
    drafts: &mut Drafts,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut draft = Draft::default();
    apply(KEYWORDS, "SSL", statement.body(), &mut draft, out);
    if drafts.lvs.tls.replace(draft).is_some() {
        out.report(rules::SSL_TWICE, statement.span);
    }
}
