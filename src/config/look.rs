//! What was looked at beyond the text, on this machine and on real servers, and what was seen.
use super::rules::text::{self, Language};
use std::fmt::Write as _;

/// One thing that was looked at. What is wrong with it is a diagnostic of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    pub topic: Topic,
    /// `eth0`, `[192.0.2.11]:tcp:80 TCP_CHECK`: a name, the same in all languages.
    pub subject: String,
    pub state: LookState,
    /// What was seen, in English: a phrase that `phrases.txt` knows, or names and figures.
    pub seen: String,
}

/// What kind of thing it is. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// A network interface of the file.
    Interface,
    /// A module of the kernel.
    Module,
    /// A setting below /proc/sys.
    Sysctl,
    /// Packet filters.
    Firewall,
    /// Adverts of a virtual router on the wire.
    Router,
    /// A command that is run for the user.
    Script,
    /// The mail server.
    Mail,
    /// A checker of a real server.
    Checker,
    /// The virtual address on a real server.
    Address,
}

/// How it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LookState {
    Good,
    Bad,
    /// It could not be looked at; `seen` says why.
    Unknown,
}

impl Topic {
    #[must_use]
    pub const fn name(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::English, Self::Interface) => "interface",
            (Language::English, Self::Module) => "module",
            (Language::English, Self::Sysctl) => "sysctl",
            (Language::English, Self::Firewall) => "firewall",
            (Language::English, Self::Router) => "router",
            (Language::English, Self::Script) => "script",
            (Language::English, Self::Mail) => "mail",
            (Language::English, Self::Checker) => "checker",
            (Language::English, Self::Address) => "address",
            (Language::Chinese, Self::Interface) => "网卡",
            (Language::Chinese, Self::Module) => "内核模块",
            (Language::Chinese, Self::Sysctl) => "内核参数",
            (Language::Chinese, Self::Firewall) => "防火墙",
            (Language::Chinese, Self::Router) => "虚拟路由器",
            (Language::Chinese, Self::Script) => "脚本",
            (Language::Chinese, Self::Mail) => "邮件服务器",
            (Language::Chinese, Self::Checker) => "健康检查",
            (Language::Chinese, Self::Address) => "虚拟地址",
        }
    }
}

impl LookState {
    #[must_use]
    pub const fn name(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::English, Self::Good) => "ok",
            (Language::English, Self::Bad) => "bad",
            (Language::English, Self::Unknown) => "?",
            (Language::Chinese, Self::Good) => "正常",
            (Language::Chinese, Self::Bad) => "异常",
            (Language::Chinese, Self::Unknown) => "未知",
        }
    }
}

/// Columns of the widest word of each kind, and the space behind it.
const STATE: usize = 5;
const TOPIC: usize = 11;
/// A longer subject pushes the rest of its line.
const SUBJECT: usize = 36;

/// A line each, in the order of topics and subjects, and a line that counts them.
#[must_use]
pub fn report(looks: &[Look], language: Language) -> String {
    let mut sorted: Vec<&Look> = looks.iter().collect();
    sorted.sort_by(|a, b| (a.topic, &a.subject).cmp(&(b.topic, &b.subject)));
    let longest = sorted.iter().map(|look| columns(&look.subject)).max().unwrap_or(0);
    let subject_width = (longest + 2).min(SUBJECT);
    let mut text = String::new();
    for look in sorted {
        push(&mut text, look.state.name(language), STATE);
        push(&mut text, look.topic.name(language), TOPIC);
        push(&mut text, &look.subject, subject_width);
        text.push_str(&look.seen_in(language));
        text.push('\n');
    }
    let count = |state| looks.iter().filter(|look| look.state == state).count();
    let (good, bad, unknown) =
        (count(LookState::Good), count(LookState::Bad), count(LookState::Unknown));
    // Writing to a String cannot fail.
    let written = match language {
        Language::English => {
            writeln!(text, "{good} ok, {bad} bad, {unknown} could not be looked at")
        }
        Language::Chinese => writeln!(text, "{good} 项正常，{bad} 项异常，{unknown} 项未能检查"),
    };
    if written.is_err() { String::new() } else { text }
}

impl Look {
    #[must_use]
    pub fn seen_in(&self, language: Language) -> String {
        match language {
            Language::English => self.seen.clone(),
            Language::Chinese => text::phrase(&self.seen).unwrap_or_else(|| self.seen.clone()),
        }
    }
}

/// The text, and blanks up to so many columns; one blank at least.
fn push(out: &mut String, text: &str, width: usize) {
    out.push_str(text);
    out.push_str(&" ".repeat(width.saturating_sub(columns(text)).max(1)));
}

/// Chinese characters take two columns of a terminal.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_columns_in_both_languages() {
        let look = |topic, subject: &str, state, seen: &str| Look {
            topic,
            subject: subject.to_owned(),
            state,
            seen: seen.to_owned(),
        };
        let looks = [
            look(Topic::Mail, "192.0.2.25:25", LookState::Unknown, "no time was left"),
            look(Topic::Interface, "eth0", LookState::Good, "192.0.2.5/24"),
        ];
        assert_eq!(
            report(&looks, Language::English),
            "ok   interface  eth0           192.0.2.5/24\n\
             ?    mail       192.0.2.25:25  no time was left\n\
             1 ok, 0 bad, 1 could not be looked at\n"
        );
        assert_eq!(
            report(&looks, Language::Chinese),
            "正常 网卡       eth0           192.0.2.5/24\n\
             未知 邮件服务器 192.0.2.25:25  没有剩余时间\n\
             1 项正常，0 项异常，1 项未能检查\n"
        );
    }
}
