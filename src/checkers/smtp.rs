//! SMTP_CHECK, the half without sockets: replies of one or several lines (RFC 5321 §4.2.1), and what
//! to say next.

/// Where the dialogue stands: what the server has been asked, and so what its next reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Greeting,
    Hello,
    Quit,
}

/// What to do after a complete reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Send(String),
    /// The dialogue is over and was as it should be.
    Passed,
    Failed(String),
}

/// One dialogue: fed with lines, says what to send.
#[derive(Clone, Debug)]
pub struct Dialogue {
    stage: Stage,
    helo: String,
}

impl Dialogue {
    #[must_use]
    pub fn new(helo: &str) -> Self {
        Self { stage: Stage::Greeting, helo: helo.to_owned() }
    }

    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Takes a line without its end. None: the reply goes on in the next line.
    pub fn line(&mut self, line: &[u8]) -> Option<Next> {
        let Some((code, last)) = reply(line) else {
            return Some(match self.stage {
                // Whatever it says to QUIT, it has answered.
                Stage::Quit => Next::Passed,
                // Escaped: it goes to logs and terminals.
                Stage::Greeting | Stage::Hello => Next::Failed(format!(
                    "not an SMTP reply: {}",
                    String::from_utf8_lossy(line.get(..60).unwrap_or(line)).escape_debug()
                )),
            });
        };
        if !last {
            return None;
        }
        Some(match (self.stage, code) {
            (Stage::Greeting, 220) => {
                self.stage = Stage::Hello;
                Next::Send(format!("HELO {}\r\n", self.helo))
            }
            (Stage::Greeting, code) => Next::Failed(format!("greeting with code {code}")),
            (Stage::Hello, 250) => {
                self.stage = Stage::Quit;
                Next::Send("QUIT\r\n".to_owned())
            }
            (Stage::Hello, code) => Next::Failed(format!("code {code} to HELO")),
            (Stage::Quit, _) => Next::Passed,
        })
    }
}

/// Code, and whether this is the reply's last line: `250 fine`, `250`, but `250-more follows`.
fn reply(line: &[u8]) -> Option<(u16, bool)> {
    let code = line.first_chunk::<3>()?;
    if !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match line.get(3) {
        None | Some(b' ' | b'\t') => Some((code, true)),
        Some(b'-') => Some((code, false)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn talk(lines: &[&str]) -> (Vec<String>, Option<Next>) {
        let mut dialogue = Dialogue::new("lb.example.com");
        let mut said = vec![];
        for line in lines {
            match dialogue.line(line.as_bytes()) {
                None => {}
                Some(Next::Send(text)) => said.push(text),
                Some(end) => return (said, Some(end)),
            }
        }
        (said, None)
    }

    #[test]
    fn a_plain_server_and_a_talkative_one_pass() {
        let said = vec!["HELO lb.example.com\r\n".to_owned(), "QUIT\r\n".to_owned()];
        assert_eq!(talk(&["220 hello", "250 you", "221 bye"]), (said.clone(), Some(Next::Passed)));
        let many =
            ["220-mx", "220-no spam", "220 ready", "250-mx", "250-SIZE 1", "250 OK", "221 2.0.0"];
        assert_eq!(talk(&many), (said.clone(), Some(Next::Passed)));
        assert_eq!(talk(&["220", "250", "what?"]), (said, Some(Next::Passed)));
    }

    #[test]
    fn other_answers_fail() {
        for (lines, word) in [
            (&["554 go away"][..], "554"),
            (&["220 hello", "502 no"], "502"),
            (&["SSH-2.0-OpenSSH_9.2"], "not an SMTP reply"),
            (&["2200 hello"], "not an SMTP reply"),
            (&["22"], "not an SMTP reply"),
            (&["220-first", "554 second thoughts"], "554"),
        ] {
            match talk(lines).1 {
                Some(Next::Failed(reason)) => assert!(reason.contains(word), "{reason}"),
                other => panic!("{lines:?}: {other:?}"),
            }
        }
        assert_eq!(talk(&["220-and", "220-so", "220-on"]).1, None);
    }

    proptest! {
        #[test]
        fn any_lines_do_no_harm(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..9)) {
            let mut dialogue = Dialogue::new("x");
            for line in &lines {
                let next = dialogue.line(line);
                prop_assert!(next.is_none() || dialogue.stage() != Stage::Greeting || matches!(next, Some(Next::Failed(_))));
            }
        }
    }
}
