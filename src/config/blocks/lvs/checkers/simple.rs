//! `TCP_CHECK` and `PING_CHECK`: nothing but the common keywords.
use super::{Kind, Reading, finish, with_connection};
use crate::config::{
    blocks::{lvs::real_server, words},
    diagnostic::Diagnostics,
    keyword::{Keyword, Support, Takes::One, apply, kw},
    tree::Statement,
};
use std::sync::LazyLock;

pub(in crate::config::blocks::lvs) static KEYWORDS: LazyLock<Vec<Keyword<Reading<()>>>> =
    LazyLock::new(|| {
        let mut table = with_connection();
        table.push(obsolete_retry());
        table
    });

/// Very common in copies, although keepalived knows it in HTTP_GET only.
pub(super) fn obsolete_retry<T: 'static>() -> Keyword<Reading<T>> {
    kw(&["nb_get_retry"], One("COUNT"), |d: &mut Reading<T>, s, out| {
        words::set(&mut d.timing.retry, words::number(s, 1, 0..=u64::from(u32::MAX), out));
    })
    .support(Support::Obsolete("write `retry`; keepalived does not know this word here"))
    .doc("further attempts after a failure")
}

pub(in crate::config::blocks::lvs) fn tcp(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    block(server, statement, "TCP_CHECK", Kind::Tcp, out);
}

pub(in crate::config::blocks::lvs) fn ping(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    block(server, statement, "PING_CHECK", Kind::Ping, out);
}

fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    name: &'static str,
    kind: Kind,
    out: &mut Diagnostics,
) {
    let mut reading = Reading::default();
    apply(&KEYWORDS, name, statement.body(), &mut reading, out);
    server.add_checker(finish(reading, statement.span, |()| kind));
}
