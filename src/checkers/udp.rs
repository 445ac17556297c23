//! UDP_CHECK, the half without sockets: whether a reply is as demanded (spec: LVS and checkers §5.6).
use super::Outcome;
use crate::config::model::UdpCheck;

/// A reply arrived.
#[must_use]
pub fn judge(check: &UdpCheck, reply: &[u8]) -> Outcome {
    let Some(expected) = &check.reply else {
        return Outcome::pass(format!("a reply of {} bytes", reply.len()));
    };
    let lengths = usize::from(check.min_reply_length)..=usize::from(check.max_reply_length);
    if !lengths.contains(&reply.len()) {
        return Outcome::fail(format!(
            "a reply of {} bytes instead of {} to {}",
            reply.len(),
            lengths.start(),
            lengths.end()
        ));
    }
    let wrong =
        reply.iter().zip(&**expected).position(|(is, (value, mask))| (is ^ value) & mask != 0);
    match wrong {
        None => Outcome::pass("the reply expected"),
        Some(at) => Outcome::fail(format!("the reply differs at byte {at}")),
    }
}

/// Nothing came within the time.
#[must_use]
pub fn silence(check: &UdpCheck) -> Outcome {
    if check.require_reply {
        Outcome::fail("no reply within the time")
    } else {
        Outcome::pass("nobody objected")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Connection;
    use std::{sync::Arc, time::Duration};

    #[test]
    fn replies_are_compared_under_their_mask() {
        let connection = Connection {
            to: "127.0.0.1:53".parse().unwrap(),
            from: None,
            from_port: 0,
            interface: None,
            mark: 0,
            timeout: Duration::from_secs(1),
        };
        let check = |reply: Option<&[(u8, u8)]>, require_reply| UdpCheck {
            connection: connection.clone(),
            payload: Arc::from([]),
            require_reply,
            reply: reply.map(Arc::from),
            min_reply_length: 1,
            max_reply_length: 3,
        };
        let expected: &[(u8, u8)] = &[(0x12, 0xff), (0x30, 0xf0)];
        let table: &[(&[u8], bool)] = &[
            (&[0x12, 0x3f], true),
            (&[0x12], true),
            (&[0x12, 0x30, 0x99], true),
            (&[0x12, 0x40], false),
            (&[0x13, 0x30], false),
            (&[], false),
            (&[0x12, 0x30, 0, 0], false),
        ];
        for (reply, passes) in table {
            let outcome = judge(&check(Some(expected), true), reply);
            assert_eq!(matches!(outcome, Outcome::Pass { .. }), *passes, "{reply:x?}: {outcome:?}");
        }
        assert!(matches!(judge(&check(None, false), &[]), Outcome::Pass { .. }));
        assert!(matches!(silence(&check(None, false)), Outcome::Pass { .. }));
        assert!(matches!(silence(&check(None, true)), Outcome::Fail { .. }));
    }
}
