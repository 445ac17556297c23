//! DNS_CHECK, the half without sockets: one question, and whether a datagram answers it (RFC 1035 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "decodes bytes from outside"
)]

/// What a datagram is to our question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// RCODE 0; there may be no records in it.
    Good,
    /// RCODE 1..=15.
    Refused(u8),
    /// Another id, a query, or too short: wait on.
    NotOurs,
}

const RECURSION_DESIRED: u16 = 0x0100;
const RESPONSE: u16 = 0x8000;
const CLASS_IN: u16 = 1;

/// One question of the type given, class IN. None: the name has an empty label, one of more than 63
/// bytes, or more than 255 in all.
#[must_use]
pub fn query(id: u16, record: u16, name: &str) -> Option<Vec<u8>> {
    let mut out = vec![];
    for word in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    let header = out.len();
    let name = name.strip_suffix('.').unwrap_or(name);
    for label in name.split('.').filter(|_| !name.is_empty()) {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        out.push(length);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    if out.len() - header > 255 {
        return None;
    }
    out.extend_from_slice(&record.to_be_bytes());
    out.extend_from_slice(&CLASS_IN.to_be_bytes());
    Some(out)
}

/// What a datagram says to the question with that id.
#[must_use]
pub fn answer(id: u16, datagram: &[u8]) -> Answer {
    let [id_high, id_low, flags_high, flags_low, ..] = *datagram else { return Answer::NotOurs };
    let flags = u16::from_be_bytes([flags_high, flags_low]);
    if datagram.len() < 12 || u16::from_be_bytes([id_high, id_low]) != id || flags & RESPONSE == 0 {
        return Answer::NotOurs;
    }
    match flags_low & 0x0f {
        0 => Answer::Good,
        code => Answer::Refused(code),
    }
}

/// RFC 1035 §4.1.1 and RFC 2136 §2.2.
#[must_use]
pub const fn code_name(code: u8) -> &'static str {
    match code {
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        _ => "an error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_question() {
        let expected = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\
            \x03www\x07example\x03com\x00\x00\x01\x00\x01";
        assert_eq!(query(0x1234, 1, "www.example.com").unwrap(), expected);
        assert_eq!(query(0x1234, 1, "www.example.com.").unwrap(), expected);
        let root = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01";
        assert_eq!(query(7, 6, "").unwrap(), root);
        assert_eq!(query(7, 6, ".").unwrap(), root);
        assert_eq!(query(7, 6, "a..b"), None);
        assert_eq!(query(7, 6, &"x".repeat(64)), None);
        assert_eq!(query(7, 6, &["x"; 128].join(".")), None);
    }

    #[test]
    fn the_answer() {
        let reply = |id: u16, flags: u16| {
            let mut bytes = vec![0; 12];
            bytes[..2].copy_from_slice(&id.to_be_bytes());
            bytes[2..4].copy_from_slice(&flags.to_be_bytes());
            bytes
        };
        assert_eq!(answer(7, &reply(7, 0x8180)), Answer::Good);
        assert_eq!(answer(7, &reply(7, 0x8183)), Answer::Refused(3));
        assert_eq!(answer(7, &reply(8, 0x8180)), Answer::NotOurs);
        assert_eq!(answer(7, &reply(7, 0x0100)), Answer::NotOurs);
        assert_eq!(answer(7, &reply(7, 0x8180)[..11]), Answer::NotOurs);
        assert_eq!(answer(7, &[]), Answer::NotOurs);
    }

    proptest! {
        #[test]
        fn a_question_is_never_taken_for_an_answer(id: u16, record: u16, name in "[a-z.]{0,80}") {
            if let Some(query) = query(id, record, &name) {
                prop_assert_eq!(answer(id, &query), Answer::NotOurs);
            }
        }

        #[test]
        fn any_bytes_do_no_harm(id: u16, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let ours = bytes.first_chunk() == Some(&id.to_be_bytes());
            prop_assert!(ours || answer(id, &bytes) == Answer::NotOurs);
        }
    }
}
