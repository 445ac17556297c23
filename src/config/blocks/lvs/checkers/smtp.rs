//! `SMTP_CHECK`, and the `host` blocks of old files, each of which is one more checker.
use super::{Draft as Checker, Kind, Reading, finish, simple, with_connection};
use crate::config::{
    blocks::{lvs::real_server, words},
    diagnostic::Diagnostics,
    keyword::{
        Keyword, Support,
        Takes::{Block, One},
        apply, kw,
    },
    model::{Connection, SmtpCheck},
    tree::Statement,
};
use std::sync::{Arc, LazyLock};

const HELO: &str = "smtpchecker.keepalived.org";

#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    helo: Option<String>,
}

/// The block while it is read.
#[derive(Debug, Default)]
pub(in crate::config::blocks::lvs) struct Own {
    helo: Option<String>,
    hosts: Vec<Reading<()>>,
}

pub(in crate::config::blocks::lvs) static KEYWORDS: LazyLock<Vec<Keyword<Reading<Own>>>> =
    LazyLock::new(|| {
        let mut table = with_connection();
        table.push(simple::obsolete_retry());
        table.push(
            kw(&["helo_name"], One("NAME"), |d: &mut Reading<Own>, s, _| {
                d.own.helo = words::text(s);
            })
            .default(HELO)
            .doc("what we call ourselves"),
        );
        table.push(
            kw(&["host"], Block, |d: &mut Reading<Own>, s, out| {
                let mut host = Reading::default();
                apply(&simple::KEYWORDS, "host", s.body(), &mut host, out);
                d.own.hosts.push(host);
            })
            .support(Support::Obsolete("write one SMTP_CHECK for each host"))
            .doc("one more server to ask"),
        );
        table
    });

pub(in crate::config::blocks::lvs) fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut reading: Reading<Own> = Reading::default();
    apply(&KEYWORDS, "SMTP_CHECK", statement.body(), &mut reading, out);
    let Own { helo, hosts } = std::mem::take(&mut reading.own);
    let own = Draft { helo };
    // The server itself is asked too where the block says anything of a connection.
    let itself =
        hosts.is_empty() || reading.link.is_given() || reading.timing.connect_timeout.is_some();
    for host in hosts {
        server.add_checker(Checker {
            span: statement.span,
            timing: host.timing.over(&reading.timing),
            link: host.link.given(),
            kind: Kind::Smtp(Box::new(own.clone())),
        });
    }
    if itself {
        server.add_checker(finish(reading, statement.span, |_| Kind::Smtp(Box::new(own))));
    }
}

impl Draft {
    pub(super) fn settle(self, connection: Connection) -> SmtpCheck {
        SmtpCheck { connection, helo: Arc::from(self.helo.as_deref().unwrap_or(HELO)) }
    }
}
