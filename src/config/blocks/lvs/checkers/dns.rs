//! `DNS_CHECK`: a question to a name server.
use super::{Kind, Reading, finish, with_connection};
use crate::config::{
    blocks::{lvs::real_server, words},
    diagnostic::Diagnostics,
    keyword::{Keyword, Takes::One, apply, kw},
    model::{Connection, DnsCheck},
    rules::checkers as rules,
    tree::Statement,
    value,
};
use std::sync::LazyLock;

/// Type numbers of RFC 1035 and successors.
const TYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("RRSIG", 46),
    ("DNSKEY", 48),
];

#[derive(Clone, Debug, Default)]
pub(in crate::config::blocks::lvs) struct Draft {
    record: Option<u16>,
    name: Option<String>,
}

pub(in crate::config::blocks::lvs) static KEYWORDS: LazyLock<Vec<Keyword<Reading<Draft>>>> =
    LazyLock::new(|| {
        let mut table = with_connection();
        table.push(
            kw(&["type"], One("TYPE"), |d: &mut Reading<Draft>, s, out| {
                let Some(word) = s.word(1) else { return };
                let known = |name: &str| name.eq_ignore_ascii_case(word.as_str());
                d.own.record =
                    TYPES.iter().find(|(name, _)| known(name)).map(|(_, number)| *number);
                if d.own.record.is_none() {
                    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
                    value::one_of(s, 1, &names, out);
                }
            })
            .default("SOA")
            .range("A NS CNAME SOA MX TXT AAAA RRSIG DNSKEY")
            .doc("what is asked for"),
        );
        table.push(
            kw(&["name"], One("NAME"), |d: &mut Reading<Draft>, s, out| {
                let Some(name) = words::text(s) else { return };
                let plain = name.trim_end_matches('.').to_owned();
                let good = |label: &str| !label.is_empty() && label.len() <= 63;
                if !(plain.is_empty() || plain.len() <= 253 && plain.split('.').all(good)) {
                    out.report(rules::DNS_NAME, value::span_of(s, 1)).with("name", &name);
                    return;
                }
                d.own.name = Some(plain);
            })
            .default(".")
            .doc("the name that is looked up"),
        );
        table
    });

pub(in crate::config::blocks::lvs) fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut reading = Reading::default();
    apply(&KEYWORDS, "DNS_CHECK", statement.body(), &mut reading, out);
    server.add_checker(finish(reading, statement.span, |own| Kind::Dns(Box::new(own))));
}

impl Draft {
    pub(super) fn settle(self, connection: Connection) -> DnsCheck {
        const SOA: u16 = 6;
        DnsCheck {
            connection,
            record: self.record.unwrap_or(SOA),
            name: self.name.unwrap_or_default(),
        }
    }
}
