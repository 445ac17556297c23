//! `UDP_CHECK`: a datagram, and what may come back.
use super::{Kind, Reading, finish, with_connection};
use crate::config::{
    blocks::{lvs::real_server, words},
    diagnostic::Diagnostics,
    keyword::{
        Keyword,
        Takes::{One, Words},
        apply, kw,
    },
    model::{Connection, UdpCheck},
    rules::checkers as rules,
    tree::Statement,
    value,
};
use std::sync::{Arc, LazyLock};

/// What keepalived sends where nothing is given.
const PAYLOAD: &[u8] = b"keepalived check - keepalived ch";

#[derive(Clone, Debug, Default)]
pub(in crate::config::blocks::lvs) struct Draft {
    payload: Option<Vec<u8>>,
    require_reply: bool,
    reply: Option<Vec<(u8, u8)>>,
    least: Option<u16>,
    most: Option<u16>,
}

pub(in crate::config::blocks::lvs) static KEYWORDS: LazyLock<Vec<Keyword<Reading<Draft>>>> =
    LazyLock::new(|| {
        let mut table = with_connection();
        table.extend([
            kw(&["payload"], Words(1, 1024, "HEX"), |d: &mut Reading<Draft>, s, out| {
                words::set(&mut d.own.payload, value::hex(s, 1, out));
            })
            .default("32 bytes of text")
            .doc("what is sent"),
            kw(&["require_reply"], Words(0, 1024, "[HEX]"), require_reply)
                .doc("an answer must come, and look like this (x: any digit)"),
            kw(&["min_reply_length"], One("BYTES"), |d: &mut Reading<Draft>, s, out| {
                words::set(&mut d.own.least, words::number(s, 1, 0..=65535, out));
            })
            .default("0")
            .range("0..65535")
            .doc("shortest answer"),
            kw(&["max_reply_length"], One("BYTES"), |d: &mut Reading<Draft>, s, out| {
                words::set(&mut d.own.most, words::number(s, 1, 0..=65535, out));
            })
            .default("255")
            .range("0..65535")
            .doc("longest answer"),
        ]);
        table
    });

fn require_reply(draft: &mut Reading<Draft>, statement: &Statement<'_>, out: &mut Diagnostics) {
    draft.own.require_reply = true;
    let mut bytes = vec![];
    for word in statement.words.iter().skip(1) {
        let nibbles: Option<Vec<(u8, u8)>> = word.as_str().chars().map(nibble).collect();
        let Some(nibbles) = nibbles else {
            out.report(rules::REPLY_PATTERN, word.span).with("value", word.as_str());
            return;
        };
        bytes.extend(nibbles.chunks(2).map(|pair| {
            pair.iter().fold((0, 0), |(value, mask), (v, m)| (value << 4 | v, mask << 4 | m))
        }));
    }
    draft.own.reply = (!bytes.is_empty()).then_some(bytes);
}

/// Value and mask of a digit; `x` stands for any.
fn nibble(c: char) -> Option<(u8, u8)> {
    if matches!(c, 'x' | 'X') {
        return Some((0, 0));
    }
    let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
    Some((digit, 0xf))
}

pub(in crate::config::blocks::lvs) fn block(
    server: &mut real_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let mut reading = Reading::default();
    apply(&KEYWORDS, "UDP_CHECK", statement.body(), &mut reading, out);
    server.add_checker(finish(reading, statement.span, |own| Kind::Udp(Box::new(own))));
}

impl Draft {
    pub(super) fn settle(self, connection: Connection) -> UdpCheck {
        UdpCheck {
            connection,
            payload: self.payload.map_or_else(|| Arc::from(PAYLOAD), Arc::from),
            require_reply: self.require_reply,
            reply: self.reply.map(Arc::from),
            min_reply_length: self.least.unwrap_or(0),
            max_reply_length: self.most.unwrap_or(255),
        }
    }
}
