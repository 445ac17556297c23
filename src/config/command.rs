//! Command lines of scripts: quoted twice, once as a statement and once as a command, without a
//! shell (keepalived.conf(5), "SCRIPTS").
use super::{diagnostic::Diagnostics, rules::values as rules, tree::Statement};
use crate::base::Script;

/// The command behind the keyword, and the user and group behind the command.
pub fn script(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<Script> {
    let words = split(&statement.raw, Escapes::Kept);
    let mut words = words.into_iter().skip(1);
    let Some(command) = words.next().filter(|command| !command.trim().is_empty()) else {
        out.report(rules::EMPTY_COMMAND, statement.span).with("word", statement.first());
        return None;
    };
    let mut argv = split(&command, Escapes::Taken);
    if let Some(text) = shell_text(statement) {
        argv = vec!["/bin/sh".to_owned(), "-c".to_owned(), text];
    }
    let user = words.next();
    let group = words.next();
    Some(Script { argv, user, group })
}

/// A check that begins with `<` and an absolute path, which succeeds where the file can be opened:
/// keepalived leaves its first word to a shell, and drops the others.
pub(super) fn shell_text(statement: &Statement<'_>) -> Option<String> {
    if !matches!(statement.first(), "script" | "misc_path") || !statement.raw.contains('<') {
        return None;
    }
    let command = split(&statement.raw, Escapes::Kept).into_iter().nth(1)?;
    let first = split(&command, Escapes::Taken).into_iter().next()?;
    let file = first.strip_prefix('<')?.trim_start_matches([' ', '\t']);
    file.starts_with('/').then_some(first)
}

/// The first argument of a line as text, quotes removed and escapes taken, blanks and all.
pub(super) fn argument(raw: &str) -> Option<String> {
    let word = split(raw, Escapes::Kept).into_iter().nth(1)?;
    let mut text = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' { text.extend(escaped(&mut chars)) } else { text.push(c) }
    }
    Some(text)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    /// A backslash keeps itself and the character behind it together.
    Kept,
    /// `\n`, `\x41`, `\101`, `\cA`, and any other character as it is.
    Taken,
}

/// Splits at blanks; `"…"` and `'…'` both quote and may touch other text.
fn split(text: &str, escapes: Escapes) -> Vec<String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) => {
                let word = word.get_or_insert_default();
                match escapes {
                    Escapes::Kept => {
                        word.push(c);
                        word.extend(chars.next());
                    }
                    Escapes::Taken => word.extend(escaped(&mut chars)),
                }
            }
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_ascii_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

fn escaped(chars: &mut Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'a' => '\x07',
        'b' => '\x08',
        'E' => '\x1b',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' => return digits(chars, 16, 2, 0),
        'c' => char::from_u32(u32::from(chars.next()?) & 0x1f)?,
        c @ '0'..='7' => return digits(chars, 8, 2, c.to_digit(8)?),
        c => c,
    })
}

fn digits(chars: &mut Chars<'_>, radix: u32, most: usize, mut value: u32) -> Option<char> {
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
        value = value * radix + digit;
        chars.next();
    }
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{parse, source::Sources};

    #[test]
    fn commands_are_split_as_keepalived_splits_them() {
        let line = r#"misc_path "/x.sh 'a b' \"c d\" e\\ f \\x41 'it''s' ''""#;
        let words = split(line, Escapes::Kept);
        assert_eq!(words.len(), 2);
        assert_eq!(
            split(&words[1], Escapes::Taken),
            ["/x.sh", "a b", "\"c", "d\"", "e\\", "f", "\\x41", "its", ""]
        );
    }

    #[test]
    fn a_shell_reads_what_begins_with_a_file_to_open() {
        let argv = |line: &str| {
            let text = format!(
                "vrrp_script a {{\n{line}\n}}\nvrrp_instance V {{\ninterface eth0\n\
                 virtual_router_id 7\ntrack_script {{\na\n}}\n}}\n"
            );
            let (config, _) = parse(&Sources::from_text("x.conf", text));
            config.vrrp.scripts[0].script.argv.join(" ")
        };
        for (line, expected) in [
            ("script \"</etc/hosts\"", "/bin/sh -c </etc/hosts"),
            ("script </etc/hosts", "/bin/sh -c </etc/hosts"),
            ("script \"'< /etc/hosts; exit 3'\"", "/bin/sh -c < /etc/hosts; exit 3"),
            // What stands behind the first word is dropped.
            ("script \"</etc/hosts && false\"", "/bin/sh -c </etc/hosts"),
            ("script \"< /etc/hosts\"", "< /etc/hosts"),
            ("script \"<etc/hosts\"", "<etc/hosts"),
        ] {
            assert_eq!(argv(line), expected, "{line}");
        }
    }

    #[test]
    fn escapes_have_their_values() {
        assert_eq!(split(r"\x41\101\n\cA\q\t", Escapes::Taken), ["AA\n\x01q\t"]);
        assert_eq!(split(r"/x.sh a", Escapes::Kept), ["/x.sh", "a"]);
        assert_eq!(split(r#"a"b c"d"#, Escapes::Kept), ["ab cd"]);
        assert_eq!(split("\\", Escapes::Taken), [""]);
    }
}
