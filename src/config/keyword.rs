//! A block is a table of keywords; this applies a table to a block.
use super::{
    diagnostic::{Certainty, Diagnostics},
    known::homes,
    rules::language as rules,
    source::Span,
    tree::{Statement, Word},
};

/// What messages call the level outside of any block.
pub(super) const TOP: &str = "the file";

/// One keyword of one block: what the parser, `check` and the README table know of it.
#[derive(Debug)]
pub struct Keyword<T: 'static> {
    /// The keyword and its other spellings; the first is the one to recommend.
    pub names: &'static [&'static str],
    pub takes: Takes,
    pub support: Support,
    pub default: &'static str,
    pub range: &'static str,
    pub doc: &'static str,
    pub apply: Apply<T>,
}

/// Called with the number of words already checked against [`Takes`].
pub type Apply<T> = fn(&mut T, &Statement<'_>, &mut Diagnostics);

/// What stands behind a keyword; the text names the arguments for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// Nothing, or on/off/true/false/yes/no.
    OptionalBool,
    /// Exactly one word.
    One(&'static str),
    /// Nothing or one word.
    UpTo1(&'static str),
    /// At least `min`, at most `max` words.
    Words(usize, usize, &'static str),
    /// A command line that is split by the rules of scripts (`value::script`).
    Script,
    /// Keywords between braces, no word before them.
    Block,
    /// One word (a name), then keywords between braces.
    NamedBlock(&'static str),
    /// `min`..=`max` words, then keywords between braces.
    WordsBlock(usize, usize, &'static str),
    /// Free lines between braces.
    Lines(&'static str),
}

/// Whether a keyword does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Works.
    Full,
    /// Will work; until then a warning says that it does not.
    NotYet(&'static str),
    /// Never will; a warning says why, and what to do instead.
    NoEffect(&'static str),
    /// Works, but is an old way to say it: a note says the new one.
    Obsolete(&'static str),
}

/// Starts a table line: `kw(&["delay_loop"], One("SECONDS"), apply).default("60").doc("…")`.
pub const fn kw<T>(names: &'static [&'static str], takes: Takes, apply: Apply<T>) -> Keyword<T> {
    Keyword { names, takes, support: Support::Full, default: "", range: "", doc: "", apply }
}

/// A keyword that is known and does nothing, for the reason in `support`: its block, if it has one,
/// is skipped.
pub const fn inert<T>(
    names: &'static [&'static str],
    takes: Takes,
    support: Support,
) -> Keyword<T> {
    kw(names, takes, |_, _, _| {}).support(support)
}

impl<T> Keyword<T> {
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }
    #[must_use]
    pub const fn range(mut self, range: &'static str) -> Self {
        self.range = range;
        self
    }
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
    #[must_use]
    pub const fn support(mut self, support: Support) -> Self {
        self.support = support;
        self
    }
}

/// A keyword without its block's type: for lists, suggestions and documentation.
#[derive(Clone, Copy, Debug)]
pub struct KeywordInfo {
    pub names: &'static [&'static str],
    pub takes: Takes,
    pub support: Support,
    pub default: &'static str,
    pub range: &'static str,
    pub doc: &'static str,
}

/// A block by its name, and the keywords it knows.
#[derive(Clone, Copy, Debug)]
pub struct BlockInfo {
    pub name: &'static str,
    pub keywords: fn() -> Vec<KeywordInfo>,
}

/// Forgets the type of a table.
#[must_use]
pub fn describe<T>(table: &'static [Keyword<T>]) -> Vec<KeywordInfo> {
    table
        .iter()
        .map(|k| KeywordInfo {
            names: k.names,
            takes: k.takes,
            support: k.support,
            default: k.default,
            range: k.range,
            doc: k.doc,
        })
        .collect()
}

/// Applies a table to the statements of a block. `block` is its name for messages: "virtual_server".
/// A statement that does not fit is reported once and skipped whole, with its block.
pub fn apply<T>(
    table: &'static [Keyword<T>],
    block: &'static str,
    body: &[Statement<'_>],
    into: &mut T,
    out: &mut Diagnostics,
) {
    for statement in body {
        let keyword = find(table, statement.first());
        let sign =
            statement.word(1).is_some_and(|word| matches!(word.as_str(), "=" | ":" | "＝" | "："));
        let plain = match keyword {
            Some(_) if !sign => None,
            Some(_) | None => without_sign(table, statement, out),
        };
        let statement = plain.as_ref().unwrap_or(statement);
        match keyword.or_else(|| find(table, statement.first())) {
            Some(keyword) => {
                if fits(table, keyword, statement, out) {
                    support(keyword, statement, out);
                    (keyword.apply)(into, statement, out);
                }
            }
            None => unknown(table, block, statement, out),
        }
    }
}

fn find<T>(table: &'static [Keyword<T>], word: &str) -> Option<&'static Keyword<T>> {
    table.iter().find(|keyword| keyword.names.contains(&word))
}

/// The statement without the sign that other languages put behind a name: `priority = 150`.
fn without_sign<'s, T>(
    table: &'static [Keyword<T>],
    statement: &Statement<'s>,
    out: &mut Diagnostics,
) -> Option<Statement<'s>> {
    let first = statement.words.first()?;
    let is_sign = |c: char| matches!(c, '=' | ':' | '＝' | '：');
    let at = first.text.find(is_sign);
    let (name, tail) = first.text.split_at(at.unwrap_or(first.text.len()));
    let mut tail = tail.chars();
    let sign = match tail.next() {
        Some(sign) => sign,
        None => statement.word(1)?.text.parse().ok().filter(|c| is_sign(*c))?,
    };
    find(table, name)?;
    let behind = statement.raw.strip_prefix(first.as_str())?;
    let mut plain = statement.clone();
    let (span, between) = if at.is_none() {
        let sign = plain.words.remove(1);
        let value = plain.words.get(1)?;
        plain.raw = format!("{name}{}", behind.trim_start().strip_prefix(sign.as_str())?).into();
        let near = value.span.file == sign.span.file && value.span.start >= sign.span.end;
        (if near { Span { end: value.span.start, ..sign.span } } else { sign.span }, "")
    } else {
        let value = tail.as_str();
        let end = first.span.end.checked_sub(u32::try_from(value.len()).ok()?)?;
        let start = end.checked_sub(u32::try_from(sign.len_utf8()).ok()?)?;
        plain.raw = format!("{name} {value}{behind}").into();
        plain.words[0] = Word { text: name.to_owned().into(), span: first.span };
        if value.is_empty() {
            (Span { start, end, ..first.span }, "")
        } else {
            let span = Span { start: end, ..first.span };
            plain.words.insert(1, Word { text: value.to_owned().into(), span });
            (Span { start, end, ..first.span }, " ")
        }
    };
    out.report(rules::SIGN_BEHIND_KEYWORD, span)
        .with("word", name)
        .with("sign", sign)
        .mend_with(between);
    Some(plain)
}

fn support<T>(keyword: &Keyword<T>, statement: &Statement<'_>, out: &mut Diagnostics) {
    let (rule, why) = match keyword.support {
        Support::Full => return,
        Support::NotYet(why) => (rules::NOT_YET, why),
        Support::NoEffect(why) => (rules::NO_EFFECT, why),
        Support::Obsolete(why) => (rules::OBSOLETE, why),
    };
    let span = statement.words.first().map_or(statement.span, |word| word.span);
    out.report(rule, span).with("word", statement.first()).with("why", why);
}

impl Takes {
    /// Fewest and most words behind the keyword, and whether a block follows.
    pub(super) const fn shape(self) -> (usize, usize, bool) {
        match self {
            Self::Nothing => (0, 0, false),
            Self::OptionalBool | Self::UpTo1(_) => (0, 1, false),
            Self::One(_) => (1, 1, false),
            Self::Words(least, most, _) => (least, most, false),
            // Its words are split by rules of their own.
            Self::Script => (1, usize::MAX, false),
            Self::Block | Self::Lines(_) => (0, 0, true),
            Self::NamedBlock(_) => (1, 1, true),
            Self::WordsBlock(least, most, _) => (least, most, true),
        }
    }

    /// What stands behind the keyword, for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "no argument",
            Self::OptionalBool => "[on|off]",
            Self::One(what)
            | Self::UpTo1(what)
            | Self::Words(_, _, what)
            | Self::NamedBlock(what)
            | Self::WordsBlock(_, _, what) => what,
            Self::Script => "COMMAND",
            Self::Block => "a block",
            Self::Lines(_) => "a block of lines",
        }
    }
}

/// Whether the statement has the words and the block that its keyword takes; reports if not.
fn fits<T>(
    table: &'static [Keyword<T>],
    keyword: &Keyword<T>,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) -> bool {
    let (least, most, takes_block) = keyword.takes.shape();
    let given = statement.words.len() - 1;
    let surplus = statement.words.get(most.saturating_add(1)..).unwrap_or_default();
    if !takes_block || statement.block.is_none() {
        // `delay_loop 6 lb_algo rr real_server ... {` on one line.
        if let Some(swallowed) = swallowed(table, keyword.takes, statement) {
            let found = out
                .report(rules::ONE_LINE_BLOCK, swallowed.span)
                .with("word", statement.first())
                .with("surplus", swallowed.as_str())
                .with("reflowed", reflow(table, statement));
            found.certainty = Certainty::Certain;
            for pair in statement.words.windows(2) {
                if let [before, word] = pair
                    && before.span.file == word.span.file
                    && before.span.end <= word.span.start
                    && find(table, word.as_str()).is_some()
                {
                    let gap = Span { end: word.span.start, start: before.span.end, ..word.span };
                    found.mend_also(gap, "\n");
                }
            }
            return false;
        }
    }
    if given < least {
        out.report(rules::MISSING_ARGUMENT, statement.span)
            .with("word", statement.first())
            .with("needs", keyword.takes.describe());
        return false;
    }
    if takes_block && statement.block.is_none() {
        let (own, lines) = statement.words.split_at(statement.words.len() - surplus.len());
        let text =
            |words: &[Word<'_>]| words.iter().map(Word::as_str).collect::<Vec<_>>().join(" ");
        let within = if lines.is_empty() { "...".to_owned() } else { text(lines) };
        out.report(rules::MISSING_BLOCK, statement.span)
            .with("word", statement.first())
            .with("line", format!("{} {{ {within} }}", text(own)));
        return false;
    }
    if let (false, Some(block)) = (takes_block, &statement.block) {
        out.report(rules::UNEXPECTED_BLOCK, block.open).with("word", statement.first());
        return false;
    }
    if let Some(first) = surplus.first() {
        out.report(rules::SURPLUS_IGNORED, first.span)
            .with("word", statement.first())
            .with("takes", keyword.takes.describe())
            .with("surplus", first.as_str());
    }
    true
}

/// More optional words than this are a list of anything: parameters of a command, numbers.
const MOST_OPTIONS: usize = 8;

/// The first word behind a keyword and what it needs that begins a statement of its own.
fn swallowed<'w, 's, T>(
    table: &'static [Keyword<T>],
    takes: Takes,
    statement: &'w Statement<'s>,
) -> Option<&'w Word<'s>> {
    let (least, most, _) = takes.shape();
    let words = statement.words.iter().enumerate();
    if takes == Takes::Script {
        // Behind a command in quotes a user and a group may follow, and nothing else.
        let quoted = statement.raw.strip_prefix(statement.first())?.trim_start().starts_with('"');
        let mut behind = words.skip(2).map(|(_, word)| word);
        return behind.find(|word| quoted && find(table, word.as_str()).is_some());
    }
    let behind = words.skip(if most > MOST_OPTIONS { most } else { least }.saturating_add(1));
    // `user www user`: a group may be called so.
    let own = |at, word: &Word<'_>| at <= most && word.as_str() == statement.first();
    let mut keywords = behind.filter(|(_, word)| find(table, word.as_str()).is_some());
    keywords.find(|(at, word)| !own(*at, word)).map(|(_, word)| word)
}

/// The words of a line with each keyword on a line of its own.
fn reflow<T>(table: &'static [Keyword<T>], statement: &Statement<'_>) -> String {
    let mut text = String::new();
    for word in &statement.words {
        let separator = if text.is_empty() {
            ""
        } else if find(table, word.as_str()).is_some() {
            "\n"
        } else {
            " "
        };
        text.push_str(separator);
        if word.as_str().contains(' ') {
            text.push_str(&format!("\"{}\"", word.as_str()));
        } else {
            text.push_str(word.as_str());
        }
    }
    if statement.block.is_some() {
        text.push_str(" { ... }");
    }
    text
}

/// Words that are no keyword anywhere but mean something: of other programs, other releases, or
/// of the manual's notation.
const ALIASES: &[(&str, &str)] = &[
    ("nb_tcp_retry", "write `retry N`"),
    ("nb_get_retry", "write `retry N`"),
    ("net_mask", "remove it: virtual servers have had no mask since keepalived 1.2.20"),
    ("nat_mask", "remove it: virtual servers have had no mask since keepalived 1.2.20"),
    ("lvs_id", "write `router_id NAME` in global_defs"),
    ("plugin_dir", "remove it: there are no plugins"),
    ("EOF", "remove it: it ends a shell's here-document, of which this seems to be a copy"),
    ("...", "remove it: it stands for what was left out where this was copied from"),
    ("HTTP_GET|SSL_GET", "choose one: `|` is the manual's way to say \"or\""),
    ("vip_bind_dev", "remove it: it belongs to another branch of LVS (FNAT)"),
    ("est_timeout", "remove it: it belongs to another branch of LVS (FNAT)"),
    ("syn_proxy", "remove it: it belongs to another branch of LVS (FNAT)"),
    ("laddr_group_name", "remove it: it belongs to another branch of LVS (FNAT)"),
    ("waddr_group_name", "remove it: it belongs to another branch of LVS (FNAT)"),
];

/// What is said about [`ALIASES`].
#[cfg(test)]
pub(super) fn advice() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|(_, advice)| *advice)
}

/// Words of other programs for a keyword of a block: block, word, keyword. By their letters another
/// keyword would be nearer.
const MEANT: &[(&str, &str, &str)] = &[
    ("real_server", "HTTP_CHECK", "HTTP_GET"),
    ("real_server", "HTTPS_CHECK", "SSL_GET"),
    ("real_server", "HTTPS_GET", "SSL_GET"),
    ("real_server", "SSL_CHECK", "SSL_GET"),
    ("real_server", "ICMP_CHECK", "PING_CHECK"),
];

fn unknown<T>(
    table: &'static [Keyword<T>],
    block: &'static str,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let word = statement.first();
    let span = statement.words.first().map_or(statement.span, |word| word.span);
    let fresh = |rule, out: &mut Diagnostics| {
        out.report(rule, span).with("word", word).with("block", block);
    };
    if block == "real_server" && word == "lb_kind" {
        fresh(rules::ALIAS, out);
        amend(
            out,
            "advice",
            "write `lvs_method` in a real_server",
            Some(("lvs_method", Certainty::Certain)),
        );
        return;
    }
    let meant = MEANT.iter().find(|(of, said, _)| *of == block && *said == word);
    if let Some((_, _, meant)) = meant {
        fresh(rules::UNKNOWN_KEYWORD_NEAR, out);
        amend(out, "near", meant, Some((meant, Certainty::Likely)));
        return;
    }
    // `lb_algorr` has lost a blank, not a letter too many.
    if let (1, None, Some(apart)) =
        (statement.words.len(), &statement.block, unglue(table, word, |k| k.takes.shape().0 > 0))
    {
        fresh(rules::UNKNOWN_KEYWORD_NEAR, out);
        amend(out, "near", &apart, Some((&apart, sureness(&apart))));
        return;
    }
    let homes = homes(word);
    if !homes.is_empty() {
        fresh(rules::KEYWORD_ELSEWHERE, out);
        amend(out, "home", &homes, None);
        return;
    }
    let names = table.iter().flat_map(|keyword| keyword.names.iter().copied());
    if let Some((near, certainty)) = nearest(word, names) {
        fresh(rules::UNKNOWN_KEYWORD_NEAR, out);
        amend(out, "near", near, Some((near, certainty)));
        return;
    }
    // The files that are meant have not been read: `--fix` cannot tell what comes of it.
    if let Some((near, _)) = nearest(word, std::iter::once("include")) {
        fresh(rules::UNKNOWN_KEYWORD_NEAR, out);
        amend(out, "near", near, Some((near, Certainty::Likely)));
        return;
    }
    if let Some((_, advice)) = ALIASES.iter().find(|(alias, _)| *alias == word) {
        fresh(rules::ALIAS, out);
        amend(out, "advice", advice, None);
        return;
    }
    if let Some(apart) = unglue(table, word, |_| true) {
        fresh(rules::UNKNOWN_KEYWORD_NEAR, out);
        amend(out, "near", &apart, Some((&apart, sureness(&apart))));
        return;
    }
    fresh(rules::UNKNOWN_KEYWORD, out);
}

/// A keyword and its value that run together, taken apart: `virtual_server192.0.2.1`.
fn unglue<T>(
    table: &'static [Keyword<T>],
    word: &str,
    fits: fn(&Keyword<T>) -> bool,
) -> Option<String> {
    let (name, value) = table
        .iter()
        .filter(|keyword| fits(keyword))
        .flat_map(|keyword| keyword.names.iter().copied())
        .filter(|name| name.len() >= 4)
        .filter_map(|name| Some((name, word.strip_prefix(name)?)))
        .max_by_key(|(name, _)| name.len())?;
    Some(format!("{name} {}", value.trim_start_matches([':', '='])))
}

/// A keyword and its value that have been taken apart: a value that begins with a digit is beyond
/// doubt.
fn sureness(apart: &str) -> Certainty {
    match apart.split_once(' ') {
        Some((_, value)) if value.starts_with(|c: char| c.is_ascii_digit()) => Certainty::Certain,
        Some(_) | None => Certainty::Likely,
    }
}

fn amend(
    out: &mut Diagnostics,
    name: &'static str,
    value: &str,
    replacement: Option<(&str, Certainty)>,
) {
    if let Some(last) = out.last() {
        last.with(name, value);
        if let Some((replacement, certainty)) = replacement {
            last.replace_with(replacement);
            last.certainty = certainty;
        }
    }
}

/// Longer words are near to no keyword, and expensive to compare.
const LONGEST: usize = 64;

/// The nearest of some words: at most two slips away, fewer for short words, and case counts
/// nothing: `dr` is near `DR`. And whether it is meant beyond doubt: few slips in a long word, and
/// no other as near; never where it begins with a sign.
pub(super) fn nearest<'n>(
    word: &str,
    names: impl Iterator<Item = &'n str>,
) -> Option<(&'n str, Certainty)> {
    let length = word.chars().take(LONGEST + 1).count();
    let most = match length {
        0..=2 => 0,
        3..=4 => 1,
        5..=LONGEST => 2,
        _ => return None,
    };
    let close = |name: &str| {
        if name.eq_ignore_ascii_case(word) { 0 } else { strsim::damerau_levenshtein(word, name) }
    };
    // Hyphens for underscores are one habit, not many slips.
    let habit = word.replace('-', "_");
    let close = |name: &str| close(name).min(strsim::damerau_levenshtein(&habit, name));
    let mut near: Vec<(usize, &str)> =
        names.map(|name| (close(name), name)).filter(|(distance, _)| *distance <= most).collect();
    near.sort_unstable();
    near.dedup();
    let (slips, best) = *near.first()?;
    let alone = near.get(1).is_none_or(|(others, _)| *others > slips);
    // A sign in front keeps a line out of force, or comes from a list or a patch.
    let few = word.starts_with(char::is_alphanumeric)
        && match slips {
            0 => true,
            1 => length >= 3,
            _ => length >= 10,
        };
    let certainty = if alone && few { Certainty::Certain } else { Certainty::Likely };
    Some((best, certainty))
}
