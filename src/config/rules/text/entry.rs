//! The form of the data files.
//!
//! ```text
//! ## LD0101
//! zh: the message in Chinese
//! zh-help: the help in Chinese, where the rule has one
//! why: an explanation, which may go on
//! on further lines
//! zh-why: the same in Chinese
//! wrong in vrrp_instance:
//!     lines that get the code
//! right in vrrp_instance:
//!     lines that do not
//! ```
//!
//! `in BLOCK` says in which block an example stands. In examples `<U+00A0>` is a character,
//! `<E9>` a byte, and `<65 times: a {>` what it says.

/// One entry.
#[derive(Debug, Default)]
pub struct Text {
    pub code: u16,
    pub message: &'static str,
    pub help: &'static str,
    pub why: &'static str,
    pub why_chinese: &'static str,
    pub wrong: Example,
    pub right: Example,
}

/// Some lines of a configuration, and the block in which they stand.
#[derive(Debug, Default)]
pub struct Example {
    /// Empty at the top level.
    pub block: &'static str,
    /// Each line indented by four blanks.
    pub lines: &'static str,
}

impl Example {
    /// The example in its block, indented.
    pub(super) fn shown(&self) -> String {
        if self.block.is_empty() {
            return format!("{}\n", self.lines);
        }
        let inside: String = self.lines.lines().map(|line| format!("    {line}\n")).collect();
        format!("    {} {{\n{inside}    }}\n", header(self.block))
    }

    /// The lines themselves.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        let line = |line: &str| format!("{}\n", line.strip_prefix("    ").unwrap_or(line));
        self.lines.lines().map(line).collect()
    }
}

/// The line that opens a block in examples.
pub(super) fn header(block: &str) -> &str {
    match block {
        "vrrp_instance" => "vrrp_instance VI_1",
        "vrrp_script" => "vrrp_script chk_nginx",
        "virtual_server" => "virtual_server 192.0.2.80 80",
        "real_server" => "real_server 192.0.2.11 80",
        block => block,
    }
}

/// All entries of a file.
pub(super) fn entries(file: &'static str) -> impl Iterator<Item = Text> {
    file.split("\n## LD").skip(1).filter_map(entry)
}

fn entry(text: &'static str) -> Option<Text> {
    let (code, text) = text.split_once('\n')?;
    let mut entry = Text { code: code.trim().parse().ok()?, ..Text::default() };
    let starts: Vec<usize> = starts(text).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    for (start, end) in starts.iter().zip(ends) {
        let Some((key, value)) = text.get(*start..end)?.split_once(':') else { continue };
        let (what, block) = key.split_once(" in ").unwrap_or((key, ""));
        let lines = value.trim_start_matches('\n').trim_end();
        let value = value.trim();
        match what {
            "zh" => entry.message = value,
            "zh-help" => entry.help = value,
            "why" => entry.why = value,
            "zh-why" => entry.why_chinese = value,
            "wrong" => entry.wrong = Example { block, lines },
            "right" => entry.right = Example { block, lines },
            _ => {}
        }
    }
    Some(entry)
}

/// Offsets of the lines that begin a part of an entry.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    const PARTS: [&str; 6] = ["zh:", "zh-help:", "why:", "zh-why:", "wrong", "right"];
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        PARTS.iter().any(|part| line.starts_with(part)).then_some(start)
    })
}
