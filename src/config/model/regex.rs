//! `regex` of a url, and what PCRE2's options and anchors mean to the engine in use.

/// How the body of a page is searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegexOptions {
    /// As PCRE2 reads it.
    pub pattern: String,
    /// Pass when it does *not* match.
    pub no_match: bool,
    pub caseless: bool,
    pub multiline: bool,
    pub dotall: bool,
    pub extended: bool,
    pub ungreedy: bool,
    /// `$` does not match before a newline that ends the body.
    pub dollar_endonly: bool,
    /// A match begins in the first line.
    pub first_line: bool,
    /// Bytes of the response, its head included, before the search begins; the head is not searched.
    pub min_offset: usize,
    /// A match begins no later than at this byte of the response, its head included.
    pub max_offset: Option<usize>,
}

impl RegexOptions {
    /// The pattern for fancy-regex, with its options in front.
    #[must_use]
    pub fn expression(&self) -> String {
        let flags = [
            (self.caseless, 'i'),
            (self.multiline, 'm'),
            (self.dotall, 's'),
            (self.extended, 'x'),
            (self.ungreedy, 'U'),
        ];
        let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| flag).collect();
        let prefix = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
        if self.multiline || self.dollar_endonly || sets_multiline(&self.pattern) {
            return format!("{prefix}{}", self.pattern);
        }
        format!("{prefix}{}", before_last_newline(&self.pattern))
    }
}

/// Whether the pattern itself says `(?m)`, in whatever company.
fn sets_multiline(pattern: &str) -> bool {
    pattern.match_indices("(?").any(|(at, _)| {
        let flags = pattern.get(at + 2..).unwrap_or_default();
        flags.chars().take_while(char::is_ascii_alphabetic).any(|flag| flag == 'm')
    })
}

/// `$` of PCRE2 matches at the end and before a newline there; that of fancy-regex at the end only.
/// The newline is taken into the match, because to look ahead costs the fast engine.
fn before_last_newline(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                text.push(c);
                text.extend(rest.next());
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '$' if !in_class => {
                text.push_str(r"(?:\n?\z)");
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_body_is_before_its_last_newline_too() {
        let plain = |pattern: &str| RegexOptions { pattern: pattern.into(), ..Default::default() };
        assert_eq!(plain("^ok$").expression(), r"^ok(?:\n?\z)");
        assert_eq!(plain(r"a\$[$\]$]b").expression(), r"a\$[$\]$]b");
        assert_eq!(plain(r"a\").expression(), r"a\");
        assert_eq!(plain("(?im)a$").expression(), "(?im)a$");
        let all = RegexOptions {
            caseless: true,
            multiline: true,
            dotall: true,
            extended: true,
            ungreedy: true,
            ..plain("a$")
        };
        assert_eq!(all.expression(), "(?imsxU)a$");
        assert_eq!(RegexOptions { dollar_endonly: true, ..plain("a$") }.expression(), "a$");
    }
}
